//! Sinks as they are configured.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::secret::SecretRef;
use super::sections::Language;
use super::units::{ByteSize, Span};

/// One sink.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SinkConfig {
    /// Standard output, one JSON alert a line.
    Stdout(StdoutConfig),
    /// A file, one JSON alert a line; each alert stands in it exactly once.
    File(FileConfig),
    /// An SNS topic.
    Sns(SnsConfig),
    /// A Slack channel, by webhook or bot token.
    Slack(SlackConfig),
    /// E-mail, by SMTP or SES.
    Email(EmailConfig),
    /// An HTTP endpoint.
    Webhook(WebhookConfig),
    /// Objects of JSON lines in a bucket.
    S3(S3SinkConfig),
    /// AWS Security Hub.
    SecurityHub(SecurityHubConfig),
    /// An EventBridge bus.
    #[serde(rename = "eventbridge")]
    EventBridge(EventBridgeConfig),
    /// PagerDuty, Events API v2.
    #[serde(rename = "pagerduty")]
    PagerDuty(PagerDutyConfig),
    /// Microsoft Teams, by a workflow's webhook.
    Teams(TeamsConfig),
}

/// `type: stdout`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StdoutConfig {}

/// `type: file`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// The file; alerts are put at its end.
    pub path: PathBuf,
    /// At this size the file is renamed to `NAME.1` and begun anew; never unless written.
    #[serde(default)]
    pub rotate_at: Option<ByteSize>,
    /// So many old files are kept.
    #[serde(default = "keep")]
    #[schemars(range(min = 1, max = 1000))]
    pub keep: u32,
}

/// `type: sns`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnsConfig {
    /// The topic.
    pub topic_arn: String,
    /// What the message is.
    #[serde(default)]
    pub format: SnsFormat,
    /// The topic's region, if it is not the one in its ARN.
    #[serde(default)]
    pub region: Option<String>,
    /// Languages, if they are others than those of `alerts`.
    #[serde(default)]
    pub languages: Option<Vec<Language>>,
}

/// What an SNS message holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SnsFormat {
    /// The alert as JSON.
    #[default]
    Json,
    /// Text for people.
    Text,
    /// OCSF Detection Finding.
    Ocsf,
}

/// `type: slack`: either `webhook_url`, or `token` and `channel`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlackConfig {
    /// An incoming webhook; it can neither thread nor edit.
    #[serde(default)]
    pub webhook_url: Option<SecretRef>,
    /// A bot's token, with the scope chat:write.
    #[serde(default)]
    pub token: Option<SecretRef>,
    /// The channel's id, with `token`.
    #[serde(default)]
    pub channel: Option<String>,
    /// Address of the API.
    #[serde(default = "slack_api")]
    pub api_url: String,
    /// Languages, if they are others than those of `alerts`.
    #[serde(default)]
    pub languages: Option<Vec<Language>>,
}

/// `type: email`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailConfig {
    /// Sender: `askance <askance@example.com>`.
    pub from: String,
    /// Receivers.
    #[schemars(length(min = 1))]
    pub to: Vec<String>,
    /// How it is sent.
    pub transport: MailTransport,
    /// Languages, if they are others than those of `alerts`.
    #[serde(default)]
    pub languages: Option<Vec<Language>>,
}

/// How mail is sent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum MailTransport {
    /// A mail server.
    Smtp {
        /// Its name.
        host: String,
        /// Its port; 587 with STARTTLS, 465 with TLS, 25 without unless written.
        #[serde(default)]
        port: Option<u16>,
        /// How the connection is kept from others' eyes.
        #[serde(default)]
        tls: MailTls,
        /// User name, if the server asks for one.
        #[serde(default)]
        username: Option<String>,
        /// Password.
        #[serde(default)]
        password: Option<SecretRef>,
    },
    /// SES, API v2.
    Ses {
        /// Region, if it is not the one of the environment.
        #[serde(default)]
        region: Option<String>,
        /// A configuration set, for bounces and complaints.
        #[serde(default)]
        configuration_set: Option<String>,
    },
}

/// TLS of a mail server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// Begin plain, go on with TLS; without it nothing is sent.
    #[default]
    Starttls,
    /// TLS from the beginning.
    Tls,
    /// None: for a server on this machine.
    None,
}

/// `type: webhook`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where alerts are posted to.
    pub url: SecretRef,
    /// Signs each body with HMAC-SHA256, in the header `X-Askance-Signature`.
    #[serde(default)]
    pub secret: Option<SecretRef>,
    /// More headers.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretRef>,
    /// The body, with `{{alert.rule.title}}` replaced by what stands in the alert, as JSON; the alert
    /// as JSON unless written.
    #[serde(default)]
    pub body: Option<String>,
    /// How long an answer is waited for.
    #[serde(default = "http_timeout")]
    pub timeout: Span,
}

/// `type: s3`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3SinkConfig {
    /// The bucket.
    pub bucket: String,
    /// What keys begin with.
    #[serde(default)]
    pub prefix: String,
    /// The bucket's region, if it is not the one of the environment.
    #[serde(default)]
    pub region: Option<String>,
    /// What a line is.
    #[serde(default)]
    pub format: S3Format,
    /// Alerts are gathered for so long, or until there are 1,000.
    #[serde(default = "gather")]
    pub gather: Span,
}

/// What a line of an object is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum S3Format {
    /// The alert as JSON.
    #[default]
    Json,
    /// OCSF Detection Finding.
    Ocsf,
}

/// `type: security_hub`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityHubConfig {
    /// The account that findings are imported into: the caller's own.
    #[schemars(regex(pattern = r"^[0-9]{12}$"))]
    pub account: String,
    /// Region; the one of the environment unless written.
    #[serde(default)]
    pub region: Option<String>,
}

/// `type: eventbridge`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventBridgeConfig {
    /// Name or ARN of the bus.
    #[serde(default = "default_bus")]
    pub bus: String,
    /// The events' source.
    #[serde(default = "event_source")]
    pub source: String,
    /// Region; the one of the environment unless written.
    #[serde(default)]
    pub region: Option<String>,
}

/// `type: pagerduty`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PagerDutyConfig {
    /// The integration's key.
    pub routing_key: SecretRef,
    /// Address of the API.
    #[serde(default = "pagerduty_api")]
    pub api_url: String,
}

/// `type: teams`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamsConfig {
    /// The workflow's address; whoever knows it can post.
    pub webhook_url: SecretRef,
    /// Languages, if they are others than those of `alerts`.
    #[serde(default)]
    pub languages: Option<Vec<Language>>,
}

fn keep() -> u32 {
    10
}

fn slack_api() -> String {
    "https://slack.com/api".to_owned()
}

fn pagerduty_api() -> String {
    "https://events.pagerduty.com".to_owned()
}

fn http_timeout() -> Span {
    Span::seconds(10)
}

fn gather() -> Span {
    Span::seconds(60)
}

fn default_bus() -> String {
    "default".to_owned()
}

fn event_source() -> String {
    "askance".to_owned()
}
