//! Names of streams: a bare name, or an ARN with its region and account.

use crate::aws::Role;
use crate::config::{KinesisConfig, StreamConfig};
use crate::sources::SourceError;
use crate::sources::shown::shown;

/// Which stream, and with which role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamName {
    /// Its name.
    pub name: String,
    /// Its ARN, if that was written.
    pub arn: Option<String>,
    /// Its region, if it is told.
    pub region: Option<String>,
    /// A role to read it with.
    pub role: Option<Role>,
}

impl StreamName {
    /// Reads what the configuration says.
    ///
    /// # Errors
    /// When it is no name of a stream.
    pub fn read(config: &KinesisConfig, stream: &StreamConfig) -> Result<Self, SourceError> {
        let role = match &stream.role_arn {
            Some(arn) => Some(Role { arn: arn.clone(), external_id: stream.external_id.clone() }),
            None => config
                .role_arn
                .clone()
                .map(|arn| Role { arn, external_id: config.external_id.clone() }),
        };
        let error = |cause: &str| SourceError {
            attempt: format!("use stream {}", shown(&stream.name)),
            cause: cause.to_owned(),
        };
        if !stream.name.starts_with("arn:") {
            if !is_name(&stream.name) {
                return Err(error(
                    "it is no name of a stream: letters, digits, `_`, `.` and `-`, up to 128",
                ));
            }
            let region = config.region.clone();
            return Ok(Self { name: stream.name.clone(), arn: None, region, role });
        }
        let parts: Vec<&str> = stream.name.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", partition, "kinesis", region, account, resource]
                if partition.starts_with("aws") && !region.is_empty() && is_account(account) =>
            {
                let name = resource.strip_prefix("stream/").filter(|name| is_name(name));
                let name = name
                    .ok_or_else(|| error("its ARN names no stream: it ends with `stream/NAME`"))?;
                Ok(Self {
                    name: name.to_owned(),
                    arn: Some(stream.name.clone()),
                    region: Some((*region).to_owned()),
                    role,
                })
            }
            _ => Err(error(
                "it is no ARN of a stream, such as arn:aws:kinesis:eu-west-1:111122223333:stream/trail",
            )),
        }
    }
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=128).contains(&name.len()) && name.bytes().all(is_allowed)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> KinesisConfig {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn names_and_arns_are_read() {
        let config = config(
            r#"{"application": "a", "region": "us-east-1", "role_arn": "r1", "stream": ["trail",
                {"name": "arn:aws-us-gov:kinesis:eu-west-1:111122223333:stream/other", "role_arn": "r2"}]}"#,
        );
        let read: Vec<StreamName> =
            config.stream.iter().map(|s| StreamName::read(&config, s).unwrap()).collect();
        let role = |arn: &str| Some(Role { arn: arn.to_owned(), external_id: None });
        assert_eq!((&*read[0].name, read[0].region.as_deref()), ("trail", Some("us-east-1")));
        assert_eq!((&*read[1].name, read[1].region.as_deref()), ("other", Some("eu-west-1")));
        assert_eq!((&read[0].role, &read[1].role), (&role("r1"), &role("r2")));
        for bad in [
            "",
            "a b",
            "arn:aws:s3:eu-west-1:111122223333:stream/a",
            "arn:aws:kinesis:eu-west-1:1111:stream/a",
            "arn:aws:kinesis::111122223333:stream/a",
            "arn:aws:kinesis:eu-west-1:111122223333:stream/",
            "arn:aws:kinesis:eu-west-1:111122223333:table/a",
        ] {
            let stream = StreamConfig { name: bad.to_owned(), role_arn: None, external_id: None };
            assert!(StreamName::read(&config, &stream).is_err(), "{bad}");
        }
    }
}
