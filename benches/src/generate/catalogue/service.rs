//! What AWS services, sign-ins, other accounts and the directory do.

use super::{KMS_KEY, Kind, Op, ROLE, S3_OBJECT, call, change, s3_op};

const TOKEN: &str = r#"{"credentials":{"accessKeyId":"ASIA<upper:9>EXAMPLE","sessionToken":"IQoJb3JpZ2luX2VjE<base64:360>==","expiration":"<expiry>"},"assumedRoleUser":{"assumedRoleId":"<roleid>:<fn>","arn":"arn:aws:sts::<account>:assumed-role/<role>/<fn>"}}"#;

/// Services that act by their own name.
pub(super) const OPS: &[Op] = &[
    change(260, "sts", "AssumeRole", r#"{"roleArn":"arn:aws:iam::<account>:role/<role>","roleSessionName":"<fn>","durationSeconds":3600}"#, TOKEN).resources(ROLE),
    call(380, "kms", "GenerateDataKey", r#"{"encryptionContext":{"aws:cloudtrail:arn":"arn:aws:cloudtrail:<region>:<account>:trail/management-events","aws:s3:arn":"arn:aws:s3:::<bucket>/AWSLogs/<account>/CloudTrail/<region>/2026/03/02/<account>_CloudTrail_<region>_<alnum:16>.json.gz"},"keyId":"arn:aws:kms:<region>:<account>:key/<kms>","keySpec":"AES_256"}"#).resources(KMS_KEY),
    call(360, "kms", "Decrypt", r#"{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"aws:lambda:FunctionArn":"arn:aws:lambda:<region>:<account>:function:<fn>"}}"#).resources(KMS_KEY),
    s3_op(150, "PutObject", r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","x-amz-acl":"bucket-owner-full-control","x-amz-server-side-encryption":"AES256","key":"AWSLogs/<account>/elasticloadbalancing/<region>/<alnum:16>.log.gz"}"#, Kind::Data).resources(S3_OBJECT),
    call(90, "s3", "GetBucketAcl", r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","acl":""}"#),
    call(80, "kms", "CreateGrant", r#"{"constraints":{"encryptionContextSubset":{"aws:ebs:id":"<vol>"}},"granteePrincipal":"autoscaling.<region>.amazonaws.com","operations":["Decrypt","CreateGrant"],"keyId":"arn:aws:kms:<region>:<account>:key/<kms>"}"#).resources(KMS_KEY),
    call(70, "lambda", "Invoke", r#"{"functionName":"arn:aws:lambda:<region>:<account>:function:<fn>","invocationType":"Event","sourceArn":"arn:aws:s3:::<bucket>"}"#).kind(Kind::Data),
    change(60, "logs", "CreateLogStream", r#"{"logStreamName":"<account>_CloudTrail_<region>_<number:9>","logGroupName":"<loggroup>"}"#, "null"),
    call(50, "ec2", "DescribeAccountAttributes", r#"{"accountAttributeNameSet":{"items":[{"attributeName":"supported-platforms"}]},"filterSet":{}}"#),
    call(40, "sqs", "SendMessage", r#"{"queueUrl":"https://sqs.<region>.amazonaws.com/<account>/<queue>","messageBody":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#).kind(Kind::Data),
    call(30, "ec2", "SharedSnapshotVolumeCreated", "null").kind(Kind::ServiceEvent),
    call(28, "secretsmanager", "RotationStarted", "null").kind(Kind::ServiceEvent),
    call(27, "secretsmanager", "RotationSucceeded", "null").kind(Kind::ServiceEvent),
    call(24, "autoscaling", "SpotInterruption", "null").kind(Kind::ServiceEvent),
    call(20, "kms", "RotateKey", "null").kind(Kind::ServiceEvent).resources(KMS_KEY),
    call(14, "acm", "RenewCertificate", "null").kind(Kind::ServiceEvent),
    call(10, "eks", "ManagedNodeGroupScaled", "null").kind(Kind::ServiceEvent),
];

/// People who sign in.
pub(super) const ACCESS: &[Op] = &[
    change(90, "sts", "AssumeRoleWithSAML", r#"{"sAMLAssertionID":"_<uuid>","roleSessionName":"<person>","durationSeconds":28800,"roleArn":"arn:aws:iam::<account>:role/AWSReservedSSO_<pick:DeveloperAccess|PowerUserAccess|NewsroomOperator>_<hex:16>","principalArn":"arn:aws:iam::<account>:saml-provider/AWSSSO_<hex:16>_DO_NOT_DELETE"}"#, r#"{"subjectType":"persistent","issuer":"https://portal.sso.<region>.amazonaws.com/saml/assertion/<base64:40>","credentials":{"accessKeyId":"ASIA<upper:9>EXAMPLE","sessionToken":"IQoJb3JpZ2luX2VjE<base64:420>==","expiration":"<expiry>"},"nameQualifier":"<base64:27>=","assumedRoleUser":{"assumedRoleId":"<roleid>:<person>","arn":"arn:aws:sts::<account>:assumed-role/AWSReservedSSO_DeveloperAccess/<person>"},"subject":"<person>","audience":"https://signin.aws.amazon.com/saml"}"#).resources(r#"[{"accountId":"<account>","type":"AWS::IAM::SAMLProvider","ARN":"arn:aws:iam::<account>:saml-provider/AWSSSO"}]"#),
    change(30, "signin", "ConsoleLogin", "null", r#"{"ConsoleLogin":"Success"}"#).additional(r#"{"LoginTo":"https://console.aws.amazon.com/console/home?region\u003d<region>\u0026state\u003dhashArgs%23","MobileVersion":"No","MFAUsed":"Yes","SamlProviderArn":"arn:aws:iam::<account>:saml-provider/CorporateDirectory"}"#).kind(Kind::SignIn),
    change(16, "signin", "GetSigninToken", "null", r#"{"GetSigninToken":"Success"}"#).additional(r#"{"MobileVersion":"No","MFAUsed":"Unknown"}"#).kind(Kind::SignIn),
    change(12, "signin", "SwitchRole", "null", r#"{"SwitchRole":"Success"}"#).additional(r#"{"SwitchFrom":"arn:aws:iam::<partner>:role/Developer","RedirectTo":"https://<region>.console.aws.amazon.com/ecs/v2/clusters?region\u003d<region>"}"#).kind(Kind::SignIn),
];

/// Pipelines that show a token for a session.
pub(super) const FEDERATION: &[Op] = &[
    change(200, "sts", "AssumeRoleWithWebIdentity", r#"{"roleArn":"arn:aws:iam::<account>:role/<role>","roleSessionName":"<build>","durationSeconds":3600}"#, r#"{"subjectFromWebIdentityToken":"repo:media-example/<system>:ref:refs/heads/main","credentials":{"accessKeyId":"ASIA<upper:9>EXAMPLE","sessionToken":"IQoJb3JpZ2luX2VjE<base64:360>==","expiration":"<expiry>"},"assumedRoleUser":{"assumedRoleId":"<roleid>:<build>","arn":"arn:aws:sts::<account>:assumed-role/<role>/<build>"},"provider":"arn:aws:iam::<account>:oidc-provider/token.actions.githubusercontent.com","audience":"sts.amazonaws.com"}"#).resources(ROLE),
];

/// Other accounts.
pub(super) const PARTNER: &[Op] = &[
    s3_op(200, "GetObject", r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<key>"}"#, Kind::Data).resources(S3_OBJECT),
    call(120, "kms", "Decrypt", r#"{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"aws:s3:arn":"arn:aws:s3:::<bucket>/<key>"}}"#).resources(KMS_KEY),
    change(100, "sts", "AssumeRole", r#"{"roleArn":"arn:aws:iam::<account>:role/<role>","roleSessionName":"<system>-<stage>","externalId":"<uuid>","sourceIdentity":"<person>"}"#, TOKEN).resources(ROLE),
    call(60, "ecr", "BatchGetImage", r#"{"registryId":"<account>","repositoryName":"<repo>","imageIds":[{"imageDigest":"<sha>"}],"acceptedMediaTypes":["application/vnd.oci.image.manifest.v1+json"]}"#),
    call(40, "sns", "Publish", r#"{"topicArn":"arn:aws:sns:<region>:<account>:<topic>","message":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#).kind(Kind::Data),
];

/// People as the directory knows them.
pub(super) const DIRECTORY: &[Op] = &[
    call(60, "sso", "Authenticate", "null").kind(Kind::ServiceEvent),
    call(55, "sso", "ListApplications", r#"{"maxResults":100}"#),
    call(50, "sso", "ListProfilesForApplication", r#"{"applicationId":"app-<hex:16>"}"#),
    call(48, "sso", "GetRoleCredentials", r#"{"roleName":"DeveloperAccess","accountId":"<account>"}"#),
    call(30, "sso", "Federate", r#"{"account_id":"<account>","role_name":"NewsroomOperator"}"#),
    change(25, "signin", "CredentialVerification", "null", "null").additional(r#"{"AuthWorkflowID":"<uuid>","CredentialType":"TOTP","UserName":"<person>"}"#).kind(Kind::ServiceEvent),
    change(24, "signin", "UserAuthentication", "null", r#"{"UserAuthentication":"Success"}"#).additional(r#"{"AuthWorkflowID":"<uuid>","LoginTo":"https://d-<hex:10>.awsapps.com/start/","CredentialType":"PASSWORD,TOTP"}"#).kind(Kind::ServiceEvent),
    call(10, "q", "GenerateAssistantResponse", r#"{"conversationState":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#),
];

/// Events that AWS writes in root's name.
pub(super) const OWNER: &[Op] = &[
    call(5, "billing", "InvoiceIssued", "null").kind(Kind::ServiceEvent),
    call(4, "health", "AccountNoticeRead", "null").kind(Kind::ServiceEvent),
    call(3, "support", "CaseUpdatedByAws", "null").kind(Kind::ServiceEvent),
];

/// Events of the other categories.
pub(super) const RARITIES: &[Op] = &[
    call(5, "ssm", "UpdateInstanceInformation", "null").kind(Kind::Insight),
    call(3, "kms", "Decrypt", "null").kind(Kind::Insight),
    call(4, "s3", "GetObject", r#"{"bucketName":"<bucket>","key":"<key>"}"#)
        .kind(Kind::NetworkActivity),
    call(4, "secretsmanager", "GetSecretValue", r#"{"secretId":"<secret>"}"#)
        .kind(Kind::NetworkActivity),
    change(3, "dynamodb", "Scan", r#"{"omitted":true}"#, "null").kind(Kind::Data),
    change(3, "ecs", "RegisterTaskDefinition", r#"{"omitted":true}"#, r#"{"omitted":true}"#),
];
