//! Sigma rules for CloudTrail in the shapes that public rule sets have, as many as wanted.

use std::fmt::Write;

use crate::generate::{
    catalogue,
    random::{Random, mix},
    template,
};

/// A generated rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedRule {
    /// Unique name for its file, without extension.
    pub name: String,
    /// The rule, YAML.
    pub text: String,
}

/// Calls that public rules look for, beside the catalogue's candidates: a service and its calls a line.
const KNOWN: &str = "
    acm-pca IssueCertificate
    apigateway UpdateRestApiPolicy
    bedrock DeleteModelInvocationLoggingConfiguration
    cloudfront DeleteFieldLevelEncryptionConfig
    cloudtrail DeleteEventDataStore PutInsightSelectors
    cloudwatch DeleteAlarms
    config DeleteConfigRule DeleteDeliveryChannel
    detective DeleteGraph
    dynamodb DeleteBackup
    ec2 CreateImage CreateInstanceExportTask CreateTrafficMirrorSession \
      CreateVpcPeeringConnection DeleteNetworkAcl DisableEbsEncryptionByDefault \
      EnableSerialConsoleAccess ExportImage ImportKeyPair ReplaceIamInstanceProfileAssociation
    ecr SetRepositoryPolicy
    ecs ExecuteCommand
    eks AssociateAccessPolicy CreateAccessEntry
    elasticfilesystem DeleteFileSystem DeleteMountTarget
    glue CreateDevEndpoint UpdateDevEndpoint
    guardduty CreateIPSet DeleteMembers StopMonitoringMembers
    iam AddUserToGroup CreateOpenIDConnectProvider CreateSAMLProvider CreateVirtualMFADevice \
      DeleteAccountPasswordPolicy PutGroupPolicy PutUserPolicy SetDefaultPolicyVersion \
      UpdateLoginProfile UpdateSAMLProvider
    kms ImportKeyMaterial
    lambda AddLayerVersionPermission CreateFunctionUrlConfig
    logs DeleteLogGroup DeleteLogStream
    macie2 DisableMacie
    organizations DisablePolicyType InviteAccountToOrganization
    ram CreateResourceShare
    rds ModifyDBSnapshotAttribute RestoreDBInstanceFromDBSnapshot StartExportTask
    redshift ModifyCluster
    route53 DisableDomainTransferLock AssociateVPCWithHostedZone
    s3 DeleteBucketEncryption PutBucketReplication PutBucketVersioning PutObjectAcl
    secretsmanager PutResourcePolicy
    securityhub BatchUpdateFindings
    ses UpdateAccountSendingEnabled
    sns SetTopicAttributes
    ssm ModifyDocumentPermission
    sso DeletePermissionSet
    sts GetFederationToken
    wafv2 DeleteWebACL
    waf DeleteRule
";
const SOURCES: &[&str] = &[
    "iam",
    "ec2",
    "s3",
    "kms",
    "lambda",
    "rds",
    "ecs",
    "eks",
    "ssm",
    "sns",
    "sqs",
    "logs",
    "glue",
    "athena",
    "redshift",
    "medialive",
    "mediapackage",
    "cloudfront",
    "route53",
    "apigateway",
    "cognito-idp",
    "sagemaker",
    "bedrock",
    "batch",
    "backup",
    "dynamodb",
];
const VERBS: &[&str] = &[
    "Put",
    "Create",
    "Delete",
    "Update",
    "Disable",
    "Modify",
    "Attach",
    "Detach",
    "Associate",
    "Disassociate",
    "Reset",
    "Revoke",
    "Share",
    "Export",
    "Import",
    "Register",
    "Deregister",
    "Set",
    "Stop",
    "Replace",
];
const NOUNS: &[&str] = &[
    "Widget",
    "Gadget",
    "Ledger",
    "Beacon",
    "Console",
    "Gateway",
    "Mirror",
    "Vault",
    "Journal",
    "Relay",
    "Token",
    "Broker",
    "Workspace",
    "Channel",
    "Bundle",
    "Device",
    "Fabric",
    "Notebook",
    "Profile",
    "Quota",
    "Replica",
    "Scheduler",
    "Tunnel",
    "Volume",
];
const PARTS: &[&str] = &[
    "",
    "Policy",
    "Attribute",
    "Configuration",
    "Permission",
    "Key",
    "Encryption",
    "Association",
    "Member",
    "Alias",
    "Version",
    "Logging",
];
const AGENTS: &[&str] = &[
    "kali",
    "parrot",
    "powershell",
    "Boto3/1.9",
    "pacu",
    "S3 Browser",
    "rclone",
    "python-requests",
    "cloudmapper",
];
const LEVELS: &[&str] = &["low", "medium", "medium", "high", "high", "critical"];
const PARAMETERS: &[(&str, &str)] = &[
    ("requestParameters.attribute", "userData"),
    ("requestParameters.policyArn|endswith", "/AdministratorAccess"),
    ("requestParameters.publiclyAccessible", "true"),
    ("requestParameters.roleName|startswith", "AWSReservedSSO_"),
    ("requestParameters.policyDocument|contains", "\"Action\":\"*\""),
    ("requestParameters.userName|contains", "admin"),
    ("requestParameters.bucketName|contains", "backup"),
    ("requestParameters.enable", "false"),
];

/// Makes `count` rules, each with its own id, title and name.
pub fn generate_rules(seed: u64, count: usize) -> Vec<GeneratedRule> {
    (0..count).map(|number| rule(seed, number)).collect()
}

fn rule(seed: u64, number: usize) -> GeneratedRule {
    let random = &mut Random::new(mix(seed ^ 0x516a, number as u64));
    let (about, detection) = match random.below(100) {
        0..85 => by_name(random),
        85..95 => by_part_of_name(random),
        _ => without_name(random),
    };
    let mut id = Vec::new();
    template::uuid(&mut id, random);
    let id = String::from_utf8_lossy(&id);
    let level = random.pick(LEVELS);
    let technique = 1000 + random.below(600);
    let text = format!(
        "title: 'AWS {about} ({number})'\nid: {id}\nstatus: experimental\ndescription: 'Looks for {about} in CloudTrail.'\n\
         author: askance-gen\ndate: 2026-03-02\ntags:\n    - attack.t{technique}\nlogsource:\n    product: aws\n    \
         service: cloudtrail\ndetection:\n{detection}falsepositives:\n    - Work that was announced\nlevel: {level}\n"
    );
    GeneratedRule { name: format!("generated_{number:05}"), text }
}

/// One or several calls of a service, often with a further condition.
fn by_name(random: &mut Random) -> (String, String) {
    let (source, first) = event(random);
    let mut fields = format!("        eventSource: {source}.amazonaws.com\n");
    if random.chance(700_000) {
        put(&mut fields, format_args!("        eventName: {first}\n"));
    } else {
        put(&mut fields, format_args!("        eventName:\n            - {first}\n"));
        for _ in 0..1 + random.below(4) {
            put(&mut fields, format_args!("            - {}\n", invented(random)));
        }
    }
    let mut more = String::new();
    let mut condition = "selection".to_owned();
    match random.below(100) {
        0..10 => {
            let agent = random.pick(AGENTS);
            put(&mut fields, format_args!("        userAgent|contains: '{agent}'\n"));
        }
        10..28 => {
            let (field, value) = random.pick(PARAMETERS);
            put(&mut fields, format_args!("        {field}: '{value}'\n"));
        }
        28..34 => {
            let code = random.pick(&[
                "AccessDenied",
                "Client.UnauthorizedOperation",
                "NoSuchEntityException",
            ]);
            put(&mut fields, format_args!("        errorCode: {code}\n"));
        }
        34..42 => {
            let kind = random.pick(&["Root", "IAMUser", "AssumedRole", "FederatedUser"]);
            put(&mut fields, format_args!("        userIdentity.type: {kind}\n"));
        }
        42..54 => {
            let service = random.pick(&["cloudformation", "autoscaling", "backup", "controltower"]);
            put(
                &mut more,
                format_args!(
                    "    filter_main_service:\n        sourceIPAddress: {service}.amazonaws.com\n"
                ),
            );
            condition.push_str(" and not filter_main_service");
        }
        54..60 => {
            more.push_str("    filter_main_failed:\n        errorCode|contains: 'Denied'\n");
            condition.push_str(" and not 1 of filter_main_*");
        }
        _ => {}
    }
    (
        format!("{first} by {source}"),
        format!("    selection:\n{fields}{more}    condition: {condition}\n"),
    )
}

fn by_part_of_name(random: &mut Random) -> (String, String) {
    let source = random.pick(SOURCES);
    let (verb, noun) = (random.pick(VERBS), random.pick(NOUNS));
    let (modifier, value) = match random.below(3) {
        0 => {
            ("startswith", format!("            - '{verb}{noun}'\n            - 'Delete{noun}'\n"))
        }
        1 => (
            "contains",
            format!("            - '{noun}Policy'\n            - '{noun}Permission'\n"),
        ),
        _ => ("endswith", format!("            - '{noun}Logging'\n")),
    };
    let fields = format!(
        "        eventSource: {source}.amazonaws.com\n        eventName|{modifier}:\n{value}"
    );
    let about = format!("{noun} calls of {source}");
    (about, format!("    selection:\n{fields}    condition: selection\n"))
}

fn without_name(random: &mut Random) -> (String, String) {
    let agent = random.pick(AGENTS);
    let net = format!("100.{}.{}.0/24", 64 + random.below(60), random.below(255));
    let (about, fields) = match random.below(4) {
        0 => (
            "root at work",
            format!("        userIdentity.type: Root\n        userAgent|contains: '{agent}'\n"),
        ),
        1 => ("an unusual tool", format!("        userAgent|contains: '{agent}'\n")),
        2 => ("an unusual network", format!("        sourceIPAddress|cidr: {net}\n")),
        _ => (
            "denied calls from an unusual network",
            format!(
                "        errorCode: AccessDenied\n        sourceIPAddress|cidr:\n            - {net}\n            - 100.127.0.0/16\n"
            ),
        ),
    };
    (about.to_owned(), format!("    selection:\n{fields}    condition: selection\n"))
}

/// A real call once in four times, else an invented one.
fn event(random: &mut Random) -> (&'static str, String) {
    if !random.chance(250_000) {
        return (*random.pick::<&str>(SOURCES), invented(random));
    }
    let lines = KNOWN.lines().filter_map(|line| line.trim().split_once(' '));
    let listed =
        lines.flat_map(|(source, names)| names.split_whitespace().map(move |name| (source, name)));
    let known: Vec<_> = catalogue::candidate_names().chain(listed).collect();
    let (source, name) = *random.pick(&known);
    (source, name.to_owned())
}

fn invented(random: &mut Random) -> String {
    format!("{}{}{}", random.pick(VERBS), random.pick(NOUNS), random.pick(PARTS))
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rules_are_many_and_distinct() {
        let rules = generate_rules(1, 3000);
        let ids: BTreeSet<_> = rules.iter().filter_map(|rule| rule.text.lines().nth(1)).collect();
        assert_eq!(ids.len(), 3000);
        let named = rules.iter().filter(|rule| rule.text.contains("eventName:")).count();
        assert!((2400..2700).contains(&named), "{named}");
    }

    #[test]
    fn a_seed_gives_the_same_rules() {
        assert_eq!(generate_rules(5, 50), generate_rules(5, 50));
        assert_ne!(generate_rules(5, 50), generate_rules(6, 50));
    }
}
