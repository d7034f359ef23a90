//! What can become of a message or an object that is not read, by name, and what is done then.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Error;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::aws::{is_throttling, words};
use crate::sources::shown::shown;

/// Why something was not read; the names are labels of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The object is gone.
    Missing,
    /// The object is in an archive and must be restored first.
    Archived,
    /// The object is larger than is fetched.
    TooLarge,
    /// The bucket is not one that may be read.
    ForeignBucket,
    /// The bucket may be read, but not this key.
    ForeignPrefix,
    /// The message is no notification.
    BadMessage,
    /// The message came too often without being finished.
    TooManyReceives,
    /// S3 says no.
    Denied,
    /// KMS says no.
    KmsDenied,
    /// There are no credentials, or they are not valid.
    NoCredentials,
    /// The bucket is elsewhere.
    WrongRegion,
    /// There is no such bucket.
    NoBucket,
    /// The object changed while it was read, again and again.
    Changed,
    /// S3 asks for fewer requests.
    Throttled,
    /// S3 did not answer, or its answer was cut, again and again.
    Unreachable,
    /// There is no room for a large object on disk.
    NoRoom,
    /// The program is stopping.
    Stopped,
}

/// What is done with a message after an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposal {
    /// It is refused with evidence and deleted: coming again would change nothing.
    Delete,
    /// It is refused with evidence and left to the dead-letter queue: somebody may want it to come
    /// again once the configuration is another.
    Leave,
    /// It comes again after a pause, and is refused and left once it came too often.
    Again,
}

impl Outcome {
    /// As in counters and rejects.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Archived => "archived",
            Self::TooLarge => "too_large",
            Self::ForeignBucket => "foreign_bucket",
            Self::ForeignPrefix => "foreign_prefix",
            Self::BadMessage => "bad_message",
            Self::TooManyReceives => "too_many_receives",
            Self::Denied => "denied",
            Self::KmsDenied => "kms_denied",
            Self::NoCredentials => "no_credentials",
            Self::WrongRegion => "wrong_region",
            Self::NoBucket => "no_bucket",
            Self::Changed => "changed",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
            Self::NoRoom => "no_room",
            Self::Stopped => "stopped",
        }
    }

    /// What is done with the message.
    pub fn disposal(self) -> Disposal {
        match self {
            Self::Missing => Disposal::Delete,
            Self::Archived
            | Self::TooLarge
            | Self::ForeignBucket
            | Self::ForeignPrefix
            | Self::BadMessage
            | Self::TooManyReceives => Disposal::Leave,
            Self::Denied
            | Self::KmsDenied
            | Self::NoCredentials
            | Self::WrongRegion
            | Self::NoBucket
            | Self::Changed
            | Self::Throttled
            | Self::Unreachable
            | Self::NoRoom
            | Self::Stopped => Disposal::Again,
        }
    }

    /// Can trying at once again help?
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Changed | Self::Throttled | Self::Unreachable)
    }

    /// Is it the source that is not well, rather than the object?
    pub fn is_trouble(self) -> bool {
        match self {
            Self::Denied
            | Self::KmsDenied
            | Self::NoCredentials
            | Self::WrongRegion
            | Self::NoBucket
            | Self::Throttled
            | Self::Unreachable
            | Self::NoRoom => true,
            Self::Missing
            | Self::Archived
            | Self::TooLarge
            | Self::ForeignBucket
            | Self::ForeignPrefix
            | Self::BadMessage
            | Self::TooManyReceives
            | Self::Changed
            | Self::Stopped => false,
        }
    }
}

/// An outcome with words: what was attempted, on what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Fault {
    /// Which.
    pub outcome: Outcome,
    /// In words.
    pub detail: String,
}

impl Fault {
    /// A fault with its words.
    pub fn new(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { outcome, detail: detail.into() }
    }

    /// What reading `address` (`s3://bucket/key`) ended with.
    pub fn of_get(error: &SdkError<GetObjectError>, address: &str) -> Self {
        let Answered { said, region, outcome } = Answered::of(error);
        let what_to_do = match outcome {
            Outcome::Missing => {
                "it was deleted before it was read; the message is deleted".to_owned()
            }
            Outcome::Archived => {
                "restore it in S3, then let the message come again from the dead-letter queue".to_owned()
            }
            Outcome::Denied => "grant s3:GetObject on it (s3:GetObjectVersion where the bucket keeps versions), \
                 and s3:ListBucket on the bucket: without that a missing object looks like this too"
                .to_owned(),
            Outcome::KmsDenied => {
                "allow kms:Decrypt with the key that the trail encrypts with, in the key's policy too".to_owned()
            }
            Outcome::NoCredentials => {
                "check the credentials of AWS's environment, and the role of the bucket".to_owned()
            }
            Outcome::WrongRegion => region.map_or_else(
                || {
                    "write the bucket's `region` in the configuration (for a replay, --bucket-region)"
                        .to_owned()
                },
                |region| {
                    format!(
                        "write `region: {region}` at the bucket in the configuration (for a replay, \
                         --bucket-region {region})"
                    )
                },
            ),
            Outcome::NoBucket => "check the bucket's name in the configuration".to_owned(),
            Outcome::Changed => "it changed while it was read".to_owned(),
            Outcome::Throttled => "fewer are asked for at once".to_owned(),
            Outcome::Unreachable
            | Outcome::TooLarge
            | Outcome::ForeignBucket
            | Outcome::ForeignPrefix
            | Outcome::BadMessage
            | Outcome::TooManyReceives
            | Outcome::NoRoom
            | Outcome::Stopped => "it is tried again".to_owned(),
        };
        Self::new(outcome, format!("cannot read {address}: {said}: {what_to_do}"))
    }

    /// What listing `address` (`s3://bucket/prefix/`) ended with.
    pub fn of_list(error: &SdkError<ListObjectsV2Error>, address: &str) -> Self {
        let Answered { said, region, outcome } = Answered::of(error);
        let what_to_do = match outcome {
            Outcome::Denied => "grant s3:ListBucket on the bucket, for this prefix".to_owned(),
            Outcome::NoCredentials => "check the credentials of AWS's environment".to_owned(),
            Outcome::WrongRegion => region.map_or_else(
                || "name the bucket's region with --bucket-region".to_owned(),
                |region| format!("the bucket is elsewhere: --bucket-region {region}"),
            ),
            Outcome::NoBucket => "check the bucket's name".to_owned(),
            Outcome::Throttled => "S3 asks for fewer requests".to_owned(),
            Outcome::Missing
            | Outcome::Archived
            | Outcome::TooLarge
            | Outcome::ForeignBucket
            | Outcome::ForeignPrefix
            | Outcome::BadMessage
            | Outcome::TooManyReceives
            | Outcome::KmsDenied
            | Outcome::Changed
            | Outcome::Unreachable
            | Outcome::NoRoom
            | Outcome::Stopped => "check the way to S3, and start it again".to_owned(),
        };
        Self::new(outcome, format!("cannot list {address}: {said}: {what_to_do}"))
    }
}

/// What S3 answered, whatever was asked.
struct Answered {
    said: String,
    /// Where the bucket is, if S3 says so.
    region: Option<String>,
    outcome: Outcome,
}

impl Answered {
    fn of<E>(error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let said = shown(&words(error));
        let response = error.raw_response();
        let status = response.map_or(0, |response| response.status().as_u16());
        let code = error.as_service_error().and_then(|error| error.code()).unwrap_or_default();
        let header = response.and_then(|response| response.headers().get("x-amz-bucket-region"));
        let region = header.map(shown).or_else(|| region_in(&said));
        let outcome = outcome_of(status, code, &said);
        Self { said, region, outcome }
    }
}

/// The region that S3 expects a request to be signed for, where only its words say so.
fn region_in(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("expecting '")?;
    let (region, _) = rest.split_once('\'')?;
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (!region.is_empty() && region.bytes().all(is_one)).then(|| region.to_owned())
}

/// By S3's own code where there is one, else by the status; `said` tells KMS and credentials apart,
/// which have no code of their own.
fn outcome_of(status: u16, code: &str, said: &str) -> Outcome {
    match (status, code) {
        (_, "NoSuchBucket") => Outcome::NoBucket,
        (_, "InvalidObjectState") => Outcome::Archived,
        // Reading a version that is a mark of deletion.
        (_, "NoSuchKey" | "NoSuchVersion") | (404 | 405, _) => Outcome::Missing,
        (_, "PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed")
        | (301 | 307, _) => Outcome::WrongRegion,
        (412, _) => Outcome::Changed,
        // The object is shorter than what was read of it.
        (416, _) => Outcome::Changed,
        (_, code) if code.starts_with("KMS.") => Outcome::KmsDenied,
        (
            _,
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "RequestTimeTooSkewed",
        )
        | (401, _) => Outcome::NoCredentials,
        (403, _) if said.contains("kms:") || said.contains("KMS") => Outcome::KmsDenied,
        (403, _) => Outcome::Denied,
        (0, _) if said.contains("credential") || said.contains("identity") => {
            Outcome::NoCredentials
        }
        (429 | 503, _) => Outcome::Throttled,
        (_, code) if is_throttling(code) => Outcome::Throttled,
        _ => Outcome::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_s3_are_told_apart() {
        let check = |status: u16, code: &str, said: &str, expected: Outcome| {
            assert_eq!(outcome_of(status, code, said), expected, "{status} {code}");
        };
        check(404, "NoSuchKey", "", Outcome::Missing);
        check(404, "", "", Outcome::Missing);
        check(405, "MethodNotAllowed", "", Outcome::Missing);
        check(404, "NoSuchBucket", "", Outcome::NoBucket);
        check(403, "InvalidObjectState", "", Outcome::Archived);
        check(403, "AccessDenied", "AccessDenied: Access Denied", Outcome::Denied);
        check(403, "AccessDenied", "not authorized to perform: kms:Decrypt", Outcome::KmsDenied);
        check(400, "KMS.DisabledException", "", Outcome::KmsDenied);
        check(403, "ExpiredToken", "", Outcome::NoCredentials);
        check(0, "", "the credential provider was not enabled", Outcome::NoCredentials);
        check(301, "PermanentRedirect", "", Outcome::WrongRegion);
        check(400, "AuthorizationHeaderMalformed", "", Outcome::WrongRegion);
        check(412, "PreconditionFailed", "", Outcome::Changed);
        check(503, "SlowDown", "", Outcome::Throttled);
        check(503, "", "", Outcome::Throttled);
        check(0, "", "connection refused", Outcome::Unreachable);
    }

    #[test]
    fn a_region_is_found_in_words() {
        let said = "AuthorizationHeaderMalformed: The authorization header is malformed; the region \
                    'us-east-1' is wrong; expecting 'eu-central-1'";
        for (said, region) in [
            (said, Some("eu-central-1")),
            ("expecting ''", None),
            ("expecting 'eu central'", None),
            ("expecting 'eu-central-1", None),
            ("", None),
        ] {
            assert_eq!(region_in(said).as_deref(), region, "{said}");
        }
    }

    #[test]
    fn only_what_is_gone_is_deleted_unread() {
        let all = [
            Outcome::Missing,
            Outcome::Archived,
            Outcome::TooLarge,
            Outcome::ForeignBucket,
            Outcome::ForeignPrefix,
            Outcome::BadMessage,
            Outcome::TooManyReceives,
            Outcome::Denied,
            Outcome::KmsDenied,
            Outcome::NoCredentials,
            Outcome::WrongRegion,
            Outcome::NoBucket,
            Outcome::Changed,
            Outcome::Throttled,
            Outcome::Unreachable,
            Outcome::NoRoom,
            Outcome::Stopped,
        ];
        let deleted: Vec<&str> = all
            .into_iter()
            .filter(|outcome| outcome.disposal() == Disposal::Delete)
            .map(Outcome::name)
            .collect();
        assert_eq!(deleted, ["missing"]);
    }
}
