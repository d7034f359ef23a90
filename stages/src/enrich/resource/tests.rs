//! What is known of resources: case by case, of hostile text, and that ARNs are read as they are made.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::kinds::KINDS;
use super::*;
use crate::model::{Actor, Level, Origin, Resource, RuleRef};
use crate::parse::Parser;

const ACCOUNT: &str = "111122223333";

fn alert(kind: Option<&str>, id: &str, region: Option<&str>) -> Alert {
    Alert {
        id: String::new(),
        time: None,
        level: Level::Low,
        rule: RuleRef { id: String::new(), title: String::new(), tags: Vec::new() },
        account: Some(ACCOUNT.to_owned()),
        region: region.map(str::to_owned),
        actor: Actor::default(),
        source: None,
        resource: vec![Resource {
            kind: kind.map(str::to_owned),
            id: id.to_owned(),
            ..Resource::default()
        }],
        origin: Origin { path: String::new(), index: 0 },
        matched: Vec::new(),
        correlation: None,
        behind: None,
        is_historic: false,
        event: None,
        shared_event: None,
        access_key: None,
        address: None,
    }
}

/// The resource of an alert of this record, which stood under the last key of `event`'s second word.
fn resource(call: &str, id: &str, region: &str, record: &Value) -> Resource {
    let (event, key) = call.split_once(' ').expect("event and key");
    let (service, event) = event.split_once(':').expect("service and event");
    let mut record = record.clone();
    record["eventSource"] = format!("{service}.amazonaws.com").into();
    record["eventName"] = event.into();
    let mut alert = alert(Some(key), id, Some(region));
    let text = record.to_string();
    let done =
        Parser::default().parse(text.as_bytes(), |record, _| complete(&mut alert, Some(&record)));
    done.expect("it is a record");
    alert.resource.remove(0)
}

/// Type, ARN and name, with a dash for what is not there.
fn shown(resource: &Resource) -> [&str; 3] {
    [&resource.kind, &resource.arn, &resource.name].map(|text| text.as_deref().unwrap_or("-"))
}

#[track_caller]
fn check_with(request: &Value, call: &str, id: &str, expected: [&str; 3]) {
    let record = json!({ "requestParameters": request });
    let found = resource(call, id, "eu-west-1", &record);
    assert_eq!((shown(&found), found.id.as_str()), (expected, id), "{call}");
}

/// A name that is its ARN's end: the type, and the ARN without `arn:aws:`.
#[track_caller]
fn check(call: &str, id: &str, kind: &str, arn: &str) {
    let arn = if arn == "-" { arn.to_owned() } else { format!("arn:aws:{arn}") };
    check_with(&json!({}), call, id, [kind, &arn, id]);
}

#[test]
fn keys_tell_what_stands_under_them() {
    check("s3:PutBucketPolicy bucketName", "films", "AWS::S3::Bucket", "s3:::films");
    check(
        "ec2:RunInstances instanceId",
        "i-0123456789abcdef0",
        "AWS::EC2::Instance",
        "ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0",
    );
    check(
        "ec2:ModifyImageAttribute imageId",
        "ami-0123456789abcdef0",
        "AWS::EC2::Image",
        "ec2:eu-west-1::image/ami-0123456789abcdef0",
    );
    check(
        "rds:DeleteDBInstance dBInstanceIdentifier",
        "orders",
        "AWS::RDS::DBInstance",
        "rds:eu-west-1:111122223333:db:orders",
    );
    check(
        "rds:ModifyDBSnapshotAttribute dBSnapshotIdentifier",
        "rds:orders-2026-11-24",
        "AWS::RDS::DBSnapshot",
        "rds:eu-west-1:111122223333:snapshot:rds:orders-2026-11-24",
    );
    check(
        "rds:ModifyGlobalCluster globalClusterIdentifier",
        "world",
        "AWS::RDS::GlobalCluster",
        "rds::111122223333:global-cluster:world",
    );
    check(
        "logs:DeleteLogGroup logGroupName",
        "/aws/lambda/report",
        "AWS::Logs::LogGroup",
        "logs:eu-west-1:111122223333:log-group:/aws/lambda/report",
    );
    check(
        "guardduty:DeleteDetector detectorId",
        "12abc34d567e8fa901bc2d34e56789f0",
        "AWS::GuardDuty::Detector",
        "guardduty:eu-west-1:111122223333:detector/12abc34d567e8fa901bc2d34e56789f0",
    );
    check(
        "cognito-identity:UpdateIdentityPool identityPoolId",
        "eu-west-1:1234abcd-12ab-34cd-56ef-1234567890ab",
        "AWS::Cognito::IdentityPool",
        "cognito-identity:eu-west-1:111122223333:identitypool/eu-west-1:1234abcd-12ab-34cd-56ef-1234567890ab",
    );
    check(
        "apigateway:UpdateRestApi restApiId",
        "a1b2c3d4e5",
        "AWS::ApiGateway::RestApi",
        "apigateway:eu-west-1::/restapis/a1b2c3d4e5",
    );
    check("x:Y accessKeyId", "AKIAIOSFODNN7EXAMPLE", "AWS::IAM::AccessKey", "-");
    check("x:Y recipientAccountId", ACCOUNT, "AWS::Organizations::Account", "-");
    // The name is not the ARN's.
    check("secretsmanager:DeleteSecret secretId", "prod/db", "AWS::SecretsManager::Secret", "-");
    check("ec2:CopySnapshot sourceSnapshotId", "snap-0123456789abcdef0", "AWS::EC2::Snapshot", "-");
}

#[test]
fn a_key_means_what_its_service_and_event_say() {
    let trail = "cloudtrail:eu-west-1:111122223333:trail/main";
    check("cloudtrail:StopLogging name", "main", "AWS::CloudTrail::Trail", trail);
    check_unknown("cloudtrail:CreateChannel name", "main");
    check(
        "eks:UpdateClusterConfig name",
        "main",
        "AWS::EKS::Cluster",
        "eks:eu-west-1:111122223333:cluster/main",
    );
    check("iam:AddUserToGroup groupName", "ops", "AWS::IAM::Group", "iam::111122223333:group/ops");
    check("ec2:CreateSecurityGroup groupName", "ops", "AWS::EC2::SecurityGroup", "-");
    check("iam:PutUserPolicy policyName", "inline", "AWS::IAM::UserPolicy", "-");
    check("iam:PutRolePolicy policyName", "inline", "AWS::IAM::RolePolicy", "-");
    let policy = "iam::111122223333:policy/own";
    check("iam:CreatePolicy policyName", "own", "AWS::IAM::ManagedPolicy", policy);
    check(
        "ssm:DeleteDocument name",
        "restart",
        "AWS::SSM::Document",
        "ssm:eu-west-1:111122223333:document/restart",
    );
    check("ssm:SendCommand documentName", "AWS-RunShellScript", "AWS::SSM::Document", "-");
    check(
        "ssm:GetParameter name",
        "/prod/db",
        "AWS::SSM::Parameter",
        "ssm:eu-west-1:111122223333:parameter/prod/db",
    );
    check(
        "route53:DeleteHostedZone id",
        "Z1D633PJN98FT9",
        "AWS::Route53::HostedZone",
        "route53:::hostedzone/Z1D633PJN98FT9",
    );
}

/// A key that nothing is known of.
#[track_caller]
fn check_unknown(call: &str, id: &str) {
    let kind = call.split(' ').nth(1).unwrap();
    check_with(&json!({}), call, id, [kind, "-", "-"]);
}

#[test]
fn what_is_not_known_stays_as_it_was() {
    check_unknown("x:Y name", "main");
    check_unknown("codepipeline:DeletePipeline pipelineName", "deploy");
    check_unknown("iam:DeactivateMFADevice serialNumber", "GAHT12345678");
    check_unknown("ds:ResetUserPassword userName", "Admin");
    check_unknown("lambda:AddPermission principal", "*");
    check_unknown("ec2:DescribeInstances awsRegion", "eu-west-1");
    check_unknown("x:Y name", "arn:aws:s3");
    check_unknown("x:Y name", "arn:evil:s3:::films");
}

#[test]
fn ids_tell_by_themselves_what_they_are_of() {
    let instance = "ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0";
    check("ssm:StartSession target", "i-0123456789abcdef0", "AWS::EC2::Instance", instance);
    let vpc = "ec2:eu-west-1:111122223333:vpc/vpc-0123abcd";
    check("route53resolver:X resourceId", "vpc-0123abcd", "AWS::EC2::VPC", vpc);
    let managed = "ssm:eu-west-1:111122223333:managed-instance/mi-0123456789abcdef0";
    check("ssm:StartSession target", "mi-0123456789abcdef0", "AWS::SSM::ManagedInstance", managed);
    let unit = "AWS::Organizations::OrganizationalUnit";
    check("organizations:DetachPolicy targetId", "ou-ab12-cdef3456", unit, "-");
    check_unknown("ssm:StartSession target", "i-0123");
    check_unknown("ssm:StartSession target", "i-0123456789ABCDEF0");
    check_unknown("organizations:DetachPolicy targetId", "r-ab12");
}

#[test]
fn arns_are_read() {
    let read = |arn: &str, kind: &str, name: &str| {
        check_with(&json!({}), "x:Y resourceArn", arn, [kind, arn, name]);
    };
    read("arn:aws:s3:::films", "AWS::S3::Bucket", "films");
    read("arn:aws:s3:::films/2026/a b.mov", "AWS::S3::Object", "2026/a b.mov");
    read(
        "arn:aws:s3:eu-west-1:111122223333:accesspoint/reports",
        "AWS::S3::AccessPoint",
        "reports",
    );
    read("arn:aws-cn:iam::111122223333:user/ops/haruka", "AWS::IAM::User", "haruka");
    read(
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "AWS::IAM::ManagedPolicy",
        "AdministratorAccess",
    );
    read("arn:aws:sts::111122223333:assumed-role/ops/taro", "AWS::STS::AssumedRole", "ops/taro");
    read("arn:aws:kms:eu-west-1:444455556666:alias/aws/ebs", "AWS::KMS::Alias", "aws/ebs");
    read("arn:aws:lambda:eu-west-1:1:function:report:live", "AWS::Lambda::Function", "report");
    read("arn:aws:lambda:eu-west-1:1:layer:telemetry:3", "AWS::Lambda::LayerVersion", "telemetry");
    read("arn:aws:logs:eu-west-1:1:log-group:/a/b:*", "AWS::Logs::LogGroup", "/a/b");
    read("arn:aws:logs:eu-west-1:1:log-group:/a/b:log-stream:c/d", "AWS::Logs::LogStream", "c/d");
    read(
        "arn:aws:secretsmanager:eu-west-1:1:secret:prod/db-AbCdEf",
        "AWS::SecretsManager::Secret",
        "prod/db",
    );
    read("arn:aws:dynamodb:eu-west-1:1:table/orders", "AWS::DynamoDB::Table", "orders");
    read(
        "arn:aws:dynamodb:eu-west-1:1:table/orders/stream/2026-11-24T00:00:00.000",
        "AWS::DynamoDB::Stream",
        "2026-11-24T00:00:00.000",
    );
    read(
        "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/shop/0123456789abcdef",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "shop",
    );
    read("arn:aws:wafv2:eu-west-1:1:regional/webacl/shop/0123abcd", "AWS::WAFv2::WebACL", "shop");
    read(
        "arn:aws:organizations::111122223333:policy/o-abc/service_control_policy/p-1",
        "AWS::Organizations::Policy",
        "p-1",
    );
    read("arn:aws:sso:::permissionSet/ssoins-1/ps-1", "AWS::SSO::PermissionSet", "ps-1");
    read("arn:aws:events:eu-west-1:1:rule/bus/alarm", "AWS::Events::Rule", "alarm");
    // Of no form that is known: it is still an ARN.
    read("arn:aws:iam::111122223333:root", "resourceArn", "root");
    read("arn:aws:new:eu-west-1:1:thing/a/b", "resourceArn", "b");
    // As it stood in an address.
    let encoded = "arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fhelper";
    let expected = ["AWS::IAM::Role", "arn:aws:iam::111122223333:role/helper", "helper"];
    check_with(&json!({}), "eks:CreateAccessEntry principalArn", encoded, expected);
}

#[test]
fn some_names_are_written_in_several_ways() {
    let queue = ["AWS::SQS::Queue", "arn:aws:sqs:eu-west-1:444455556666:orders", "orders"];
    for url in [
        "https://sqs.eu-west-1.amazonaws.com/444455556666/orders",
        "https://eu-west-1.queue.amazonaws.com/444455556666/orders",
    ] {
        check_with(&json!({}), "sqs:SetQueueAttributes queueUrl", url, queue);
    }
    check_unknown("sqs:SetQueueAttributes queueUrl", "https://sqs.eu-west-1.amazonaws.com/x");
    let alias = ["AWS::KMS::Alias", "arn:aws:kms:eu-west-1:111122223333:alias/pay", "pay"];
    check_with(&json!({}), "kms:DisableKey keyId", "alias/pay", alias);
    let function = |account: &str| format!("arn:aws:lambda:eu-west-1:{account}:function:report");
    for (id, account) in [
        ("report", ACCOUNT),
        ("report:live", ACCOUNT),
        ("444455556666:function:report:7", "444455556666"),
    ] {
        let expected = ["AWS::Lambda::Function", &function(account), "report"];
        check_with(&json!({}), "lambda:AddPermission functionName", id, expected);
    }
    let provider = "arn:aws:iam::111122223333:oidc-provider/oidc.example.net/id/1";
    let url = "https://oidc.example.net/id/1";
    let expected = ["AWS::IAM::OIDCProvider", provider, url];
    check_with(&json!({}), "iam:CreateOpenIDConnectProvider url", url, expected);
    let instance =
        ["AWS::RDS::DBInstance", "arn:aws:rds:eu-west-1:111122223333:db:orders", "Orders"];
    check_with(&json!({}), "rds:DeleteDBInstance dBInstanceIdentifier", "Orders", instance);
    let zone = ["AWS::Route53::HostedZone", "arn:aws:route53:::hostedzone/Z1", "Z1"];
    check_with(&json!({}), "route53:ChangeResourceRecordSets hostedZoneId", "/hostedzone/Z1", zone);
}

#[test]
fn what_an_arn_needs_besides_is_taken_from_the_request() {
    let object = ["AWS::S3::Object", "arn:aws:s3:::films/2026/a.mov", "2026/a.mov"];
    check_with(&json!({ "bucketName": "films" }), "s3:PutObject key", "2026/a.mov", object);
    check_with(&json!({}), "s3:PutObject key", "a.mov", ["AWS::S3::Object", "-", "a.mov"]);
    // The object of an access point is of another form.
    let point = json!({ "bucketName": "arn:aws:s3:eu-west-1:1:accesspoint/p" });
    check_with(&point, "s3:PutObject key", "a.mov", ["AWS::S3::Object", "-", "a.mov"]);
    let service =
        ["AWS::ECS::Service", "arn:aws:ecs:eu-west-1:111122223333:service/prod/web", "web"];
    for cluster in ["prod", "arn:aws:ecs:eu-west-1:111122223333:cluster/prod"] {
        check_with(&json!({ "cluster": cluster }), "ecs:UpdateService service", "web", service);
    }
    let layer =
        ["AWS::Lambda::LayerVersion", "arn:aws:lambda:eu-west-1:111122223333:layer:a:3", "a"];
    let call = "lambda:AddLayerVersionPermission20181031 layerName";
    check_with(&json!({ "versionNumber": 3 }), call, "a", layer);
    let repository =
        ["AWS::ECR::Repository", "arn:aws:ecr:eu-west-1:444455556666:repository/a/b", "a/b"];
    let registry = json!({ "registryId": "444455556666" });
    check_with(&registry, "ecr:PutImage repositoryName", "a/b", repository);
    let rule = |arn: &'static str| ["AWS::Events::Rule", arn, "alarm"];
    let call = "events:DisableRule name";
    let default = rule("arn:aws:events:eu-west-1:111122223333:rule/alarm");
    check_with(&json!({}), call, "alarm", default);
    check_with(&json!({ "eventBusName": "default" }), call, "alarm", default);
    let other = rule("arn:aws:events:eu-west-1:111122223333:rule/own/alarm");
    check_with(&json!({ "eventBusName": "own" }), call, "alarm", other);
    let bus = "arn:aws:events:eu-west-1:111122223333:event-bus/own";
    check_with(&json!({ "eventBusName": bus }), call, "alarm", other);
}

#[test]
fn paths_of_iam_are_told_or_left_out() {
    let of = |call: &str, name: &str, record: Value| {
        resource(call, name, "us-east-1", &record).arn.unwrap_or_default()
    };
    let user = "iam:CreateAccessKey userName";
    assert_eq!(of(user, "taro", json!({})), "arn:aws:iam::111122223333:user/taro");
    let told = "arn:aws:iam::111122223333:user/ops/taro";
    let answer = json!({ "responseElements": { "user": { "arn": told } } });
    assert_eq!(of("iam:CreateUser userName", "taro", answer.clone()), told);
    // An ARN of somebody else says nothing.
    assert_eq!(of(user, "hanako", answer), "arn:aws:iam::111122223333:user/hanako");
    let other = json!({ "userIdentity": { "arn": "arn:aws:iam::444455556666:user/ops/taro" } });
    assert_eq!(of(user, "taro", other), "arn:aws:iam::111122223333:user/taro");
    let path = json!({ "requestParameters": { "path": "/ops/" } });
    assert_eq!(of("iam:CreateUser userName", "taro", path), told);
    let odd = json!({ "requestParameters": { "path": "ops" } });
    assert_eq!(of("iam:CreateUser userName", "taro", odd), "");
    let role = "arn:aws:iam::111122223333:role/batch";
    assert_eq!(of("iam:CreateRole roleName", "batch", json!({})), role);
    assert_eq!(of("iam:AttachRolePolicy roleName", "batch", json!({})), "");
    let issuer = "arn:aws:iam::111122223333:role/service-role/batch";
    let own =
        json!({ "userIdentity": { "sessionContext": { "sessionIssuer": { "arn": issuer } } } });
    assert_eq!(of("iam:AttachRolePolicy roleName", "batch", own), issuer);
}

#[test]
fn every_partition_has_its_arns() {
    for (region, partition) in [
        ("ap-northeast-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("eusc-de-east-1", "aws-eusc"),
    ] {
        let of = |call: &str, id: &str| resource(call, id, region, &json!({})).arn.unwrap();
        let bucket = of("s3:PutBucketPolicy bucketName", "films");
        assert_eq!(bucket, format!("arn:{partition}:s3:::films"));
        let group = of("ec2:X groupId", "sg-1");
        assert_eq!(group, format!("arn:{partition}:ec2:{region}:{ACCOUNT}:security-group/sg-1"));
    }
    // A region that is none tells no partition, and is put in no ARN.
    for region in ["", "x", "eu west 1", "eu-west-1:evil", "EU-WEST-1"] {
        let found = resource("s3:PutBucketPolicy bucketName", "films", region, &json!({}));
        assert_eq!(shown(&found), ["AWS::S3::Bucket", "-", "films"], "{region}");
    }
}

#[test]
fn nothing_is_made_of_what_could_be_read_as_something_else() {
    let long = "x".repeat(1 << 20);
    for id in ["films/a", "a:b", "a\u{1b}[2J", "a\nb", "*", "a?", "../x", &long] {
        let found = resource("s3:PutBucketPolicy bucketName", id, "eu-west-1", &json!({}));
        assert_eq!(found.arn, None, "{id:.20}");
        let found = resource("iam:CreateUser userName", id, "eu-west-1", &json!({}));
        assert_eq!(found.arn, None, "{id:.20}");
    }
    for arn in ["arn:aws:s3:::a\u{1b}[2J", &format!("arn:aws:s3:::{long}")] {
        assert_eq!(resource("x:Y z", arn, "eu-west-1", &json!({})).arn, None);
    }
    let mut nowhere = alert(Some("instanceId"), "i-1", Some("eu-west-1"));
    nowhere.account = Some("me".to_owned());
    complete(&mut nowhere, None);
    assert_eq!(nowhere.resource[0].arn, None);
}

#[test]
fn an_episode_is_told_what_needs_no_event() {
    let of = |kind: &str, id: &str| {
        let mut alert = alert(Some(kind), id, Some("eu-west-1"));
        complete(&mut alert, None);
        let once = alert.resource.clone();
        complete(&mut alert, None);
        assert_eq!(alert.resource, once);
        alert.resource.remove(0)
    };
    let bucket = ["AWS::S3::Bucket", "arn:aws:s3:::films", "films"];
    assert_eq!(shown(&of("bucketName", "films")), bucket);
    assert_eq!(shown(&of("AWS::S3::Bucket", "films")), bucket);
    assert_eq!(shown(&of("userName", "taro")), ["userName", "-", "-"]);
    let instance = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0";
    assert_eq!(of("target", "i-0123456789abcdef0").arn.as_deref(), Some(instance));
    // A type that CloudTrail told stays what it was.
    let told = of("AWS::Own::Thing", "arn:aws:s3:::films");
    assert_eq!(shown(&told), ["AWS::Own::Thing", "arn:aws:s3:::films", "films"]);
}

#[test]
fn the_tables_are_well_formed() {
    for (kind, text) in KINDS {
        let form = Arn::parts(text).unwrap();
        assert!(["", "R"].contains(&form.region), "{text}");
        assert!(form.account.is_empty() || form.account.starts_with('A'), "{text}");
        assert!(form.resource.contains('{'), "{text}");
        assert_eq!(kind.split("::").count(), 3, "{kind}");
    }
    let place = |key: &keys::Key| (key.service, key.key);
    assert!(keys::KEYS.iter().map(place).is_sorted());
    for key in keys::KEYS.iter().filter(|key| key.is_name) {
        assert!(KINDS.iter().any(|(kind, _)| *kind == key.kind), "{key:?}");
    }
}

proptest! {
    #[test]
    fn an_arn_that_is_made_is_read_as_the_same_type(
        kind in proptest::sample::select(KINDS),
        id in "[a-z0-9/:*.\u{7f}ü@-]{0,24}",
        other in "[a-z0-9/:.-]{0,8}",
        region in proptest::sample::select(&["eu-west-1", "cn-north-1", "us-gov-west-1", ""][..]),
    ) {
        let (kind, _) = kind;
        let keys = ["bucketName", "cluster", "detectorId", "domain", "domainOwner", "eventBusName",
            "logGroupName", "path", "registryId", "serverId", "snapshotClusterIdentifier", "versionNumber"];
        let request: serde_json::Map<String, Value> =
            keys.into_iter().map(|key| (key.to_owned(), other.clone().into())).collect();
        let found = resource(&format!("x:Y {kind}"), &id, region, &json!({ "requestParameters": request }));
        prop_assert_eq!(&found.id, &id);
        if let Some(arn) = &found.arn {
            let read = form::read(&Arn::parse(arn).unwrap()).map(|(kind, _)| kind);
            let is_alias = kind == "AWS::KMS::Key" && read == Some("AWS::KMS::Alias");
            prop_assert!(read == Some(kind) || is_alias, "{} {:?}", arn, read);
            prop_assert!(!arn.contains(char::is_control));
        }
    }

    #[test]
    fn no_text_makes_it_panic(kind in ".{0,20}", id in ".{0,60}", tail in "(:.{0,9}){0,6}") {
        for id in [id.clone(), format!("arn:aws{tail}"), format!("https://{id}"), format!("alias/{id}")] {
            for key in keys::KEYS {
                let mut one = alert(Some(key.key), &id, Some("eu-west-1"));
                complete(&mut one, None);
            }
            let mut one = alert(Some(&kind), &id, Some(&kind));
            complete(&mut one, None);
        }
    }
}
