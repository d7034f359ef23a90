//! What built-in rules ask about is told by a type of AWS, but for what is no resource or has no type: all of that is
//! listed here, with the reason.

use std::collections::{BTreeMap, BTreeSet};

use askance_stages::correlate::{Correlations, Keeper, KeeperLimits};
use askance_stages::decode::Input;
use askance_stages::flow::{Detect, DetectConfig, Output, Worker};
use askance_stages::model::{Alert, Level};
use serde_json::json;

use crate::cases::{self, Case};
use crate::rulebook::{self, RuleChoice};

const NO_RESOURCE: &str = "a word of the call, not a resource";
const NOT_TOLD: &str = "AWS has a type for it, which is not told yet";
const NO_TYPE: &str = "AWS has no name for the type";

/// Keys that stay as they are, by service; `*` is every service.
const LISTED: &[(&str, &str, &str)] = &[
    ("*", "arn", "the root user and federated users have no type"),
    ("*", "awsRegion", "a place"),
    ("*", "eventName", NO_RESOURCE),
    ("*", "eventSource", NO_RESOURCE),
    ("*", "sourceIPAddress", "a place"),
    ("access-analyzer", "ruleName", NO_TYPE),
    ("account", "RegionName", "a place"),
    ("aoss", "name", "of which of the types does not stand under this key"),
    ("appstream", "userName", NO_TYPE),
    ("appsync", "fieldName", NO_RESOURCE),
    ("aws-marketplace", "agreementRequestId", NO_TYPE),
    ("backup", "keyId", "the example's; this service has no such key"),
    ("bedrock", "jobName", NO_TYPE),
    ("bedrock", "provisionedModelName", "a name that the ARN does not hold, and no type"),
    ("bedrock", "s3Uri", "a place"),
    ("bedrock-agentcore", "agentId", NOT_TOLD),
    ("bedrock-agentcore", "resourceCredentialProviderName", NOT_TOLD),
    ("ce", "budgetName", "the example's; this service has no such key"),
    ("cloudcontrolapi", "typeName", NO_RESOURCE),
    ("cloudformation", "typeName", NO_RESOURCE),
    ("cloudfront", "name", "a function or a store of keys; which does not stand under this key"),
    ("cloudshell", "environmentId", NO_TYPE),
    ("codeartifact", "package", NOT_TOLD),
    ("codeartifact", "packageVersion", NO_TYPE),
    ("codebuild", "authType", NO_RESOURCE),
    ("codebuild", "serverType", NO_RESOURCE),
    ("cognito-idp", "tableName", "the example's; this service has no such key"),
    ("connect", "MonthlySpendLimit", NO_RESOURCE),
    ("datasync", "containerUrl", "elsewhere than in AWS"),
    ("datasync", "destinationLocationArn", "of which of the types does not stand in the ARN"),
    ("datasync", "serverHostname", "elsewhere than in AWS"),
    ("dms", "endpointIdentifier", NOT_TOLD),
    ("ds", "directoryId", "of which of the types does not stand in the call"),
    ("ds", "userName", NO_TYPE),
    ("ebs", "description", NO_RESOURCE),
    ("ec2", "CapacityBlockOfferingId", NO_RESOURCE),
    ("ec2", "description", NO_RESOURCE),
    ("ec2", "instanceType", NO_RESOURCE),
    ("ec2", "keyId", "the example's; this service has no such key"),
    ("ec2", "savingsPlanOfferingId", NO_RESOURCE),
    ("ecr", "imageTag", NO_RESOURCE),
    ("ecr", "tableName", "the example's; this service has no such key"),
    ("ecs", "image", NO_RESOURCE),
    ("eks", "issuerUrl", "elsewhere than in AWS"),
    ("eks", "name", "of which of the types does not stand under this key"),
    ("elasticache", "sourceSnapshotName", NO_TYPE),
    ("elasticloadbalancing", "listenerArn", NOT_TOLD),
    ("es", "clusterIdentifier", "the example's; this service has no such key"),
    ("glacier", "vaultName", NO_TYPE),
    ("glue", "catalogId", NO_TYPE),
    ("guardduty", "findingIds", NO_TYPE),
    ("guardduty", "name", "a feature"),
    ("iam", "aWSServiceName", NO_RESOURCE),
    ("iam", "accountAlias", NO_RESOURCE),
    ("iam", "delegationRequestId", NO_TYPE),
    ("iam", "key", NO_RESOURCE),
    ("iam", "serialNumber", "a device of hardware"),
    ("iam", "serviceName", NO_RESOURCE),
    ("iam", "versionId", NO_RESOURCE),
    ("identitystore", "identityStoreId", NO_TYPE),
    ("identitystore", "userId", NO_TYPE),
    ("identitystore", "userName", NO_TYPE),
    ("inspector2", "resourceTypes", NO_RESOURCE),
    ("kms", "customKeyStoreId", NO_TYPE),
    ("kms", "customKeyStoreName", NO_TYPE),
    ("lakeformation", "dataLakePrincipalIdentifier", "an account, or somebody in it"),
    ("lightsail", "bucketName", NOT_TOLD),
    ("organizations", "accountName", NO_RESOURCE),
    ("organizations", "handshakeId", NO_TYPE),
    ("organizations", "id", "of which of the types does not stand under this key"),
    ("organizations", "policyType", NO_RESOURCE),
    ("organizations", "rootId", NO_TYPE),
    ("organizations", "servicePrincipal", NO_RESOURCE),
    ("rds", "cIDRIP", "a place"),
    ("rds", "savingsPlanOfferingId", NO_RESOURCE),
    ("redshift", "dataShareArn", NO_TYPE),
    ("rekognition", "policyName", NO_TYPE),
    ("route53", "id", "the configuration of a query log has no type"),
    ("route53domains", "domainName", NO_TYPE),
    ("route53resolver", "domainName", NO_RESOURCE),
    ("route53resolver", "firewallPolicyName", "the example's; this service has no such key"),
    ("s3", "description", NO_RESOURCE),
    ("s3", "tableName", "the example's; this service has no such key"),
    ("s3vectors", "tableName", "the example's; this service has no such key"),
    ("sagemaker", "trainingJobName", NO_TYPE),
    ("savingsplans", "savingsPlanOfferingId", NO_RESOURCE),
    ("secretsmanager", "region", "a place"),
    ("securityhub", "StandardsControlArn", NO_TYPE),
    ("securitylake", "regions", "a place"),
    ("servicequotas", "quotaCode", NO_RESOURCE),
    ("servicequotas", "serviceCode", NO_RESOURCE),
    ("ses", "name", "a rule of a set of rules, which has no ARN"),
    ("snowball", "description", NO_RESOURCE),
    ("snowball", "jobType", NO_RESOURCE),
    ("sns", "MonthlySpendLimit", NO_RESOURCE),
    ("ssm", "settingValue", NO_RESOURCE),
    ("ssm", "values", "a choice of machines"),
    ("sso", "applicationArn", NOT_TOLD),
    ("sso", "instanceArn", NOT_TOLD),
    ("sso", "issuerUrl", "elsewhere than in AWS"),
    ("sso", "name", NO_TYPE),
    ("sso", "principalId", "a person or a group; which does not stand under this key"),
    ("sso-directory", "identityStoreId", NO_TYPE),
    ("sso-directory", "memberId", NO_TYPE),
    ("sso-directory", "tenantId", NO_TYPE),
    ("sso-directory", "userId", NO_TYPE),
    ("sso-directory", "userName", NO_TYPE),
    ("sts", "name", "a session"),
    ("support", "subject", NO_RESOURCE),
    ("wafv2", "addresses", "a place"),
    ("wafv2", "name", "of which of the types does not stand under this key"),
    ("workmail", "alias", NO_RESOURCE),
    ("workmail", "email", NO_TYPE),
    ("workmail", "entityId", NO_TYPE),
    ("workspaces", "groupId", NO_TYPE),
    ("workspaces", "userName", NO_TYPE),
];

/// Everything that is told of a case's events.
fn alerts(detect: &Detect, case: &Case) -> Vec<Alert> {
    let file = json!({ "Records": case.events }).to_string();
    let mut keeper = Keeper::new(&detect.correlations, KeeperLimits::default());
    let mut alerts = Vec::new();
    let mut sink = |output| match output {
        Output::Alert(alert) => alerts.push(*alert),
        Output::Entry(entry) => keeper.take(*entry),
        Output::Given(_) | Output::Unknown(_) | Output::Reject(_) => {}
    };
    Worker::new(detect).run(Input::Whole(file.as_bytes()), "", &mut sink, &|| false);
    let (tells, _) = keeper.finish();
    alerts.extend(tells.into_iter().map(|mut tell| {
        detect.enrich.place(&mut tell.alert);
        tell.alert
    }));
    alerts
}

#[test]
fn what_rules_ask_about_has_a_type_or_a_reason() {
    let reading = rulebook::read(&RuleChoice::default()).unwrap();
    let mut heard = reading.correlations.clone();
    heard.iter_mut().for_each(|correlation| correlation.is_silent = false);
    let correlations = Correlations::new(&heard);
    let rules =
        rulebook::compile(reading.rules.clone(), Level::Informational, &correlations).unwrap();
    let mut detect = Detect { correlations, ..Detect::new(rules, DetectConfig::default()) };
    let (mut odd, mut used) = (BTreeMap::new(), BTreeSet::new());
    let (mut named, mut with_arn) = (0, 0);
    for file in rulebook::files(&RuleChoice::default()).unwrap() {
        let Some(cases) = cases::read(&file).map(Result::unwrap) else { continue };
        for case in cases.cases.iter().filter(|case| case.is_hit) {
            detect.enrich = case.enrich();
            let told = alerts(&detect, case);
            for alert in told.iter().filter(|alert| alert.rule.id == cases.rule) {
                let event = alert.event.as_ref().map_or("{}", |event| event.get());
                let event: serde_json::Value = serde_json::from_str(event).unwrap();
                let source = event["eventSource"].as_str().unwrap_or_default();
                let service = source.split('.').next().unwrap_or_default();
                for resource in &alert.resource {
                    let kind = resource.kind.as_deref().unwrap_or_default();
                    let is_typed = kind.starts_with("AWS::") && kind.split("::").count() == 3;
                    assert!(!is_typed || resource.name.is_some(), "{resource:?}");
                    named += usize::from(is_typed);
                    with_arn += usize::from(resource.arn.is_some());
                    let is_listed =
                        |it: &&(&str, &str, &str)| it.1 == kind && (it.0 == service || it.0 == "*");
                    match LISTED.iter().find(is_listed).filter(|_| !is_typed) {
                        _ if is_typed => {}
                        Some((service, key, _)) => drop(used.insert((*service, *key))),
                        None => {
                            let what = (service.to_owned(), kind.to_owned());
                            odd.insert(what, format!("{} in {}", resource.id, file.path));
                        }
                    }
                }
            }
        }
    }
    assert!(odd.is_empty(), "neither typed nor listed: {odd:#?}");
    let listed = LISTED.iter().map(|(service, key, _)| (*service, *key));
    let unused: Vec<_> = listed.filter(|it| !used.contains(it)).collect();
    assert!(unused.is_empty(), "listed, but not needed: {unused:?}");
    println!("{named} with a type, {with_arn} with an ARN");
    assert!(with_arn * 2 > named, "{with_arn} of {named}");
}
