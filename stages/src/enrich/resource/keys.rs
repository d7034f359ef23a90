//! What stands in a record under a key: which kind of resource, by service, key and, where a key means several
//! things, by event.
//!
//! A key that is not here is not known, whatever it may look like. ARNs, and ids that tell by themselves what they are
//! of, need no line here.

/// A key of a service's requests and answers.
#[derive(Debug)]
pub(super) struct Key {
    /// As `eventSource` names it before `.amazonaws.com`; empty for every service.
    pub(super) service: &'static str,
    /// The last key of a path.
    pub(super) key: &'static str,
    /// The only events in which it is that; none: all.
    pub(super) events: &'static [&'static str],
    /// A type, of [`KINDS`](super::kinds::KINDS) if it has ARNs.
    pub(super) kind: &'static str,
    /// It holds what the type's ARN is made of. Otherwise it is of that type, but perhaps not of this region, or the
    /// ARN has another name.
    pub(super) is_name: bool,
}

impl Key {
    /// What is known of a key in a service's event.
    pub(super) fn of(service: &str, key: &str, event: &str) -> Option<&'static Self> {
        KEYS.iter().find(|known| {
            let is_here = known.service == service || known.service.is_empty();
            known.key == key
                && is_here
                && (known.events.is_empty() || known.events.contains(&event))
        })
    }

    /// What a key is of by itself, where the event is not known.
    pub(super) fn anywhere(key: &str) -> Option<&'static Self> {
        let is_plain = UNMISTAKABLE.contains(&key);
        KEYS.iter().find(|known| is_plain && known.key == key)
    }
}

/// Keys that mean one thing, whichever service they are found in.
const UNMISTAKABLE: &[&str] = &[
    "accessKeyId",
    "bucketName",
    "dBClusterIdentifier",
    "dBClusterSnapshotIdentifier",
    "dBInstanceIdentifier",
    "dBSnapshotIdentifier",
    "detectorId",
    "eventDataStore",
    "functionName",
    "keyId",
    "logGroupName",
    "queueUrl",
    "recipientAccountId",
    "secretId",
    "trailName",
];

type Texts = &'static [&'static str];

const fn named(service: &'static str, key: &'static str, kind: &'static str) -> Key {
    Key { service, key, events: &[], kind, is_name: true }
}

const fn of_type(service: &'static str, key: &'static str, kind: &'static str) -> Key {
    Key { service, key, events: &[], kind, is_name: false }
}

const fn named_in(
    events: Texts,
    service: &'static str,
    key: &'static str,
    kind: &'static str,
) -> Key {
    Key { service, key, events, kind, is_name: true }
}

const fn of_type_in(
    events: Texts,
    service: &'static str,
    key: &'static str,
    kind: &'static str,
) -> Key {
    Key { service, key, events, kind, is_name: false }
}

const ACCESS_KEY: &str = "AWS::IAM::AccessKey";
pub(super) const ACCOUNT: &str = "AWS::Organizations::Account";
const BUCKET: &str = "AWS::S3::Bucket";
const ROLE: &str = "AWS::IAM::Role";

const OF_ACCESS_POINT: Texts =
    &["CreateAccessPoint", "DeleteAccessPoint", "DeleteAccessPointPolicy", "PutAccessPointPolicy"];
const OF_BUS: Texts = &["CreateEventBus", "DeleteEventBus", "UpdateEventBus"];
const OF_BUS_RULE: Texts = &["DeleteRule", "DisableRule", "EnableRule", "PutRule"];
const OF_EKS_CLUSTER: Texts = &[
    "AssociateAccessPolicy",
    "AssociateIdentityProviderConfig",
    "CreateAccessEntry",
    "CreateAddon",
    "CreateCluster",
    "CreateFargateProfile",
    "CreateNodegroup",
    "CreatePodIdentityAssociation",
    "DeleteAccessEntry",
    "DeleteCluster",
    "DeletePodIdentityAssociation",
    "DisassociateAccessPolicy",
    "UpdateAccessEntry",
    "UpdateClusterConfig",
    "UpdateClusterVersion",
    "UpdatePodIdentityAssociation",
];
const OF_HOSTED_ZONE: Texts = &[
    "DeleteHostedZone",
    "DisableHostedZoneDNSSEC",
    "EnableHostedZoneDNSSEC",
    "UpdateHostedZoneComment",
];
const OF_SSM_DOCUMENT: Texts = &[
    "CreateAssociation",
    "CreateAssociationBatch",
    "CreateDocument",
    "DeleteDocument",
    "ModifyDocumentPermission",
    "UpdateAssociation",
    "UpdateDocument",
    "UpdateDocumentDefaultVersion",
];
const OF_SSM_PARAMETER: Texts =
    &["DeleteParameter", "GetParameter", "GetParameterHistory", "PutParameter"];
const OF_TRAIL: Texts =
    &["CreateTrail", "DeleteTrail", "StartLogging", "StopLogging", "UpdateTrail"];

/// The keys, by service and key.
pub(super) const KEYS: &[Key] = &[
    // Those of every service: of the record's own, or of IAM.
    of_type("", "accessKeyId", ACCESS_KEY),
    of_type("", "recipientAccountId", ACCOUNT),
    of_type("", "roleArn", ROLE),
    of_type("", "serviceRole", ROLE),
    of_type("", "taskRoleArn", ROLE),
    named("access-analyzer", "analyzerName", "AWS::AccessAnalyzer::Analyzer"),
    of_type("account", "AccountId", ACCOUNT),
    of_type("account", "accountId", ACCOUNT),
    // Policies and endpoints name it in short, CloudTrail in full.
    of_type("amazonmq", "brokerName", "AWS::AmazonMQ::Broker"),
    of_type("amplify", "name", "AWS::Amplify::App"),
    of_type("apigateway", "apiId", "AWS::ApiGatewayV2::Api"),
    named_in(&["CreateRestApi", "ImportRestApi"], "apigateway", "id", "AWS::ApiGateway::RestApi"),
    of_type_in(&["CreateApiKey"], "apigateway", "name", "AWS::ApiGateway::ApiKey"),
    of_type("apigateway", "resourceId", "AWS::ApiGateway::Resource"),
    named("apigateway", "restApiId", "AWS::ApiGateway::RestApi"),
    of_type("apigateway", "routeId", "AWS::ApiGatewayV2::Route"),
    named("appflow", "flowName", "AWS::AppFlow::Flow"),
    named("appsync", "apiId", "AWS::AppSync::GraphQLApi"),
    of_type("autoscaling", "autoScalingGroupName", "AWS::AutoScaling::AutoScalingGroup"),
    of_type("autoscaling", "launchConfigurationName", "AWS::AutoScaling::LaunchConfiguration"),
    named("backup", "backupPlanId", "AWS::Backup::BackupPlan"),
    named("backup", "backupVaultName", "AWS::Backup::BackupVault"),
    named("batch", "computeEnvironmentName", "AWS::Batch::ComputeEnvironment"),
    named("bedrock", "agentId", "AWS::Bedrock::Agent"),
    named("bedrock", "guardrailIdentifier", "AWS::Bedrock::Guardrail"),
    of_type("bedrock", "knowledgeBaseId", "AWS::Bedrock::KnowledgeBase"),
    of_type("bedrock", "modelId", "AWS::Bedrock::Model"),
    of_type(
        "bedrock-agentcore",
        "codeInterpreterIdentifier",
        "AWS::BedrockAgentCore::CodeInterpreter",
    ),
    named("budgets", "budgetName", "AWS::Budgets::Budget"),
    of_type("chatbot", "ConfigurationName", "AWS::Chatbot::SlackChannelConfiguration"),
    named("cloud9", "environmentId", "AWS::Cloud9::EnvironmentEC2"),
    of_type("cloudformation", "stackName", "AWS::CloudFormation::Stack"),
    of_type("cloudformation", "stackSetName", "AWS::CloudFormation::StackSet"),
    of_type("cloudfront", "id", "AWS::CloudFront::Distribution"),
    of_type("cloudtrail", "delegatedAdminAccountId", ACCOUNT),
    named("cloudtrail", "eventDataStore", "AWS::CloudTrail::EventDataStore"),
    named_in(OF_TRAIL, "cloudtrail", "name", "AWS::CloudTrail::Trail"),
    named("cloudtrail", "s3BucketName", BUCKET),
    named("cloudtrail", "trailName", "AWS::CloudTrail::Trail"),
    named("codeartifact", "domain", "AWS::CodeArtifact::Domain"),
    named("codeartifact", "repository", "AWS::CodeArtifact::Repository"),
    named_in(
        &["CreateProject", "DeleteProject", "UpdateProject"],
        "codebuild",
        "name",
        "AWS::CodeBuild::Project",
    ),
    of_type("codebuild", "name", "AWS::CodeBuild::Project"),
    named("codebuild", "projectName", "AWS::CodeBuild::Project"),
    of_type("codeconnections", "connectionName", "AWS::CodeConnections::Connection"),
    named("cognito-identity", "identityPoolId", "AWS::Cognito::IdentityPool"),
    of_type("cognito-identity", "identityPoolName", "AWS::Cognito::IdentityPool"),
    of_type("cognito-idp", "providerName", "AWS::Cognito::UserPoolIdentityProvider"),
    named("cognito-idp", "userPoolId", "AWS::Cognito::UserPool"),
    of_type("cognito-idp", "username", "AWS::Cognito::UserPoolUser"),
    // Their ARNs hold ids that only an answer tells.
    of_type("config", "configRuleName", "AWS::Config::ConfigRule"),
    of_type("config", "configurationRecorderName", "AWS::Config::ConfigurationRecorder"),
    of_type("config", "conformancePackName", "AWS::Config::ConformancePack"),
    of_type("config", "deliveryChannelName", "AWS::Config::DeliveryChannel"),
    of_type_in(
        &["PutConfigurationRecorder"],
        "config",
        "name",
        "AWS::Config::ConfigurationRecorder",
    ),
    named("datapipeline", "pipelineId", "AWS::DataPipeline::Pipeline"),
    of_type_in(&["CreateTask", "StartTaskExecution"], "datasync", "name", "AWS::DataSync::Task"),
    of_type("detective", "graphArn", "AWS::Detective::Graph"),
    named("dlm", "PolicyId", "AWS::DLM::LifecyclePolicy"),
    named("dlm", "policyId", "AWS::DLM::LifecyclePolicy"),
    named("dynamodb", "s3Bucket", BUCKET),
    named("dynamodb", "tableName", "AWS::DynamoDB::Table"),
    named("ebs", "secondSnapshotId", "AWS::EC2::Snapshot"),
    named("ebs", "snapshotId", "AWS::EC2::Snapshot"),
    named("ec2", "GroupId", "AWS::EC2::SecurityGroup"),
    named("ec2", "InstanceId", "AWS::EC2::Instance"),
    named("ec2", "LaunchTemplateId", "AWS::EC2::LaunchTemplate"),
    of_type("ec2", "LaunchTemplateName", "AWS::EC2::LaunchTemplate"),
    named("ec2", "NetworkInterfaceId", "AWS::EC2::NetworkInterface"),
    of_type("ec2", "PeerAccountId", ACCOUNT),
    named("ec2", "PrefixListId", "AWS::EC2::PrefixList"),
    of_type("ec2", "PrefixListName", "AWS::EC2::PrefixList"),
    named("ec2", "ServiceId", "AWS::EC2::VPCEndpointService"),
    named("ec2", "groupId", "AWS::EC2::SecurityGroup"),
    of_type("ec2", "groupName", "AWS::EC2::SecurityGroup"),
    named("ec2", "imageId", "AWS::EC2::Image"),
    named("ec2", "instanceId", "AWS::EC2::Instance"),
    named("ec2", "keyName", "AWS::EC2::KeyPair"),
    named("ec2", "kmsKeyId", "AWS::KMS::Key"),
    named("ec2", "networkAclId", "AWS::EC2::NetworkAcl"),
    named("ec2", "networkInterfaceId", "AWS::EC2::NetworkInterface"),
    of_type("ec2", "peerOwnerId", ACCOUNT),
    named("ec2", "routeTableId", "AWS::EC2::RouteTable"),
    named("ec2", "snapshotId", "AWS::EC2::Snapshot"),
    // Those that are copied may be in another region.
    of_type("ec2", "sourceImageId", "AWS::EC2::Image"),
    of_type("ec2", "sourceSnapshotId", "AWS::EC2::Snapshot"),
    named("ec2", "subnetId", "AWS::EC2::Subnet"),
    named("ec2", "trafficMirrorSessionId", "AWS::EC2::TrafficMirrorSession"),
    named("ec2", "transitGatewayAttachmentId", "AWS::EC2::TransitGatewayAttachment"),
    named("ec2", "volumeId", "AWS::EC2::Volume"),
    named("ec2", "vpcId", "AWS::EC2::VPC"),
    named("ec2", "vpcPeeringConnectionId", "AWS::EC2::VPCPeeringConnection"),
    named("ec2-instance-connect", "instanceId", "AWS::EC2::Instance"),
    of_type("ecr", "registryId", ACCOUNT),
    named("ecr", "repositoryName", "AWS::ECR::Repository"),
    of_type("ecr-public", "repositoryName", "AWS::ECR::PublicRepository"),
    named("ecs", "cluster", "AWS::ECS::Cluster"),
    of_type("ecs", "family", "AWS::ECS::TaskDefinition"),
    named("ecs", "service", "AWS::ECS::Service"),
    named("ecs", "serviceName", "AWS::ECS::Service"),
    named("ecs", "task", "AWS::ECS::Task"),
    of_type("ecs", "taskDefinition", "AWS::ECS::TaskDefinition"),
    named_in(OF_EKS_CLUSTER, "eks", "name", "AWS::EKS::Cluster"),
    of_type("elasticache", "replicationGroupId", "AWS::ElastiCache::ReplicationGroup"),
    of_type("elasticache", "userId", "AWS::ElastiCache::User"),
    named("elasticfilesystem", "fileSystemId", "AWS::EFS::FileSystem"),
    of_type("elasticfilesystem", "mountTargetId", "AWS::EFS::MountTarget"),
    of_type("es", "account", ACCOUNT),
    named("es", "domainName", "AWS::OpenSearchService::Domain"),
    named("events", "eventBusName", "AWS::Events::EventBus"),
    named_in(OF_BUS, "events", "name", "AWS::Events::EventBus"),
    named_in(OF_BUS_RULE, "events", "name", "AWS::Events::Rule"),
    of_type_in(
        &["CreateApiDestination", "UpdateApiDestination", "DeleteApiDestination"],
        "events",
        "name",
        "AWS::Events::ApiDestination",
    ),
    of_type("events", "rule", "AWS::Events::Rule"),
    named("firehose", "deliveryStreamName", "AWS::KinesisFirehose::DeliveryStream"),
    named("fis", "experimentTemplateId", "AWS::FIS::ExperimentTemplate"),
    named("fms", "policyId", "AWS::FMS::Policy"),
    named("fsx", "fileSystemId", "AWS::FSx::FileSystem"),
    named("glue", "endpointName", "AWS::Glue::DevEndpoint"),
    named("glue", "jobName", "AWS::Glue::Job"),
    named_in(&["CreateJob"], "glue", "name", "AWS::Glue::Job"),
    of_type("glue", "role", ROLE),
    of_type("guardduty", "accountIds", ACCOUNT),
    of_type("guardduty", "adminAccountId", ACCOUNT),
    of_type("guardduty", "destinationId", "AWS::GuardDuty::PublishingDestination"),
    named("guardduty", "detectorId", "AWS::GuardDuty::Detector"),
    named("guardduty", "filterName", "AWS::GuardDuty::Filter"),
    named_in(&["CreateFilter"], "guardduty", "name", "AWS::GuardDuty::Filter"),
    of_type_in(&["CreateIPSet", "UpdateIPSet"], "guardduty", "name", "AWS::GuardDuty::IPSet"),
    of_type("guardduty", "threatIntelSetId", "AWS::GuardDuty::ThreatIntelSet"),
    named("iam", "groupName", "AWS::IAM::Group"),
    named("iam", "instanceProfileName", "AWS::IAM::InstanceProfile"),
    named_in(&["CreateSAMLProvider"], "iam", "name", "AWS::IAM::SAMLProvider"),
    of_type("iam", "newUserName", "AWS::IAM::User"),
    named_in(&["CreatePolicy"], "iam", "policyName", "AWS::IAM::ManagedPolicy"),
    of_type_in(
        &["DeleteGroupPolicy", "GetGroupPolicy", "PutGroupPolicy"],
        "iam",
        "policyName",
        "AWS::IAM::GroupPolicy",
    ),
    of_type_in(
        &["DeleteRolePolicy", "GetRolePolicy", "PutRolePolicy"],
        "iam",
        "policyName",
        "AWS::IAM::RolePolicy",
    ),
    of_type_in(
        &["DeleteUserPolicy", "GetUserPolicy", "PutUserPolicy"],
        "iam",
        "policyName",
        "AWS::IAM::UserPolicy",
    ),
    named("iam", "roleName", ROLE),
    named_in(&["CreateOpenIDConnectProvider"], "iam", "url", "AWS::IAM::OIDCProvider"),
    named("iam", "userName", "AWS::IAM::User"),
    of_type("iam", "virtualMFADeviceName", "AWS::IAM::VirtualMFADevice"),
    named("identitystore", "groupId", "AWS::IdentityStore::Group"),
    of_type("identitystore", "name", "AWS::IdentityStore::Group"),
    of_type("inspector2", "accountId", ACCOUNT),
    of_type("inspector2", "accountIds", ACCOUNT),
    of_type_in(&["CreateFilter", "UpdateFilter"], "inspector2", "name", "AWS::InspectorV2::Filter"),
    named("iot", "roleAlias", "AWS::IoT::RoleAlias"),
    named("kms", "aliasName", "AWS::KMS::Alias"),
    named("kms", "keyId", "AWS::KMS::Key"),
    named("kms", "targetKeyId", "AWS::KMS::Key"),
    named("lambda", "functionName", "AWS::Lambda::Function"),
    named("lambda", "layerName", "AWS::Lambda::LayerVersion"),
    of_type("lambda", "principal", ACCOUNT),
    of_type("lambda", "role", ROLE),
    // The ARN holds an id that only an answer tells.
    of_type("lightsail", "instanceName", "AWS::Lightsail::Instance"),
    of_type("lightsail", "instanceNames", "AWS::Lightsail::Instance"),
    named("logs", "deliveryDestinationName", "AWS::Logs::DeliveryDestination"),
    named_in(&["CreateExportTask"], "logs", "destination", BUCKET),
    named("logs", "destinationName", "AWS::Logs::Destination"),
    of_type_in(
        &["DeleteMetricFilter", "PutMetricFilter"],
        "logs",
        "filterName",
        "AWS::Logs::MetricFilter",
    ),
    of_type_in(
        &["DeleteSubscriptionFilter", "PutSubscriptionFilter"],
        "logs",
        "filterName",
        "AWS::Logs::SubscriptionFilter",
    ),
    of_type("logs", "logGroupIdentifier", "AWS::Logs::LogGroup"),
    named("logs", "logGroupName", "AWS::Logs::LogGroup"),
    named("logs", "logStreamName", "AWS::Logs::LogStream"),
    of_type("logs", "policyName", "AWS::Logs::ResourcePolicy"),
    of_type_in(
        &["CreateFindingsFilter", "UpdateFindingsFilter"],
        "macie2",
        "name",
        "AWS::Macie::FindingsFilter",
    ),
    named("monitoring", "alarmName", "AWS::CloudWatch::Alarm"),
    named("monitoring", "alarmNames", "AWS::CloudWatch::Alarm"),
    of_type("mq", "brokerName", "AWS::AmazonMQ::Broker"),
    named("network-firewall", "firewallName", "AWS::NetworkFirewall::Firewall"),
    named("network-firewall", "firewallPolicyName", "AWS::NetworkFirewall::FirewallPolicy"),
    // Their ARNs hold the organisation's id and its management account.
    of_type("organizations", "accountId", ACCOUNT),
    of_type_in(&["InviteAccountToOrganization"], "organizations", "id", ACCOUNT),
    of_type_in(
        &["CreatePolicy", "UpdatePolicy"],
        "organizations",
        "name",
        "AWS::Organizations::Policy",
    ),
    of_type("organizations", "policyId", "AWS::Organizations::Policy"),
    of_type("organizations", "targetId", ACCOUNT),
    of_type("pipes", "name", "AWS::Pipes::Pipe"),
    of_type_in(
        &["CreateResourceShare", "UpdateResourceShare"],
        "ram",
        "name",
        "AWS::RAM::ResourceShare",
    ),
    of_type("ram", "principals", ACCOUNT),
    named("rbin", "identifier", "AWS::Rbin::Rule"),
    named("rds", "dBClusterIdentifier", "AWS::RDS::DBCluster"),
    named("rds", "dBClusterSnapshotIdentifier", "AWS::RDS::DBClusterSnapshot"),
    named("rds", "dBInstanceIdentifier", "AWS::RDS::DBInstance"),
    of_type("rds", "dBParameterGroupName", "AWS::RDS::DBParameterGroup"),
    of_type("rds", "dBSecurityGroupName", "AWS::RDS::DBSecurityGroup"),
    named("rds", "dBSnapshotIdentifier", "AWS::RDS::DBSnapshot"),
    of_type("rds", "dbClusterResourceId", "AWS::RDS::DBCluster"),
    of_type("rds", "dbiResourceId", "AWS::RDS::DBInstance"),
    named("rds", "globalClusterIdentifier", "AWS::RDS::GlobalCluster"),
    named("rds", "s3BucketName", BUCKET),
    named("rds", "targetDBInstanceIdentifier", "AWS::RDS::DBInstance"),
    named("rds", "targetDBSnapshotIdentifier", "AWS::RDS::DBSnapshot"),
    of_type("redshift", "account", ACCOUNT),
    of_type("redshift", "accountWithRestoreAccess", ACCOUNT),
    named("redshift", "clusterIdentifier", "AWS::Redshift::Cluster"),
    named("redshift", "snapshotIdentifier", "AWS::Redshift::ClusterSnapshot"),
    of_type("redshift-serverless", "workgroupName", "AWS::RedshiftServerless::Workgroup"),
    of_type("rekognition", "projectArn", "AWS::Rekognition::Project"),
    named("rolesanywhere", "crlId", "AWS::RolesAnywhere::CRL"),
    of_type_in(
        &["CreateTrustAnchor", "UpdateTrustAnchor"],
        "rolesanywhere",
        "name",
        "AWS::RolesAnywhere::TrustAnchor",
    ),
    of_type_in(
        &["CreateProfile", "UpdateProfile"],
        "rolesanywhere",
        "name",
        "AWS::RolesAnywhere::Profile",
    ),
    named("rolesanywhere", "trustAnchorId", "AWS::RolesAnywhere::TrustAnchor"),
    named("route53", "hostedZoneId", "AWS::Route53::HostedZone"),
    named_in(OF_HOSTED_ZONE, "route53", "id", "AWS::Route53::HostedZone"),
    of_type_in(&["ChangeResourceRecordSets"], "route53", "name", "AWS::Route53::RecordSet"),
    of_type_in(&["CreateHostedZone"], "route53", "name", "AWS::Route53::HostedZone"),
    named(
        "route53resolver",
        "firewallRuleGroupAssociationId",
        "AWS::Route53Resolver::FirewallRuleGroupAssociation",
    ),
    named("route53resolver", "firewallRuleGroupId", "AWS::Route53Resolver::FirewallRuleGroup"),
    of_type_in(
        &["CreateResolverRule"],
        "route53resolver",
        "name",
        "AWS::Route53Resolver::ResolverRule",
    ),
    named(
        "route53resolver",
        "resolverQueryLogConfigId",
        "AWS::Route53Resolver::ResolverQueryLoggingConfig",
    ),
    of_type_in(
        &["PutMultiRegionAccessPointPolicy"],
        "s3",
        "Name",
        "AWS::S3::MultiRegionAccessPoint",
    ),
    named("s3", "bucketName", BUCKET),
    named("s3", "key", "AWS::S3::Object"),
    named_in(OF_ACCESS_POINT, "s3", "name", "AWS::S3::AccessPoint"),
    named_in(&["PutAccessPointPolicy"], "s3", "name", "AWS::S3::AccessPoint"),
    named_in(
        &["PutAccessPointPolicyForObjectLambda"],
        "s3",
        "name",
        "AWS::S3ObjectLambda::AccessPoint",
    ),
    named("s3express", "bucketName", "AWS::S3Express::DirectoryBucket"),
    named("sagemaker", "domainId", "AWS::SageMaker::Domain"),
    named("sagemaker", "modelPackageGroupName", "AWS::SageMaker::ModelPackageGroup"),
    named(
        "sagemaker",
        "notebookInstanceLifecycleConfigName",
        "AWS::SageMaker::NotebookInstanceLifecycleConfig",
    ),
    named("sagemaker", "notebookInstanceName", "AWS::SageMaker::NotebookInstance"),
    // The ARN ends in six characters that a name lacks.
    named("sagemaker", "studioLifecycleConfigName", "AWS::SageMaker::StudioLifecycleConfig"),
    of_type("scheduler", "name", "AWS::Scheduler::Schedule"),
    of_type("secretsmanager", "secretId", "AWS::SecretsManager::Secret"),
    of_type("securityhub", "AccountIds", ACCOUNT),
    of_type("securityhub", "ruleName", "AWS::SecurityHub::AutomationRule"),
    named("ses", "domain", "AWS::SES::EmailIdentity"),
    named("ses", "emailAddress", "AWS::SES::EmailIdentity"),
    named("ses", "emailIdentity", "AWS::SES::EmailIdentity"),
    named("ses", "identity", "AWS::SES::EmailIdentity"),
    of_type("ses", "ruleSetName", "AWS::SES::ReceiptRuleSet"),
    named("shield", "protectionId", "AWS::Shield::Protection"),
    of_type("signin", "userName", "AWS::IAM::User"),
    named_in(&["CreateTopic"], "sns", "name", "AWS::SNS::Topic"),
    named("sqs", "queueName", "AWS::SQS::Queue"),
    named("sqs", "queueUrl", "AWS::SQS::Queue"),
    of_type("ssm", "accountIdsToAdd", ACCOUNT),
    of_type("ssm", "associationName", "AWS::SSM::Association"),
    named("ssm", "documentName", "AWS::SSM::Document"),
    of_type("ssm", "iamRole", ROLE),
    named_in(OF_SSM_DOCUMENT, "ssm", "name", "AWS::SSM::Document"),
    named_in(OF_SSM_PARAMETER, "ssm", "name", "AWS::SSM::Parameter"),
    named_in(&["DeleteParameters", "GetParameters"], "ssm", "names", "AWS::SSM::Parameter"),
    of_type("sso", "targetId", ACCOUNT),
    named("sso-directory", "groupId", "AWS::IdentityStore::Group"),
    of_type("sts", "targetPrincipal", ACCOUNT),
    named("transfer", "serverId", "AWS::Transfer::Server"),
    named("transfer", "userName", "AWS::Transfer::User"),
    named("waf", "webACLId", "AWS::WAF::WebACL"),
    named("waf-regional", "webACLId", "AWS::WAFRegional::WebACL"),
    of_type_in(
        &["CreateWebACL", "DeleteWebACL", "UpdateWebACL"],
        "wafv2",
        "name",
        "AWS::WAFv2::WebACL",
    ),
    named("workmail", "s3BucketName", BUCKET),
];
