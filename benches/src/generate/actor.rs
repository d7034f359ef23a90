//! Who calls: people, roles, services, other accounts, each with its identity block, user agent and address.

use std::fmt::Write;

use crate::generate::{
    catalogue::Duty,
    pool::Pools,
    random::{Random, mix},
    template::Template,
};

/// One caller of an account.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) duty: Duty,
    /// The value of `userIdentity`; its holes are the session's key and start.
    pub(crate) identity: Template,
    pub(crate) arn: String,
    pub(crate) name: String,
    /// Already escaped for JSON.
    pub(crate) agent: String,
    pub(crate) address: String,
    pub(crate) is_in_browser: bool,
}

const BROWSER: &[&str] = &[
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36 Edg/133.0.0.0",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0",
    "AWS Internal",
    "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.780 Linux/5.10.233-224.894.amzn2int.x86_64 OpenJDK_64-Bit_Server_VM/25.442-b06 java/1.8.0_442 vendor/Oracle_Corporation cfg/retry-mode/standard]",
];
const SHELL: &[&str] = &[
    "aws-cli/2.24.10 md/awscrt#0.23.8 ua/2.0 os/macos#24.3.0 md/arch#arm64 lang/python#3.12.9 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#ec2.describe-instances",
    "aws-cli/2.23.5 md/awscrt#0.23.8 ua/2.0 os/linux#6.8.0-52-generic md/arch#x86_64 lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/distrib#ubuntu.24 md/prompt#off md/command#logs.tail",
];
const DEPLOY: &[&str] = &[
    "APN/1.0 HashiCorp/1.0 Terraform/1.10.5 (+https://www.terraform.io) terraform-provider-aws/5.88.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.36.1 ua/2.1 os/linux lang/go#1.23.6 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.203.1 m/C,E,g",
    "aws-sdk-js/3.744.0 ua/2.1 os/linux#6.8.0-1021-azure lang/js md/nodejs#20.18.3 api/cloudformation#3.744.0 m/E,Z,h aws-cdk/2.178.2 GitHubActions",
    "cloudformation.amazonaws.com",
    "aws-sdk-go-v2/1.36.1 ua/2.1 os/linux lang/go#1.23.6 md/GOOS#linux md/GOARCH#amd64 api/ecr#1.40.3 m/E docker-buildx/0.20.1",
];
const WORKLOAD: &[&str] = &[
    "aws-sdk-nodejs/3.731.1 ua/2.1 os/linux#5.10.233-244.895.amzn2.aarch64 lang/js md/nodejs#22.13.1 exec-env/AWS_Lambda_nodejs22.x api/dynamodb#3.731.1 m/E,b",
    "Boto3/1.36.20 md/Botocore#1.36.20 ua/2.0 os/linux#5.10.234-225.895.amzn2.x86_64 lang/python#3.13.2 exec-env/AWS_Lambda_python3.13 cfg/retry-mode#legacy",
    "aws-sdk-java/2.30.16 md/io#async md/http#NettyNio ua/2.1 os/Linux#6.1.127-135.201.amzn2023.aarch64 lang/java#21.0.6 exec-env/AWS_ECS_FARGATE m/F,D,g",
    "aws-sdk-rust/1.3.5 ua/2.1 api/s3/1.74.0 os/linux lang/rust/1.84.1 exec-env/AWS_ECS_EC2 m/E,Z,b",
];
const FLEET: &[&str] = &[
    "aws-sdk-go/1.55.6 (go1.23.5; linux; arm64) amazon-ssm-agent/3.3.1611.0",
    "aws-sdk-go-v2/1.36.1 ua/2.1 os/linux lang/go#1.23.6 md/GOOS#linux md/GOARCH#arm64 exec-env/EKS api/ec2#1.203.1 amazon-vpc-cni-k8s/v1.19.2",
    "aws-sdk-go-v2/1.36.1 ua/2.1 os/linux lang/go#1.23.6 md/GOOS#linux md/GOARCH#arm64 api/autoscaling#1.51.12 m/g karpenter.sh-1.2.1",
    "Amazon ECS Agent - v1.91.0 (3d7c1b2a) (linux) (+http://aws.amazon.com/ecs/) aws-sdk-go-v2/1.36.1",
];
const SERVICES: &[&str] = &[
    "lambda",
    "ecs-tasks",
    "cloudtrail",
    "ec2",
    "delivery.logs",
    "eks",
    "secretsmanager",
    "states",
    "autoscaling",
    "events",
    "s3",
    "scheduler",
    "backup",
    "kms",
    "mediaconvert",
];
const LINKED: &[(&str, &str)] = &[
    ("config", "AWSServiceRoleForConfig"),
    ("guardduty", "AWSServiceRoleForAmazonGuardDuty"),
    ("autoscaling", "AWSServiceRoleForAutoScaling"),
    ("inspector2", "AWSServiceRoleForAmazonInspector2"),
    ("securityhub", "AWSServiceRoleForSecurityHub"),
    ("backup", "AWSServiceRoleForBackup"),
    ("trustedadvisor", "AWSServiceRoleForTrustedAdvisor"),
    ("access-analyzer", "AWSServiceRoleForAccessAnalyzer"),
    ("spotfleet", "AWSServiceRoleForEC2Spot"),
    ("macie", "AWSServiceRoleForAmazonMacie"),
];

/// Makes all callers of an account.
pub(crate) fn cast(account: &str, partner: &str, pools: &Pools, seed: u64) -> Vec<Actor> {
    let mut random = Random::new(mix(seed, 0xac70));
    let mut cast = Cast { account, partner, random: &mut random, actors: Vec::new() };
    cast.people(pools);
    cast.machines(pools);
    cast.services();
    cast.others(pools);
    cast.actors
}

struct Cast<'a> {
    account: &'a str,
    partner: &'a str,
    random: &'a mut Random,
    actors: Vec<Actor>,
}

impl Cast<'_> {
    fn people(&mut self, pools: &Pools) {
        for (number, person) in pools.all("person").iter().enumerate() {
            let level = ["DeveloperAccess", "PowerUserAccess", "NewsroomOperator"][number % 3];
            let role = format!("AWSReservedSSO_{level}_{}", self.token(16));
            let path = "aws-reserved/sso.amazonaws.com/";
            let (agents, is_in_browser) =
                if number % 3 == 1 { (SHELL, false) } else { (BROWSER, true) };
            let at = self.address(number);
            self.role(Duty::Console, path, &role, person, agents, &at, "");
            self.last().is_in_browser = is_in_browser;
        }
        for (number, user) in pools.all("user").iter().enumerate() {
            let duty = if number % 4 == 0 { Duty::Deploy } else { Duty::Workload };
            let at = self.address(number + 100);
            self.user(duty, user, &at);
        }
    }

    fn machines(&mut self, pools: &Pools) {
        for build in pools.all("build").iter().take(16) {
            let session = format!("GitHubActions-{}", build.split(':').next().unwrap_or(build));
            let at = self.address(200);
            self.role(Duty::Deploy, "", "ci-deploy", &session, DEPLOY, &at, "");
        }
        for (function, role) in pools.all("fn").iter().zip(pools.all("role")) {
            let at = format!("10.0.{}.{}", self.random.below(255), self.random.below(255));
            self.role(Duty::Workload, "", role, function, WORKLOAD, &at, "");
        }
        for instance in pools.all("i").iter().take(40) {
            let at = self.address(300);
            let role = *self.random.pick(&["eks-node", "encoder-node", "packager-node"]);
            self.role(Duty::Fleet, "", role, instance, FLEET, &at, "");
        }
    }

    fn services(&mut self) {
        for service in SERVICES {
            let host = format!("{service}.amazonaws.com");
            let identity = format!(r#"{{"type":"AWSService","invokedBy":"{host}"}}"#);
            self.push(Duty::Service, &identity, "", service, &host, &host);
        }
        for (service, role) in LINKED {
            let host = format!("{service}.amazonaws.com");
            let path = format!("aws-service-role/{host}/");
            let session = format!("{service}-{}", self.token(12));
            let acts = matches!(*service, "autoscaling" | "backup" | "spotfleet");
            let duty = if acts { Duty::Steward } else { Duty::Watcher };
            self.role(duty, &path, role, &session, &[&host], &host, &host);
        }
    }

    fn others(&mut self, pools: &Pools) {
        let (account, partner) = (self.account, self.partner);
        for person in pools.all("person").iter().take(6) {
            let id = self.token(20);
            let at = self.address(400);
            let saml = format!(
                r#"{{"type":"SAMLUser","principalId":"{id}=:{person}","userName":"{person}","identityProvider":"{id}="}}"#
            );
            self.push(Duty::Access, &saml, "", person, BROWSER[0], &at);
            let center = format!(
                r#"{{"type":"IdentityCenterUser","accountId":"{account}","onBehalfOf":{{"userId":"{id}","identityStoreArn":"arn:aws:identitystore::{account}:identitystore/d-9067f1a2b3"}},"credentialId":"{id}"}}"#
            );
            self.push(Duty::Directory, &center, "", person, BROWSER[1], &at);
        }
        for system in pools.all("system") {
            let subject = format!("repo:media-example/{system}:ref:refs/heads/main");
            let provider =
                format!("arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com");
            let web = format!(
                r#"{{"type":"WebIdentityUser","principalId":"{provider}:sts.amazonaws.com:{subject}","userName":"{subject}","identityProvider":"{provider}"}}"#
            );
            let at = self.address(500);
            self.push(Duty::Federation, &web, "", system, DEPLOY[1], &at);
            let id = self.token(17).to_uppercase();
            let other = format!(
                r#"{{"type":"AWSAccount","principalId":"AROA{id}:{system}","accountId":"{partner}"}}"#
            );
            self.push(Duty::Partner, &other, "", system, WORKLOAD[2], &at);
        }
        let root = format!(
            r#"{{"type":"Root","principalId":"{account}","arn":"arn:aws:iam::{account}:root","accountId":"{account}","invokedBy":"AWS Internal"}}"#
        );
        let arn = format!("arn:aws:iam::{account}:root");
        self.push(Duty::Owner, &root, &arn, "root", "AWS Internal", "AWS Internal");
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one identity block")]
    fn role(
        &mut self,
        duty: Duty,
        path: &str,
        role: &str,
        session: &str,
        agents: &[&str],
        address: &str,
        invoked_by: &str,
    ) {
        let account = self.account;
        let id = self.token(17).to_uppercase();
        let arn = format!("arn:aws:sts::{account}:assumed-role/{role}/{session}");
        let agent = *self.random.pick(agents);
        let mut identity = format!(
            r#"{{"type":"AssumedRole","principalId":"AROA{id}:{session}","arn":"{arn}","accountId":"{account}","accessKeyId":"ASIA<accesskey>EXAMPLE","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROA{id}","arn":"arn:aws:iam::{account}:role/{path}{role}","accountId":"{account}","userName":"{role}"}},"attributes":{{"creationDate":"<created>","mfaAuthenticated":"false"}}"#
        );
        if duty == Duty::Fleet {
            identity.push_str(r#","ec2RoleDelivery":"2.0""#);
        }
        identity.push('}');
        if !invoked_by.is_empty() {
            write!(identity, r#","invokedBy":"{invoked_by}""#)
                .expect("writing to a string cannot fail");
        }
        identity.push('}');
        self.push(duty, &identity, &arn, session, agent, address);
    }

    fn user(&mut self, duty: Duty, user: &str, address: &str) {
        let account = self.account;
        let (id, key) = (self.token(10).to_uppercase(), self.token(9).to_uppercase());
        let arn = format!("arn:aws:iam::{account}:user/{user}");
        let identity = format!(
            r#"{{"type":"IAMUser","principalId":"AIDA{id}EXAMPLE","arn":"{arn}","accountId":"{account}","accessKeyId":"AKIA{key}EXAMPLE","userName":"{user}"}}"#
        );
        self.push(duty, &identity, &arn, user, WORKLOAD[1], address);
    }

    fn push(
        &mut self,
        duty: Duty,
        identity: &str,
        arn: &str,
        name: &str,
        agent: &str,
        address: &str,
    ) {
        self.actors.push(Actor {
            duty,
            identity: Template::compile(identity),
            arn: arn.to_owned(),
            name: name.to_owned(),
            agent: agent.to_owned(),
            address: address.to_owned(),
            is_in_browser: false,
        });
    }

    fn last(&mut self) -> &mut Actor {
        self.actors.last_mut().expect("called just after a push")
    }

    fn address(&mut self, number: usize) -> String {
        let net = ["192.0.2", "198.51.100", "203.0.113"][number % 3];
        let host = 1 + self.random.below(250);
        if number % 17 == 5 {
            format!("2001:db8:{host:x}::{number:x}")
        } else {
            format!("{net}.{host}")
        }
    }

    fn token(&mut self, length: usize) -> String {
        let letter = |_| char::from(*self.random.pick(b"abcdef234567"));
        (0..length).map(letter).collect()
    }
}

/// Root with a password and nothing else, for an incident.
pub(crate) fn root(account: &str) -> Actor {
    let arn = format!("arn:aws:iam::{account}:root");
    let identity = format!(
        r#"{{"type":"Root","principalId":"{account}","arn":"{arn}","accountId":"{account}","accessKeyId":""}}"#
    );
    Actor {
        duty: Duty::Owner,
        identity: Template::compile(&identity),
        arn,
        name: "root".to_owned(),
        agent: BROWSER[0].to_owned(),
        address: "203.0.113.66".to_owned(),
        is_in_browser: false,
    }
}
