//! How mail leaves: by SMTP or by SES, and what their answers mean.

use std::error::Error as _;
use std::time::Duration;

use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, RawMessage};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::{Error as SmtpError, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::aws::{Place, words};
use crate::config::{MailTls, MailTransport, Secret};
use crate::sinks::words::bounded;
use crate::sinks::{SendError, SinkContext, SinkError};

/// How long a mail server's answer is waited for; scanners of mail take their time.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Most of an answer that is shown.
const MAX_SHOWN: usize = 300;

/// Answers of SES that ask for a pause.
const PAUSES: [&str; 4] =
    ["TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling"];

/// Answers of SES about this mail alone, or about its sender and receivers as they are configured.
const REFUSALS: [&str; 2] = ["MessageRejected", "BadRequestException"];

/// A way to send mail.
pub enum Transport {
    /// A mail server, and the password that is never shown.
    Smtp {
        /// Connections to it.
        server: Box<AsyncSmtpTransport<Tokio1Executor>>,
        /// Its name.
        host: String,
        /// What is sent to log in.
        password: Option<Secret>,
    },
    /// SES.
    Ses {
        /// Its client.
        client: aws_sdk_sesv2::Client,
        /// The configuration set.
        configuration_set: Option<String>,
    },
}

impl Transport {
    /// Reads the password; no connection is made yet.
    ///
    /// # Errors
    /// When the password cannot be read, or the host is no name for TLS.
    pub async fn open(config: &MailTransport, context: &SinkContext) -> Result<Self, SinkError> {
        match config {
            MailTransport::Ses { region, configuration_set } => {
                let place = Place { region: region.clone(), role: None };
                let client = context.aws.ses(&place).await;
                Ok(Self::Ses { client, configuration_set: configuration_set.clone() })
            }
            MailTransport::Smtp { host, port, tls, username, password } => {
                let password = match password {
                    Some(place) => Some(context.secret(place).await?),
                    None => None,
                };
                let login = match (username, &password) {
                    (Some(user), Some(secret)) => {
                        Some(Credentials::new(user.clone(), secret.expose().to_owned()))
                    }
                    (None, None) => None,
                    (Some(_), None) => return Err(context.misconfigured("password is missing")),
                    (None, Some(_)) => return Err(context.misconfigured("username is missing")),
                };
                let (usual_port, secured) = secured(*tls, host).map_err(|error| {
                    context.misconfigured(format!("cannot use TLS with {host}: {error}"))
                })?;
                let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
                    .port(port.unwrap_or(usual_port))
                    .tls(secured)
                    .timeout(Some(TIMEOUT))
                    // Alerts are rare: a connection that waits for the next one is closed by then.
                    .pool_config(PoolConfig::new().min_idle(0).max_size(1));
                if let Some(login) = login {
                    builder = builder.credentials(login);
                }
                Ok(Self::Smtp { server: Box::new(builder.build()), host: host.clone(), password })
            }
        }
    }

    /// Sends a mail, once.
    ///
    /// # Errors
    /// What the answer means for the mail.
    pub async fn send(&self, mail: &Message) -> Result<(), SendError> {
        match self {
            Self::Smtp { server, host, password } => {
                let sent = server.send_raw(mail.envelope(), &mail.formatted()).await;
                sent.map(|_| ()).map_err(|error| smtp_error(host, password.as_ref(), &error))
            }
            Self::Ses { client, configuration_set } => {
                let receivers = mail.envelope().to().iter().map(ToString::to_string).collect();
                let raw = RawMessage::builder()
                    .data(Blob::new(mail.formatted()))
                    .build()
                    .map_err(|error| SendError::Refused(format!("cannot write a mail: {error}")))?;
                let sent = client
                    .send_email()
                    .set_from_email_address(mail.envelope().from().map(ToString::to_string))
                    .destination(Destination::builder().set_to_addresses(Some(receivers)).build())
                    .content(EmailContent::builder().raw(raw).build())
                    .set_configuration_set_name(configuration_set.clone())
                    .send()
                    .await;
                sent.map(|_| ()).map_err(|error| {
                    let code = error.code().unwrap_or_default();
                    let status = error.raw_response().map(|answer| answer.status().as_u16());
                    let message = format!("cannot send mail by SES: {}", bounded(&words(&error), MAX_SHOWN).0);
                    if PAUSES.contains(&code) || status == Some(429) {
                        return SendError::Throttled { message, retry_after: None };
                    }
                    if REFUSALS.contains(&code) {
                        return SendError::Refused(message);
                    }
                    // Permissions, accounts that are paused, domains that are not verified.
                    SendError::Down(message)
                })
            }
        }
    }
}

fn secured(tls: MailTls, host: &str) -> Result<(u16, Tls), SmtpError> {
    Ok(match tls {
        MailTls::Starttls => (587, Tls::Required(TlsParameters::new(host.to_owned())?)),
        MailTls::Tls => (465, Tls::Wrapper(TlsParameters::new(host.to_owned())?)),
        MailTls::None => (25, Tls::None),
    })
}

fn smtp_error(host: &str, password: Option<&Secret>, error: &SmtpError) -> SendError {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        source = inner.source();
    }
    if let Some(password) = password.map(Secret::expose).filter(|secret| !secret.is_empty()) {
        said = said.replace(password, "***");
    }
    let message = format!("cannot send mail by {host}: {}", bounded(&said, MAX_SHOWN).0);
    let code = error.status().map(u16::from);
    match code {
        // Too many mails or connections, or grey listing: the mail is well, the moment is not.
        Some(450..=452) => SendError::Throttled { message, retry_after: None },
        // The login is wrong or wanted, for every mail alike.
        Some(530 | 534 | 535 | 538) => {
            SendError::Down(format!("{message}: check username, password and tls"))
        }
        Some(500..) => SendError::Refused(message),
        Some(_) | None => SendError::Down(message),
    }
}
