//! Clients of moto.

/// The region that everything of a test is in.
pub(crate) const REGION: &str = "eu-west-1";

/// The same settings for the client of any service: `client!(aws_sdk_s3, endpoint, more(value))`.
macro_rules! client {
    ($service:ident, $endpoint:expr $(, $more:ident($value:expr))*) => {{
        use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
        $service::Client::from_conf(
            $service::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .credentials_provider(Credentials::new("testing", "testing", None, None, "test"))
                .region(Region::new($crate::client::REGION))
                .endpoint_url($endpoint)
                $(.$more($value))*
                .build(),
        )
    }};
}

pub(crate) use client;
