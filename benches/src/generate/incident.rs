//! The dangerous acts that a corpus can be planted with, one small function each.

use crate::generate::{
    catalogue::{Call, Kind, Op, change},
    random::Random,
};

/// A dangerous act.
#[derive(Debug)]
pub(crate) struct Incident {
    /// Short name, as the list of planted incidents gives it.
    pub(crate) name: &'static str,
    pub(crate) who: Who,
    pub(crate) call: Call,
}

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Person,
    Pipeline,
    Root,
}

/// All incidents, in a fixed order.
pub(crate) fn all() -> Vec<Incident> {
    [
        trail_stopped(),
        ssh_opened(),
        bucket_made_public(),
        public_access_block_deleted(),
        snapshot_shared_with_all(),
        administrator_attached(),
        key_for_another_user(),
        root_login_without_mfa(),
        key_deletion_scheduled(),
        detector_deleted(),
        flow_logs_deleted(),
        function_made_public(),
        organisation_left(),
        metadata_v1_allowed(),
        trust_opened(),
    ]
    .into_iter()
    .map(|(name, who, op)| Incident { name, who, call: Call::new(&op) })
    .collect()
}

/// Draws an incident that can be logged in `region`.
pub(crate) fn draw<'a>(all: &'a [Incident], random: &mut Random, region: &str) -> &'a Incident {
    loop {
        let incident = random.pick(all);
        if region == "us-east-1" || !incident.call.is_global() {
            return incident;
        }
    }
}

type Planted = (&'static str, Who, Op);

fn trail_stopped() -> Planted {
    let request = r#"{"name":"arn:aws:cloudtrail:<region>:<account>:trail/management-events"}"#;
    ("trail-stopped", Who::Person, change(1, "cloudtrail", "StopLogging", request, "null"))
}

fn ssh_opened() -> Planted {
    let request = r#"{"groupId":"<sg>","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0","description":"temporary"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}"#;
    let response = r#"{"requestId":"<request>","_return":true,"securityGroupRuleSet":{"items":[{"groupOwnerId":"<account>","groupId":"<sg>","securityGroupRuleId":"sgr-0<hex:16>","description":"temporary","isEgress":false,"ipProtocol":"tcp","fromPort":22,"toPort":22,"cidrIpv4":"0.0.0.0/0"}]}}"#;
    let op = change(1, "ec2", "AuthorizeSecurityGroupIngress", request, response);
    ("ssh-opened-to-the-world", Who::Person, op)
}

fn bucket_made_public() -> Planted {
    let request = r#"{"bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"PublicRead","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::<bucket>/*"}]},"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","policy":""}"#;
    let op = Op { resources: BUCKET, ..change(1, "s3", "PutBucketPolicy", request, "null") };
    ("bucket-policy-public", Who::Person, op)
}

const BUCKET: &str =
    r#"[{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#;

fn public_access_block_deleted() -> Planted {
    let request = r#"{"publicAccessBlock":"","bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com"}"#;
    let op = change(1, "s3", "DeleteBucketPublicAccessBlock", request, "null");
    ("public-access-block-deleted", Who::Person, Op { resources: BUCKET, ..op })
}

fn snapshot_shared_with_all() -> Planted {
    let request = r#"{"snapshotId":"<snap>","createVolumePermission":{"add":{"items":[{"group":"all"}]}},"attributeType":"CREATE_VOLUME_PERMISSION"}"#;
    let response = r#"{"requestId":"<request>","_return":true}"#;
    let op = change(1, "ec2", "ModifySnapshotAttribute", request, response);
    ("snapshot-shared-with-all", Who::Person, op)
}

fn administrator_attached() -> Planted {
    let request =
        r#"{"roleName":"<role>","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#;
    let op = change(1, "iam", "AttachRolePolicy", request, "null");
    ("administrator-attached", Who::Pipeline, op)
}

fn key_for_another_user() -> Planted {
    let response = r#"{"accessKey":{"userName":"<user>","accessKeyId":"AKIA<upper:9>EXAMPLE","status":"Active","createDate":"<date>"}}"#;
    let op = change(1, "iam", "CreateAccessKey", r#"{"userName":"<user>"}"#, response);
    ("access-key-for-another-user", Who::Person, op)
}

fn root_login_without_mfa() -> Planted {
    let mut op = change(1, "signin", "ConsoleLogin", "null", r#"{"ConsoleLogin":"Success"}"#);
    op.kind = Kind::SignIn;
    op.additional = r#"{"LoginTo":"https://console.aws.amazon.com/console/home?state\u003dhashArgs%23\u0026isauthcode\u003dtrue","MobileVersion":"No","MFAUsed":"No"}"#;
    ("root-login-without-mfa", Who::Root, op)
}

fn key_deletion_scheduled() -> Planted {
    let response = r#"{"keyId":"arn:aws:kms:<region>:<account>:key/<kms>","deletionDate":"<date>","keyState":"PendingDeletion","pendingWindowInDays":7}"#;
    let request = r#"{"keyId":"<kms>","pendingWindowInDays":7}"#;
    let mut op = change(1, "kms", "ScheduleKeyDeletion", request, response);
    op.resources = r#"[{"accountId":"<account>","type":"AWS::KMS::Key","ARN":"arn:aws:kms:<region>:<account>:key/<kms>"}]"#;
    ("key-deletion-scheduled", Who::Person, op)
}

fn detector_deleted() -> Planted {
    let op = change(1, "guardduty", "DeleteDetector", r#"{"detectorId":"<hex:32>"}"#, "null");
    ("guardduty-detector-deleted", Who::Person, op)
}

fn flow_logs_deleted() -> Planted {
    let request = r#"{"DeleteFlowLogsRequest":{"FlowLogId":{"tag":1,"content":"fl-0<hex:16>"}}}"#;
    let response = r#"{"DeleteFlowLogsResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","unsuccessful":"","requestId":"<request>"}}"#;
    ("flow-logs-deleted", Who::Pipeline, change(1, "ec2", "DeleteFlowLogs", request, response))
}

fn function_made_public() -> Planted {
    let request = r#"{"functionName":"<fn>","statementId":"public","action":"lambda:InvokeFunction","principal":"*"}"#;
    let response = r#"{"statement":"{\"Sid\":\"public\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"arn:aws:lambda:<region>:<account>:function:<fn>\"}"}"#;
    let op = change(1, "lambda", "AddPermission20150331v2", request, response);
    ("function-made-public", Who::Person, op)
}

fn organisation_left() -> Planted {
    let op = change(1, "organizations", "LeaveOrganization", "null", "null");
    ("organisation-left", Who::Person, op)
}

fn metadata_v1_allowed() -> Planted {
    let request = r#"{"ModifyInstanceMetadataOptionsRequest":{"InstanceId":"<i>","HttpTokens":"optional","HttpEndpoint":"enabled","HttpPutResponseHopLimit":2}}"#;
    let response = r#"{"ModifyInstanceMetadataOptionsResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"<request>","instanceId":"<i>","instanceMetadataOptions":{"state":"pending","httpTokens":"optional","httpPutResponseHopLimit":2,"httpEndpoint":"enabled","httpProtocolIpv4":"enabled","httpProtocolIpv6":"disabled"}}}"#;
    let op = change(1, "ec2", "ModifyInstanceMetadataOptions", request, response);
    ("metadata-v1-allowed", Who::Person, op)
}

fn trust_opened() -> Planted {
    let request = r#"{"roleName":"<role>","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":\"sts:AssumeRole\"}]}"}"#;
    let op = change(1, "iam", "UpdateAssumeRolePolicy", request, "null");
    ("trust-policy-opened", Who::Person, op)
}
