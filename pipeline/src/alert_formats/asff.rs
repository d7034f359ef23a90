//! ASFF: an alert as a finding of AWS Security Hub.

use askance_stages::model::{Alert, Level, Resource};
use askance_stages::raise::{AccountFacts, Group};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::act::Act;
use super::attack::{Attack, attacks};
use super::clip::clip;
use super::partition::partition_of_region;
use crate::store::Words;

/// Security Hub's own limits, in characters.
const MAX_ID: usize = 512;
const MAX_TITLE: usize = 256;
const MAX_DESCRIPTION: usize = 1024;
const MAX_RECOMMENDATION: usize = 512;

/// Most resources of a finding.
const MAX_RESOURCES: usize = 32;

/// Most types of a finding.
const MAX_TYPES: usize = 50;

/// Longest product field, in characters. 2,048 are allowed; with so many no finding can come near
/// 240 KB, whatever a log holds.
const MAX_FIELD: usize = 512;

/// Where findings are imported, and so by whom they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The account that imports: with the default product it must be the finding's own.
    pub account: String,
    /// The region of its Security Hub.
    pub region: String,
}

impl Product {
    /// The ARN of the account's default product.
    pub fn arn(&self) -> String {
        let Self { account, region } = self;
        let partition = partition_of_region(region);
        format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default")
    }

    /// The id of an alert's finding.
    pub fn finding_id(alert: &Alert) -> String {
        format!("askance/{}", alert.id)
    }
}

/// The alert as a finding in ASFF.
///
/// `now` becomes `UpdatedAt`, without which Security Hub takes no change of a finding.
pub fn asff(
    alert: &Alert,
    group: Option<&Group>,
    words: (&Words, Option<&AccountFacts>),
    product: &Product,
    now: Timestamp,
) -> Value {
    let (words, account) = words;
    let now = now.to_string();
    let first = group.and_then(|group| group.first.as_ref()).or(alert.time.as_ref());
    let last = group.and_then(|group| group.last.as_ref()).or(alert.time.as_ref());
    let mut finding = json!({
        "SchemaVersion": "2018-10-08",
        "Id": Product::finding_id(alert),
        "ProductArn": product.arn(),
        "GeneratorId": filled(&alert.rule.id, MAX_ID),
        "AwsAccountId": product.account,
        "CreatedAt": alert.time.as_ref().unwrap_or(&now),
        "UpdatedAt": now,
        "FirstObservedAt": first,
        "LastObservedAt": last,
        "Title": filled(&alert.rule.title, MAX_TITLE),
        "Description": description(alert, words, account),
        "ProductFields": fields(alert, group),
        "Resources": resources(alert, &product.region),
        "FindingProviderFields": {
            "Severity": {"Label": label(alert.level), "Original": alert.level.name()},
            "Types": types(alert, words),
        },
        "RecordState": "ACTIVE",
    });
    if let Some(fix) = &words.fix.en {
        let url = words.references.iter().find(|url| url.starts_with("https://"));
        finding["Remediation"] = json!({"Recommendation": {
            "Text": clip(fix, MAX_RECOMMENDATION),
            "Url": url,
        }});
    }
    finding
}

/// Clipped, and never empty, which Security Hub refuses.
fn filled(text: &str, max_chars: usize) -> String {
    if text.trim().is_empty() { "-".to_owned() } else { clip(text, max_chars) }
}

fn label(level: Level) -> &'static str {
    match level {
        Level::Informational => "INFORMATIONAL",
        Level::Low => "LOW",
        Level::Medium => "MEDIUM",
        Level::High => "HIGH",
        Level::Critical => "CRITICAL",
    }
}

fn description(alert: &Alert, words: &Words, account: Option<&AccountFacts>) -> String {
    let question =
        words.ask.en.as_ref().or(words.description.as_ref()).unwrap_or(&alert.rule.title);
    let actor = alert.actor.name.as_deref().or(alert.actor.arn.as_deref()).unwrap_or("unknown");
    let name = account.and_then(|facts| facts.name.as_ref());
    let place = match (alert.account.as_deref(), name) {
        (Some(id), Some(name)) => format!("{name} ({id})"),
        (Some(id), None) => id.to_owned(),
        (None, _) => "unknown".to_owned(),
    };
    let why = words.why.en.as_deref().unwrap_or_default();
    let (actor, place) = (clip(actor, MAX_TITLE), clip(&place, MAX_TITLE));
    let text = format!("{question} Actor: {actor}. Account: {place}. {why}");
    filled(text.trim_end(), MAX_DESCRIPTION)
}

fn fields(alert: &Alert, group: Option<&Group>) -> Map<String, Value> {
    let act = Act::of(alert);
    let source = alert.source.as_deref();
    let values = [
        ("account", alert.account.clone()),
        ("region", alert.region.clone()),
        ("actor", alert.actor.arn.clone().or_else(|| alert.actor.name.clone())),
        ("session", alert.actor.session.clone()),
        ("event", act.text("eventName").map(str::to_owned)),
        ("event-id", act.text("eventID").map(str::to_owned)),
        ("source-ip", act.text("sourceIPAddress").map(str::to_owned)),
        ("source-country", source.and_then(|source| source.country.clone())),
        ("source-city", source.and_then(|source| source.city.clone())),
        ("source-asn", source.and_then(|source| source.asn).map(|number| number.to_string())),
        ("source-as-name", source.and_then(|source| source.as_name.clone())),
        ("count", group.map(|group| group.count.to_string())),
        ("historic", alert.is_historic.then(|| "true".to_owned())),
        ("origin", Some(alert.origin.path.clone())),
        ("show", Some(format!("askance alerts show {}", alert.id))),
    ];
    values
        .into_iter()
        .filter_map(|(key, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some((format!("askance/{key}"), clip(&value, MAX_FIELD).into()))
        })
        .collect()
}

/// Types of Security Hub's own taxonomy.
fn types(alert: &Alert, words: &Words) -> Vec<String> {
    const CHECK: &str = "Software and Configuration Checks/Industry and Regulatory Standards";
    let mut types = Vec::new();
    for attack in attacks(&alert.rule.tags) {
        let Attack::Tactic(tactic) = attack else { continue };
        let known = match tactic.as_str() {
            "Exfiltration" => "Effects/Data Exfiltration".to_owned(),
            "Impact" => "Effects".to_owned(),
            "Stealth" | "Defense Impairment" => "TTPs/Defense Evasion".to_owned(),
            tactic => format!("TTPs/{tactic}"),
        };
        if !types.contains(&known) {
            types.push(known);
        }
    }
    if !words.controls.is_empty() {
        types.push(CHECK.to_owned());
    }
    if types.is_empty() {
        types.push("Unusual Behaviors".to_owned());
    }
    types.truncate(MAX_TYPES);
    types
}

fn resources(alert: &Alert, region: &str) -> Vec<Value> {
    let region = alert.region.as_deref().unwrap_or(region);
    let partition = partition_of_region(region);
    let region = clip(region, MAX_ID);
    let mut resources: Vec<Value> = alert
        .resource
        .iter()
        .take(MAX_RESOURCES)
        .map(|resource| {
            let kind = kind(resource);
            let mut value = json!({
                "Type": kind,
                "Id": filled(&resource.id, MAX_ID),
                "Partition": partition,
                "Region": region,
            });
            if let ("Other", Some(named)) = (kind, &resource.kind) {
                value["Details"] = json!({"Other": {"type": filled(named, MAX_FIELD)}});
            }
            value
        })
        .collect();
    if resources.is_empty() {
        let account = alert.account.as_deref().unwrap_or("unknown");
        resources.push(json!({
            "Type": "AwsAccount",
            "Id": clip(&format!("AWS::::Account:{account}"), MAX_ID),
            "Partition": partition,
            "Region": region,
        }));
    }
    resources
}

/// Security Hub's type of a resource: by its ARN, else by CloudTrail's type or the key it stood under.
fn kind(resource: &Resource) -> &'static str {
    let by_arn = || {
        let mut parts = resource.id.splitn(6, ':');
        let (arn, service, rest) = (parts.next()?, parts.nth(1)?, parts.nth(2)?);
        let what = rest.split([':', '/']).next()?;
        let is_bucket = service == "s3" && !rest.contains('/');
        let found = ARN_KINDS.iter().find(|(of, prefix, _)| {
            *of == service
                && (*prefix == what || prefix.is_empty() && (service != "s3" || is_bucket))
        });
        found.filter(|_| arn == "arn").map(|(_, _, kind)| *kind)
    };
    let by_name = || {
        let name = resource.kind.as_deref()?;
        NAME_KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    };
    by_arn().or_else(by_name).unwrap_or("Other")
}

/// Service and kind in an ARN; an empty kind stands for ARNs without one.
const ARN_KINDS: [(&str, &str, &str); 31] = [
    ("s3", "", "AwsS3Bucket"),
    ("iam", "user", "AwsIamUser"),
    ("iam", "role", "AwsIamRole"),
    ("iam", "group", "AwsIamGroup"),
    ("iam", "policy", "AwsIamPolicy"),
    ("ec2", "instance", "AwsEc2Instance"),
    ("ec2", "network-acl", "AwsEc2NetworkAcl"),
    ("ec2", "network-interface", "AwsEc2NetworkInterface"),
    ("ec2", "route-table", "AwsEc2RouteTable"),
    ("ec2", "security-group", "AwsEc2SecurityGroup"),
    ("ec2", "subnet", "AwsEc2Subnet"),
    ("ec2", "volume", "AwsEc2Volume"),
    ("ec2", "vpc", "AwsEc2Vpc"),
    ("rds", "db", "AwsRdsDbInstance"),
    ("rds", "cluster", "AwsRdsDbCluster"),
    ("rds", "snapshot", "AwsRdsDbSnapshot"),
    ("rds", "cluster-snapshot", "AwsRdsDbClusterSnapshot"),
    ("lambda", "function", "AwsLambdaFunction"),
    ("kms", "key", "AwsKmsKey"),
    ("cloudtrail", "trail", "AwsCloudTrailTrail"),
    ("secretsmanager", "secret", "AwsSecretsManagerSecret"),
    ("dynamodb", "table", "AwsDynamoDbTable"),
    ("guardduty", "detector", "AwsGuardDutyDetector"),
    ("ecr", "repository", "AwsEcrRepository"),
    ("ecs", "cluster", "AwsEcsCluster"),
    ("eks", "cluster", "AwsEksCluster"),
    ("redshift", "cluster", "AwsRedshiftCluster"),
    ("cloudformation", "stack", "AwsCloudFormationStack"),
    ("cloudwatch", "alarm", "AwsCloudWatchAlarm"),
    ("sns", "", "AwsSnsTopic"),
    ("sqs", "", "AwsSqsQueue"),
];

/// Types as CloudTrail writes them, and keys of records.
const NAME_KINDS: [(&str, &str); 42] = [
    ("AWS::S3::Bucket", "AwsS3Bucket"),
    ("AWS::S3::Object", "AwsS3Object"),
    ("AWS::IAM::User", "AwsIamUser"),
    ("AWS::IAM::Role", "AwsIamRole"),
    ("AWS::IAM::Group", "AwsIamGroup"),
    ("AWS::IAM::Policy", "AwsIamPolicy"),
    ("AWS::IAM::AccessKey", "AwsIamAccessKey"),
    ("AWS::EC2::Instance", "AwsEc2Instance"),
    ("AWS::EC2::SecurityGroup", "AwsEc2SecurityGroup"),
    ("AWS::EC2::Subnet", "AwsEc2Subnet"),
    ("AWS::EC2::Volume", "AwsEc2Volume"),
    ("AWS::EC2::VPC", "AwsEc2Vpc"),
    ("AWS::RDS::DBInstance", "AwsRdsDbInstance"),
    ("AWS::RDS::DBCluster", "AwsRdsDbCluster"),
    ("AWS::RDS::DBSnapshot", "AwsRdsDbSnapshot"),
    ("AWS::Lambda::Function", "AwsLambdaFunction"),
    ("AWS::KMS::Key", "AwsKmsKey"),
    ("AWS::CloudTrail::Trail", "AwsCloudTrailTrail"),
    ("AWS::SecretsManager::Secret", "AwsSecretsManagerSecret"),
    ("AWS::DynamoDB::Table", "AwsDynamoDbTable"),
    ("AWS::SNS::Topic", "AwsSnsTopic"),
    ("AWS::SQS::Queue", "AwsSqsQueue"),
    ("bucketName", "AwsS3Bucket"),
    ("userName", "AwsIamUser"),
    ("roleName", "AwsIamRole"),
    ("policyArn", "AwsIamPolicy"),
    ("accessKeyId", "AwsIamAccessKey"),
    ("groupId", "AwsEc2SecurityGroup"),
    ("instanceId", "AwsEc2Instance"),
    ("networkAclId", "AwsEc2NetworkAcl"),
    ("routeTableId", "AwsEc2RouteTable"),
    ("subnetId", "AwsEc2Subnet"),
    ("volumeId", "AwsEc2Volume"),
    ("vpcId", "AwsEc2Vpc"),
    ("dBInstanceIdentifier", "AwsRdsDbInstance"),
    ("dBClusterIdentifier", "AwsRdsDbCluster"),
    ("dBSnapshotIdentifier", "AwsRdsDbSnapshot"),
    ("dBClusterSnapshotIdentifier", "AwsRdsDbClusterSnapshot"),
    ("functionName", "AwsLambdaFunction"),
    ("keyId", "AwsKmsKey"),
    ("trailName", "AwsCloudTrailTrail"),
    ("detectorId", "AwsGuardDutyDetector"),
];
