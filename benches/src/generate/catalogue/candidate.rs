//! Names that rules look for, with harmless parameters: they cost a full look and should match little.

use super::{KMS_KEY, Kind, Op, S3_BUCKET, call, change, s3_op};

const OK: &str = r#"{"requestId":"<request>","_return":true}"#;

/// What everyday work does too.
pub(super) const EVERYDAY: &[Op] = &[
    change(60, "ec2", "AuthorizeSecurityGroupIngress", r#"{"groupId":"<sg>","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":8080,"toPort":8080,"groups":{"items":[{"groupId":"<sg.1>","description":"from the load balancer"}]},"ipRanges":{"items":[{"cidrIp":"10.<number:64>.0.0/16","description":"<system>"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}"#, r#"{"requestId":"<request>","_return":true,"securityGroupRuleSet":{"items":[{"groupOwnerId":"<account>","groupId":"<sg>","securityGroupRuleId":"sgr-0<hex:16>","isEgress":false,"ipProtocol":"tcp","fromPort":8080,"toPort":8080,"cidrIpv4":"10.0.0.0/16"}]}}"#),
    change(50, "ec2", "RevokeSecurityGroupIngress", r#"{"groupId":"<sg>","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":8080,"toPort":8080,"groups":{},"ipRanges":{"items":[{"cidrIp":"10.<number:64>.0.0/16"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}"#, OK),
    s3_op(45, "PutBucketPolicy", r#"{"bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"TlsOnly","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::<bucket>","arn:aws:s3:::<bucket>/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]},"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","policy":""}"#, Kind::Management).resources(S3_BUCKET),
    change(45, "iam", "AttachRolePolicy", r#"{"roleName":"<role>","policyArn":"arn:aws:iam::aws:policy/<pick:AmazonS3ReadOnlyAccess|CloudWatchAgentServerPolicy|service-role/AWSLambdaBasicExecutionRole>"}"#, "null"),
    change(40, "iam", "PutRolePolicy", r#"{"roleName":"<role>","policyName":"read-config","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"ssm:GetParameter\",\"kms:Decrypt\"],\"Resource\":[\"arn:aws:ssm:<region>:<account>:parameter<param>\",\"arn:aws:kms:<region>:<account>:key/<kms>\"]}]}"}"#, "null"),
    change(40, "iam", "CreateRole", r#"{"roleName":"<role>","path":"/","maxSessionDuration":3600,"assumeRolePolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"ecs-tasks.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}"}"#, r#"{"role":{"path":"/","roleName":"<role>","roleId":"<roleid>","arn":"arn:aws:iam::<account>:role/<role>","createDate":"<date>","assumeRolePolicyDocument":"%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22ecs-tasks.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D"}}"#),
    change(30, "ec2", "ModifyInstanceAttribute", r#"{"instanceId":"<i>","instanceType":{"value":"c7g.2xlarge"}}"#, OK),
    change(28, "ec2", "ModifySnapshotAttribute", r#"{"snapshotId":"<snap>","createVolumePermission":{"add":{"items":[{"userId":"<partner>"}]}},"attributeType":"CREATE_VOLUME_PERMISSION"}"#, OK),
    change(26, "ec2", "ModifyImageAttribute", r#"{"imageId":"<ami>","launchPermission":{"add":{"items":[{"userId":"<partner>"}]}},"attributeType":"launchPermission"}"#, OK),
    s3_op(25, "PutBucketPublicAccessBlock", r#"{"publicAccessBlock":"","bucketName":"<bucket>","PublicAccessBlockConfiguration":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","RestrictPublicBuckets":true,"BlockPublicPolicy":true,"BlockPublicAcls":true,"IgnorePublicAcls":true},"Host":"<bucket>.s3.<region>.amazonaws.com"}"#, Kind::Management).resources(S3_BUCKET),
    change(24, "lambda", "AddPermission20150331v2", r#"{"functionName":"<fn>","statementId":"s3-<hex:8>","action":"lambda:InvokeFunction","principal":"s3.amazonaws.com","sourceAccount":"<account>","sourceArn":"arn:aws:s3:::<bucket>"}"#, r#"{"statement":"{\"Sid\":\"s3-<hex:8>\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"s3.amazonaws.com\"},\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"arn:aws:lambda:<region>:<account>:function:<fn>\"}"}"#),
    change(22, "iam", "UpdateAssumeRolePolicy", r#"{"roleName":"<role>","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}"}"#, "null"),
    change(20, "ec2", "ModifyInstanceMetadataOptions", r#"{"ModifyInstanceMetadataOptionsRequest":{"InstanceId":"<i>","HttpTokens":"required","HttpEndpoint":"enabled","HttpPutResponseHopLimit":2}}"#, r#"{"ModifyInstanceMetadataOptionsResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"<request>","instanceId":"<i>","instanceMetadataOptions":{"state":"pending","httpTokens":"required","httpPutResponseHopLimit":2,"httpEndpoint":"enabled"}}}"#),
    change(18, "iam", "CreatePolicyVersion", r#"{"policyArn":"arn:aws:iam::<account>:policy/<role>","setAsDefault":true,"policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::<bucket>/*\"}]}"}"#, r#"{"policyVersion":{"versionId":"v<number:9>","isDefaultVersion":true,"createDate":"<date>"}}"#),
    change(16, "ec2", "CreateRoute", r#"{"routeTableId":"<rtb>","destinationCidrBlock":"10.<number:64>.0.0/16","natGatewayId":"<nat>"}"#, OK),
    change(15, "kms", "PutKeyPolicy", r#"{"keyId":"<kms>","policyName":"default","policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::<account>:root\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}","bypassPolicyLockoutSafetyCheck":false}"#, "null").resources(KMS_KEY),
    change(14, "rds", "ModifyDBInstance", r#"{"dBInstanceIdentifier":"<db>","applyImmediately":true,"backupRetentionPeriod":14,"publiclyAccessible":false}"#, r#"{"dBInstanceIdentifier":"<db>","engine":"aurora-postgresql","dBInstanceStatus":"modifying","publiclyAccessible":false,"storageEncrypted":true}"#),
    change(12, "lambda", "UpdateFunctionConfiguration20150331v2", r#"{"functionName":"<fn>","memorySize":1024,"timeout":60,"layers":[]}"#, r#"{"functionName":"<fn>","functionArn":"arn:aws:lambda:<region>:<account>:function:<fn>","memorySize":1024,"timeout":60,"revisionId":"<uuid>"}"#),
    call(10, "ec2", "GetPasswordData", r#"{"instanceId":"<i>"}"#),
    change(10, "ssm", "SendCommand", r#"{"documentName":"AWS-RunPatchBaseline","instanceIds":["<i>"],"parameters":"HIDDEN_DUE_TO_SECURITY_REASONS","timeoutSeconds":600}"#, r#"{"command":{"commandId":"<uuid>","documentName":"AWS-RunPatchBaseline","status":"Pending","requestedDateTime":"<date>"}}"#),
    change(9, "eks", "UpdateClusterConfig", r#"{"name":"<cluster>","resourcesVpcConfig":{"endpointPublicAccess":false,"endpointPrivateAccess":true}}"#, r#"{"update":{"id":"<uuid>","status":"InProgress","type":"EndpointAccessUpdate"}}"#),
];

/// What only happens when something is off, or is tidied up.
pub(super) const RARE: &[Op] = &[
    change(6, "cloudtrail", "StopLogging", r#"{"name":"sandbox-trail-<hex:6>"}"#, "null"),
    change(6, "cloudtrail", "DeleteTrail", r#"{"name":"sandbox-trail-<hex:6>"}"#, "null"),
    change(6, "cloudtrail", "UpdateTrail", r#"{"name":"sandbox-trail-<hex:6>","enableLogFileValidation":true}"#, r#"{"name":"sandbox-trail","logFileValidationEnabled":true,"isMultiRegionTrail":true}"#),
    change(6, "cloudtrail", "PutEventSelectors", r#"{"trailName":"sandbox-trail-<hex:6>","eventSelectors":[{"readWriteType":"All","includeManagementEvents":true,"dataResources":[],"excludeManagementEventSources":[]}]}"#, "null"),
    change(6, "iam", "CreateAccessKey", r#"{"userName":"<user>"}"#, r#"{"accessKey":{"userName":"<user>","accessKeyId":"AKIA<upper:9>EXAMPLE","status":"Active","createDate":"<date>"}}"#),
    change(6, "iam", "CreateUser", r#"{"userName":"<user>"}"#, r#"{"user":{"path":"/","userName":"<user>","userId":"AIDA<upper:10>EXAMPLE","arn":"arn:aws:iam::<account>:user/<user>","createDate":"<date>"}}"#),
    change(6, "iam", "AttachUserPolicy", r#"{"userName":"<user>","policyArn":"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}"#, "null"),
    change(6, "iam", "CreateLoginProfile", r#"{"userName":"<user>","passwordResetRequired":true}"#, r#"{"loginProfile":{"userName":"<user>","createDate":"<date>","passwordResetRequired":true}}"#),
    change(6, "iam", "DeactivateMFADevice", r#"{"userName":"<user>","serialNumber":"arn:aws:iam::<account>:mfa/<user>"}"#, "null"),
    s3_op(6, "DeleteBucketPublicAccessBlock", r#"{"publicAccessBlock":"","bucketName":"<bucket>-tmp","Host":"<bucket>-tmp.s3.<region>.amazonaws.com"}"#, Kind::Management),
    s3_op(6, "PutBucketAcl", r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","x-amz-acl":"private","acl":""}"#, Kind::Management).resources(S3_BUCKET),
    change(6, "kms", "ScheduleKeyDeletion", r#"{"keyId":"<kms>","pendingWindowInDays":30}"#, r#"{"keyId":"arn:aws:kms:<region>:<account>:key/<kms>","deletionDate":"<date>","keyState":"PendingDeletion","pendingWindowInDays":30}"#).resources(KMS_KEY),
    change(6, "kms", "DisableKey", r#"{"keyId":"<kms>"}"#, "null").resources(KMS_KEY),
    change(6, "guardduty", "UpdateDetector", r#"{"detectorId":"<hex:32>","enable":true,"findingPublishingFrequency":"FIFTEEN_MINUTES"}"#, "null"),
    change(6, "ec2", "DeleteFlowLogs", r#"{"DeleteFlowLogsRequest":{"FlowLogId":{"tag":1,"content":"fl-0<hex:16>"}}}"#, r#"{"DeleteFlowLogsResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","unsuccessful":"","requestId":"<request>"}}"#),
    change(6, "ec2", "CreateKeyPair", r#"{"keyName":"<system>-<hex:6>","keyType":"ed25519"}"#, r#"{"requestId":"<request>","keyName":"<system>","keyFingerprint":"<base64:43>=","keyPairId":"key-0<hex:16>","keyMaterial":"\u003csensitiveDataRemoved\u003e"}"#),
    change(6, "config", "StopConfigurationRecorder", r#"{"configurationRecorderName":"sandbox"}"#, "null"),
    change(6, "organizations", "MoveAccount", r#"{"accountId":"<account>","sourceParentId":"ou-<hex:4>-<hex:8>","destinationParentId":"ou-<hex:4>-<hex:8>"}"#, "null"),
    change(6, "rds", "DeleteDBInstance", r#"{"dBInstanceIdentifier":"<db>-review","skipFinalSnapshot":false}"#, r#"{"dBInstanceIdentifier":"<db>-review","dBInstanceStatus":"deleting"}"#),
    change(6, "securityhub", "DisableSecurityHub", "null", "null"),
];
