//! Clients of AWS services, from AWS's own environment and profiles: credentials, regions, endpoints,
//! FIPS and proxies are what they are for every other AWS tool.
//!
//! Each attempt is counted by service and outcome. What to do about a failure is the caller's.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::sync::OnceCell;

use crate::causes::with_causes;
use crate::config::AwsConfig;
use crate::telemetry::Families;

/// Longest that a connection may take to come about, proxy included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest that one attempt may take until its answer is there: a long poll of SQS takes 20 s. The
/// body of a download is not part of it.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// Attempts of the SDK's own; whoever calls tries again for as long as it takes.
const MAX_ATTEMPTS: u32 = 2;

/// Error codes that ask for a pause, whatever the status is.
const THROTTLING: [&str; 15] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "KMSThrottling",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// A role that is assumed before a service is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// What its trust policy asks for.
    pub external_id: Option<String>,
}

/// Makes clients; clones share connections and cached credentials.
#[derive(Debug, Clone)]
pub struct Aws {
    /// Read when a client is first wanted: whoever reads folders and writes files waits for no
    /// region of AWS.
    config: Arc<OnceCell<SdkConfig>>,
    written: AwsConfig,
    families: Families,
}

/// What a client is made with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Region, if it is not the one of the environment.
    pub region: Option<String>,
    /// A role to assume.
    pub role: Option<Role>,
}

impl Aws {
    /// Clients for what the configuration says; AWS's environment and profiles are read when the first
    /// of them is made.
    pub fn new(config: &AwsConfig, families: &Families) -> Self {
        Self { config: Arc::default(), written: config.clone(), families: families.clone() }
    }

    /// `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are obeyed by the SDK's own connector.
    async fn config(&self) -> &SdkConfig {
        let load = || async {
            let mut loader = defaults();
            if let Some(region) = &self.written.region {
                loader = loader.region(Region::new(region.clone()));
            }
            if let Some(profile) = &self.written.profile {
                loader = loader.profile_name(profile);
            }
            loader.load().await
        };
        self.config.get_or_init(load).await
    }

    /// The region that is used where none is named.
    pub async fn region(&self) -> Option<String> {
        self.config().await.region().map(ToString::to_string)
    }

    /// The configuration for a place: its region, its role's credentials, refreshed as they expire.
    async fn at(&self, place: &Place) -> SdkConfig {
        let mut builder = self.config().await.to_builder();
        if let Some(region) = &place.region {
            builder = builder.region(Region::new(region.clone()));
        }
        let config = builder.build();
        let Some(role) = &place.role else { return config };
        let mut provider = aws_config::sts::AssumeRoleProvider::builder(&role.arn)
            .session_name("askance")
            .configure(&config);
        if let Some(id) = &role.external_id {
            provider = provider.external_id(id);
        }
        let provider = provider.build().await;
        config
            .to_builder()
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
                provider,
            ))
            .build()
    }

    fn counting(&self, service: &'static str) -> Counting {
        Counting { service, families: self.families.clone() }
    }
}

/// What is the same for every client.
fn defaults() -> aws_config::ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .app_name(AppName::new("askance").expect("it is made of letters"))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
}

#[cfg(test)]
impl Aws {
    /// AWS as a server on loopback plays it: made-up credentials, `eu-west-1`, no second attempts, and
    /// nothing of the environment.
    pub fn on_loopback(url: &str) -> Self {
        use aws_credential_types::Credentials;
        use aws_credential_types::provider::SharedCredentialsProvider;

        let credentials = Credentials::new("testing", "testing", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(url)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .build();
        Self::of(config)
    }

    /// As [`Self::on_loopback`], with something else in the place of the network.
    pub fn over(network: impl aws_smithy_runtime_api::client::http::HttpClient + 'static) -> Self {
        let Self { config, .. } = Self::on_loopback("http://127.0.0.1:1");
        let config = config.get().map(SdkConfig::to_builder);
        Self::of(config.unwrap_or_default().http_client(network).build())
    }

    fn of(config: SdkConfig) -> Self {
        let written = AwsConfig { s3_path_style: true, ..AwsConfig::default() };
        Self {
            config: Arc::new(OnceCell::new_with(Some(config))),
            written,
            families: Families::new(),
        }
    }

    /// As [`Self::on_loopback`], made by the SDK's own loader: roles are assumed with what it brings.
    pub async fn loaded_on_loopback(url: &str) -> Self {
        use aws_credential_types::Credentials;

        let credentials = Credentials::new("testing", "testing", None, None, "tests");
        let loader = defaults().region(Region::new("eu-west-1")).endpoint_url(url);
        let config = loader.credentials_provider(credentials).load().await;
        Self::of(config)
    }
}

/// A client for each service, by the same pattern.
macro_rules! clients {
    ($( $(#[$doc:meta])* $name:ident => $crate_name:ident ; )*) => {
        impl Aws {
            $(
                $(#[$doc])*
                pub async fn $name(&self, place: &Place) -> $crate_name::Client {
                    let config = self.at(place).await;
                    let builder = $crate_name::config::Builder::from(&config)
                        .interceptor(self.counting(stringify!($name)));
                    $crate_name::Client::from_conf(builder.build())
                }
            )*
        }
    };
}

clients! {
    /// DynamoDB.
    dynamodb => aws_sdk_dynamodb;
    /// SQS.
    sqs => aws_sdk_sqs;
    /// SNS.
    sns => aws_sdk_sns;
    /// SES, API v2.
    ses => aws_sdk_sesv2;
    /// Security Hub.
    security_hub => aws_sdk_securityhub;
    /// EventBridge.
    eventbridge => aws_sdk_eventbridge;
    /// Secrets Manager.
    secrets_manager => aws_sdk_secretsmanager;
    /// Systems Manager.
    ssm => aws_sdk_ssm;
    /// Organizations; its region is the partition's own, whatever is configured.
    organizations => aws_sdk_organizations;
}

impl Aws {
    /// Kinesis. A subscription may be silent for a while: whoever reads it has a watchdog of their own.
    pub async fn kinesis(&self, place: &Place) -> aws_sdk_kinesis::Client {
        let config = self.at(place).await;
        let builder = aws_sdk_kinesis::config::Builder::from(&config)
            .stalled_stream_protection(
                aws_sdk_kinesis::config::StalledStreamProtectionConfig::disabled(),
            )
            .interceptor(self.counting("kinesis"));
        aws_sdk_kinesis::Client::from_conf(builder.build())
    }

    /// S3.
    pub async fn s3(&self, place: &Place) -> aws_sdk_s3::Client {
        let config = self.at(place).await;
        let builder = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(self.written.s3_path_style)
            .interceptor(self.counting("s3"));
        aws_sdk_s3::Client::from_conf(builder.build())
    }
}

/// Counts every attempt of a client.
#[derive(Debug, Clone)]
struct Counting {
    service: &'static str,
    families: Families,
}

impl Intercept for Counting {
    fn name(&self) -> &'static str {
        "askance-counting"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let outcome = match context.response() {
            Some(response) => {
                let header = |name: &str| response.headers().get(name);
                let errortype = header("x-amzn-errortype").or(header("x-amzn-query-error"));
                let code = errortype.map(bare_code).map(str::to_owned);
                let code = code.or_else(|| code_in(response.body().bytes().unwrap_or_default()));
                outcome(response.status().as_u16(), code.as_deref())
            }
            None => "failed",
        };
        self.families.aws_requests.with_label_values(&[self.service, outcome]).inc();
        Ok(())
    }
}

/// What a request came to, by its status and the code in its answer.
fn outcome(status: u16, code: Option<&str>) -> &'static str {
    match status {
        200..=399 => "ok",
        _ if code.is_some_and(is_throttling) => "throttled",
        429 | 503 => "throttled",
        401 | 403 => "denied",
        _ => match code {
            Some("AccessDenied" | "AccessDeniedException" | "UnrecognizedClientException") => {
                "denied"
            }
            _ => "failed",
        },
    }
}

/// Does this error code ask for a pause?
pub fn is_throttling(code: &str) -> bool {
    THROTTLING.contains(&code)
}

/// The code without what services put around it: `ns#Code:http://...`, `Code;Sender`.
fn bare_code(text: &str) -> &str {
    let text = text.split([':', ';']).next().unwrap_or(text);
    text.rsplit('#').next().unwrap_or(text)
}

/// The error code in an answer of JSON or XML.
fn code_in(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    if text.trim_start().starts_with('{') {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        let code = value.get("__type").or_else(|| value.get("code"))?;
        return code.as_str().map(|code| bare_code(code).to_owned());
    }
    let (_, rest) = text.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code.to_owned())
}

/// What AWS or the way to it said, in one line: `AccessDenied: User ... is not authorized`, or why
/// it could not be reached.
pub fn words<E, R>(error: &aws_smithy_runtime_api::client::result::SdkError<E, R>) -> String
where
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    if let Some(service) = error.as_service_error() {
        let code = service.code().unwrap_or("an error without a code");
        return match service.message() {
            Some(message) if !message.is_empty() => format!("{code}: {message}"),
            _ => code.to_owned(),
        };
    }
    // The outer words ("dispatch failure") say less than the innermost cause.
    with_causes(error)
}

#[cfg(test)]
#[path = "aws_tests.rs"]
mod tests;
