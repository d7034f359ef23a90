//! Links to AWS's console: the page of the resource where it is known, and the event.
//!
//! A link is made of text from a log, so it leads to AWS's own hosts only, whatever the log says: the
//! partition comes from a region that looks like one, everything else is percent-encoded.

use askance_stages::model::Alert;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::event::EventFacts;

/// What stands unencoded in a part of an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longest id that a link is made of; an ARN has at most 2,048, those of consoles are far shorter.
const LONGEST_ID: usize = 256;

/// The page of what was acted on; `None` if there is none for it.
pub fn resource(alert: &Alert, event: &EventFacts) -> Option<String> {
    let place = Place::of(alert)?;
    let source = event.source.as_deref().unwrap_or_default();
    let service = source.strip_suffix(".amazonaws.com").unwrap_or(source);
    alert
        .resource
        .iter()
        .filter(|resource| resource.id.len() <= LONGEST_ID)
        .find_map(|resource| {
            let kind = resource.kind.as_deref().unwrap_or_default();
            place.page(service, kind, &resource.id)
        })
        .or_else(|| place.service(service))
}

/// The event in CloudTrail's event history, which keeps 90 days; `None` without an id.
pub fn event(alert: &Alert, event: &EventFacts) -> Option<String> {
    let place = Place::of(alert)?;
    let id = event.id.as_deref().filter(|id| is_event_id(id))?;
    Some(place.at("cloudtrailv2/home", &format!("/events?EventId={id}")))
}

fn is_event_id(id: &str) -> bool {
    (8..=64).contains(&id.len()) && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// A region's console.
struct Place<'a> {
    host: &'static str,
    region: &'a str,
}

impl<'a> Place<'a> {
    fn of(alert: &'a Alert) -> Option<Self> {
        let region = alert.region.as_deref().filter(|region| is_region(region))?;
        let host = match region {
            _ if region.starts_with("cn-") => "console.amazonaws.cn",
            _ if region.starts_with("us-gov-") => "console.amazonaws-us-gov.com",
            _ if region.starts_with("eusc-") => "console.amazonaws-eusc.eu",
            // Consoles of the closed partitions are not known outside them.
            _ if region.contains("-iso") => return None,
            _ => "console.aws.amazon.com",
        };
        Some(Self { host, region })
    }

    /// `path` and `fragment` are of our making or encoded already.
    fn at(&self, path: &str, fragment: &str) -> String {
        let Self { host, region } = self;
        let sign = if path.contains('?') { '&' } else { '?' };
        let fragment = if fragment.is_empty() { String::new() } else { format!("#{fragment}") };
        format!("https://{host}/{path}{sign}region={region}{fragment}")
    }

    fn page(&self, service: &str, kind: &str, id: &str) -> Option<String> {
        let name = encoded(id.rsplit(['/', ':']).next().unwrap_or(id));
        let whole = encoded(id);
        let ec2 = |page: &str| Some(self.at("ec2/home", &format!("{page}={name}")));
        let vpc = |page: &str| Some(self.at("vpcconsole/home", &format!("{page}={name}")));
        let iam = |page: String| Some(self.at("iam/home", &page));
        match (service, kind) {
            _ if id.starts_with("sg-") => ec2("SecurityGroup:groupId"),
            _ if id.starts_with("snap-") => ec2("SnapshotDetails:snapshotId"),
            _ if id.starts_with("ami-") => ec2("ImageDetails:imageId"),
            _ if id.starts_with("i-") => ec2("InstanceDetails:instanceId"),
            _ if id.starts_with("vol-") => ec2("VolumeDetails:volumeId"),
            _ if id.starts_with("vpc-") => vpc("VpcDetails:VpcId"),
            _ if id.starts_with("subnet-") => vpc("SubnetDetails:subnetId"),
            (_, "AWS::S3::Bucket") => {
                Some(self.at(&format!("s3/buckets/{name}?tab=permissions"), ""))
            }
            (_, "AWS::IAM::User") => {
                iam(format!("/users/details/{name}?section=security_credentials"))
            }
            (_, "AWS::IAM::Role") => iam(format!("/roles/details/{name}")),
            (_, "AWS::IAM::Group") => iam(format!("/groups/details/{name}")),
            (_, "AWS::IAM::ManagedPolicy" | "AWS::IAM::Policy") if id.starts_with("arn:") => {
                iam(format!("/policies/details/{whole}"))
            }
            (_, "AWS::Lambda::Function") => {
                let function = encoded(function_name(id));
                Some(self.at("lambda/home", &format!("/functions/{function}?tab=configure")))
            }
            (_, "AWS::KMS::Key") => Some(self.at("kms/home", &format!("/kms/keys/{name}"))),
            (_, "AWS::RDS::DBInstance") => {
                Some(self.at("rds/home", &format!("database:id={name};is-cluster=false")))
            }
            (_, "AWS::RDS::DBSnapshot" | "AWS::RDS::DBClusterSnapshot") => {
                Some(self.at("rds/home", "snapshots-list:"))
            }
            ("secretsmanager", _) if !id.is_empty() => {
                Some(self.at(&format!("secretsmanager/secret?name={}", secret_name(id)), ""))
            }
            ("cloudtrail", _) if id.starts_with("arn:") => {
                Some(self.at("cloudtrailv2/home", &format!("/trails/{whole}")))
            }
            _ => None,
        }
    }

    /// The first page of a service where single resources have none.
    fn service(&self, service: &str) -> Option<String> {
        let (path, fragment) = match service {
            "s3" => ("s3/settings", ""),
            "cloudtrail" => ("cloudtrailv2/home", "/trails"),
            "guardduty" => ("guardduty/home", "/settings"),
            "config" => ("config/home", "/dashboard"),
            "securityhub" => ("securityhub/home", "/summary"),
            "organizations" => ("organizations/v2/home/accounts", ""),
            "ec2" => ("ec2/home", "Home:"),
            "iam" => ("iam/home", "/home"),
            _ => return None,
        };
        Some(self.at(path, fragment))
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// `name`, `name:alias` or an ARN with either.
fn function_name(id: &str) -> &str {
    let tail = id.split_once(":function:").map_or(id, |(_, tail)| tail);
    tail.split(':').next().unwrap_or(tail)
}

/// A secret's name, which the console wants; an ARN ends in six characters that are none of it.
fn secret_name(id: &str) -> String {
    let tail = id.split_once(":secret:").and_then(|(_, tail)| tail.rsplit_once('-'));
    encoded(tail.map_or(id, |(name, _)| name))
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_number = |part: &&str| part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit());
    let is_word = |part: &&str| {
        (2..=12).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase())
    };
    (3..=4).contains(&parts.len())
        && parts.last().is_some_and(|part| !part.is_empty() && is_number(part))
        && parts[..parts.len() - 1].iter().all(is_word)
}
