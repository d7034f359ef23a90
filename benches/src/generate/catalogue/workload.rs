//! What functions and containers do while they work.

use super::{FUNCTION, KMS_KEY, Kind, Op, ROLE, S3_OBJECT, TABLE, call, change, s3_op};

const TOKEN: &str = r#"{"credentials":{"accessKeyId":"ASIA<upper:9>EXAMPLE","sessionToken":"IQoJb3JpZ2luX2VjE<base64:360>==","expiration":"<expiry>"},"assumedRoleUser":{"assumedRoleId":"<roleid>:<system>-<stage>","arn":"arn:aws:sts::<account>:assumed-role/<role>/<system>-<stage>"}}"#;
const OBJECT: &str =
    r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<key>"}"#;

/// The calls, most frequent first.
pub(super) const OPS: &[Op] = &[
    call(900, "kms", "Decrypt", r#"{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"aws:lambda:FunctionArn":"arn:aws:lambda:<region>:<account>:function:<fn>"}}"#).resources(KMS_KEY),
    s3_op(700, "GetObject", OBJECT, Kind::Data).resources(S3_OBJECT),
    call(520, "ssm", "GetParameter", r#"{"name":"<param>","withDecryption":true}"#).resources(r#"[{"accountId":"<account>","ARN":"arn:aws:ssm:<region>:<account>:parameter<param>"}]"#),
    s3_op(430, "PutObject", r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","x-amz-server-side-encryption":"aws:kms","key":"<key>","x-amz-tagging":"team\u003d<system>\u0026stage\u003d<stage>"}"#, Kind::Data).resources(S3_OBJECT),
    call(390, "kms", "GenerateDataKey", r#"{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::<bucket>/<key>"},"keyId":"arn:aws:kms:<region>:<account>:key/<kms>","keySpec":"AES_256"}"#).resources(KMS_KEY),
    call(350, "secretsmanager", "GetSecretValue", r#"{"secretId":"arn:aws:secretsmanager:<region>:<account>:secret:<secret>","versionStage":"AWSCURRENT"}"#),
    change(240, "sts", "AssumeRole", r#"{"roleArn":"arn:aws:iam::<account>:role/<role>","roleSessionName":"<system>-<stage>","durationSeconds":3600}"#, TOKEN).resources(ROLE),
    change(300, "logs", "CreateLogStream", r#"{"logStreamName":"2026/03/02/[$LATEST]<hex:32>","logGroupName":"<loggroup>"}"#, "null"),
    call(260, "dynamodb", "GetItem", r#"{"tableName":"<table>","key":{"id":"<uuid>"},"consistentRead":false}"#).kind(Kind::Data).resources(TABLE),
    call(240, "dynamodb", "UpdateItem", r#"{"tableName":"<table>","key":{"id":"<uuid>"},"updateExpression":"SET phase \u003d :s, updatedAt \u003d :t"}"#).kind(Kind::Data).resources(TABLE),
    call(200, "lambda", "Invoke", r#"{"functionName":"arn:aws:lambda:<region>:<account>:function:<fn>","invocationType":"RequestResponse"}"#).kind(Kind::Data).resources(FUNCTION).additional(r#"{"functionVersion":"arn:aws:lambda:<region>:<account>:function:<fn>:$LATEST"}"#),
    call(180, "dynamodb", "Query", r#"{"tableName":"<table>","indexName":"byState","keyConditionExpression":"state \u003d :s and updatedAt \u003e :t","limit":<number:100>}"#).kind(Kind::Data).resources(TABLE),
    call(150, "dynamodb", "PutItem", r#"{"tableName":"<table>","key":{"id":"<uuid>"}}"#).kind(Kind::Data).resources(TABLE),
    change(140, "sqs", "ReceiveMessage", r#"{"queueUrl":"https://sqs.<region>.amazonaws.com/<account>/<queue>","maxNumberOfMessages":10,"waitTimeSeconds":20}"#, "null").kind(Kind::Data),
    call(120, "sqs", "SendMessage", r#"{"queueUrl":"https://sqs.<region>.amazonaws.com/<account>/<queue>","messageBody":"HIDDEN_DUE_TO_SECURITY_REASONS","delaySeconds":0}"#).kind(Kind::Data),
    call(110, "sns", "Publish", r#"{"topicArn":"arn:aws:sns:<region>:<account>:<topic>","message":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#).kind(Kind::Data),
    s3_op(105, "HeadObject", OBJECT, Kind::Data).resources(S3_OBJECT),
    call(100, "ssm", "GetParametersByPath", r#"{"path":"/<system>/<stage>","recursive":true,"withDecryption":true}"#),
    s3_op(95, "ListObjects", r#"{"list-type":"2","bucketName":"<bucket>","encoding-type":"url","prefix":"vod/","delimiter":"/","Host":"<bucket>.s3.<region>.amazonaws.com"}"#, Kind::Data),
    change(90, "states", "StartExecution", r#"{"stateMachineArn":"arn:aws:states:<region>:<account>:stateMachine:<state>-<stage>","input":"***","name":"<uuid>"}"#, r#"{"startDate":"<date>","executionArn":"arn:aws:states:<region>:<account>:execution:<state>-<stage>:<uuid>"}"#),
    call(80, "ecr", "BatchGetImage", r#"{"registryId":"<account>","repositoryName":"<repo>","imageIds":[{"imageDigest":"<sha>"}],"acceptedMediaTypes":["application/vnd.oci.image.manifest.v1+json","application/vnd.docker.distribution.manifest.v2+json"]}"#),
    s3_op(70, "DeleteObject", OBJECT, Kind::Data).resources(S3_OBJECT),
    change(65, "mediaconvert", "CreateJob", r#"{"role":"arn:aws:iam::<account>:role/<role>","queue":"arn:aws:mediaconvert:<region>:<account>:queues/Default","userMetadata":{"programme":"<feed>","system":"<system>"},"settings":{"inputs":[{"fileInput":"s3://<bucket>/<key>","timecodeSource":"ZEROBASED","audioSelectors":{"Audio Selector 1":{"defaultSelection":"DEFAULT"}}}],"outputGroups":[{"name":"HLS","outputGroupSettings":{"type":"HLS_GROUP_SETTINGS","hlsGroupSettings":{"segmentLength":6,"destination":"s3://<bucket.1>/<key>"}},"outputs":[{"nameModifier":"_1080p","videoDescription":{"width":1920,"height":1080}},{"nameModifier":"_720p","videoDescription":{"width":1280,"height":720}}]}]}}"#, r#"{"job":{"arn":"arn:aws:mediaconvert:<region>:<account>:jobs/<epoch>-<alnum:6>","status":"SUBMITTED","createdAt":"<date>"}}"#),
    change(60, "events", "PutEvents", r#"{"entries":[{"source":"media.<system>","detailType":"ClipPublished","detail":"***","eventBusName":"<system>-bus"}]}"#, r#"{"failedEntryCount":0,"entries":[{"eventId":"<uuid>"}]}"#).kind(Kind::Data),
    s3_op(58, "CreateMultipartUpload", OBJECT, Kind::Data).resources(S3_OBJECT),
    s3_op(55, "UploadPart", r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","partNumber":"<number:90>","uploadId":"<base64:80>","key":"<key>"}"#, Kind::Data).resources(S3_OBJECT),
    s3_op(52, "CompleteMultipartUpload", r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","uploadId":"<base64:80>","key":"<key>"}"#, Kind::Data).resources(S3_OBJECT),
    s3_op(48, "CopyObject", r#"{"bucketName":"<bucket>","x-amz-copy-source":"<bucket.1>/<key>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<key>"}"#, Kind::Data).resources(S3_OBJECT),
    call(45, "dynamodb", "BatchGetItem", r#"{"requestItems":{"<table>":{"keys":[{"id":"<uuid>"},{"id":"<uuid>"},{"id":"<uuid>"}]}}}"#).kind(Kind::Data).resources(TABLE),
    call(40, "dynamodb", "BatchWriteItem", r#"{"requestItems":{"<table>":[{"putRequest":{"item":{"id":"<uuid>"}}},{"putRequest":{"item":{"id":"<uuid>"}}}]}}"#).kind(Kind::Data).resources(TABLE),
    call(36, "bedrock", "InvokeModel", r#"{"modelId":"anthropic.claude-3-haiku-20240307-v1:0"}"#),
    call(34, "kinesis", "PutRecords", r#"{"streamName":"<stream>","records":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#).kind(Kind::Data),
    change(30, "transcribe", "StartTranscriptionJob", r#"{"transcriptionJobName":"subtitle-<uuid>","languageCode":"<pick:en-US|ja-JP|fr-FR|de-DE|es-ES>","media":{"mediaFileUri":"s3://<bucket>/<key>"},"outputBucketName":"<bucket.1>"}"#, r#"{"transcriptionJob":{"transcriptionJobName":"subtitle-<uuid>","transcriptionJobStatus":"IN_PROGRESS","creationTime":"<date>"}}"#),
    call(26, "rekognition", "DetectModerationLabels", r#"{"image":{"s3Object":{"bucket":"<bucket>","name":"<key>"}},"minConfidence":80.0}"#),
    call(24, "cloudfront", "CreateInvalidation", r#"{"distributionId":"<dist>","invalidationBatch":{"paths":{"quantity":2,"items":["/index.html","/live/*"]},"callerReference":"<uuid>"}}"#),
    change(22, "athena", "StartQueryExecution", r#"{"queryString":"SELECT programme, count(*) AS views FROM player_beacons WHERE day \u003d \u00272026-03-02\u0027 AND bitrate \u003e 1500 GROUP BY programme","clientRequestToken":"<uuid>","queryExecutionContext":{"database":"analytics"},"workGroup":"<system>"}"#, r#"{"queryExecutionId":"<uuid>"}"#),
    call(20, "athena", "GetQueryExecution", r#"{"queryExecutionId":"<uuid>"}"#),
    call(18, "glue", "GetTable", r#"{"databaseName":"analytics","name":"<table>"}"#),
    call(17, "glue", "GetPartitions", r#"{"databaseName":"analytics","tableName":"<table>","expression":"day \u003e\u003d \u00272026-03-01\u0027"}"#),
    call(16, "ses", "SendEmail", r#"{"fromEmailAddress":"newsletter@media.example.com","destination":{"toAddresses":["HIDDEN_DUE_TO_SECURITY_REASONS"]},"configurationSetName":"newsletter"}"#),
    call(15, "cognito-idp", "AdminGetUser", r#"{"userPoolId":"<region>_<alnum:9>","username":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#).additional(r#"{"sub":"<uuid>"}"#),
    call(12, "dynamodb", "Scan", r#"{"tableName":"<table>","filterExpression":"expiresAt \u003c :now","limit":500}"#).kind(Kind::Data).resources(TABLE),
    call(8, "sts", "GetCallerIdentity", "null"),
];
