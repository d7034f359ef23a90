//! What callers do: the calls of each kind of caller, with weights that fall like Zipf's.
//!
//! Ordinary work only. Dangerous acts are in `incident`; names that rules look for, with harmless parameters, are in
//! `candidate`, and stand in no other list, so that their share of a corpus can be set.

mod candidate;
mod console;
mod deploy;
mod fleet;
mod service;
mod watcher;
mod workload;

use crate::generate::{random::Random, template::Template};

/// What a caller is there for; each duty has its own list of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// AWS services acting for the account: AssumeRole for a function, delivery of logs.
    Service,
    /// Service-linked roles that read everything: Config, GuardDuty.
    Watcher,
    /// Service-linked roles that act: autoscaling, backups.
    Steward,
    /// Functions and tasks at work.
    Workload,
    /// Instances and nodes: agents, kubelets.
    Fleet,
    /// Terraform, CloudFormation and CI.
    Deploy,
    /// People in the browser or at a shell.
    Console,
    /// People who sign in: the call is made to get a session.
    Access,
    /// Pipelines that show a token to get a session.
    Federation,
    /// Another account of the organisation that reaches into this one.
    Partner,
    /// People known only to Identity Center.
    Directory,
    /// Root, in events that AWS writes itself.
    Owner,
}

/// Which envelope an event gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Management,
    Data,
    SignIn,
    ServiceEvent,
    Insight,
    NetworkActivity,
}

/// One call as the lists write it; the texts are templates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    pub(crate) weight: u32,
    /// The service, without `.amazonaws.com`.
    pub(crate) source: &'static str,
    pub(crate) name: &'static str,
    pub(crate) request: &'static str,
    pub(crate) response: &'static str,
    pub(crate) additional: &'static str,
    pub(crate) resources: &'static str,
    pub(crate) kind: Kind,
}

impl Op {
    const fn resources(mut self, text: &'static str) -> Self {
        self.resources = text;
        self
    }

    const fn additional(mut self, text: &'static str) -> Self {
        self.additional = text;
        self
    }

    const fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }
}

/// A call that answers nothing worth logging.
const fn call(weight: u32, source: &'static str, name: &'static str, request: &'static str) -> Op {
    change(weight, source, name, request, "null")
}

/// A call whose answer is logged.
pub(crate) const fn change(
    weight: u32,
    source: &'static str,
    name: &'static str,
    request: &'static str,
    response: &'static str,
) -> Op {
    let kind = Kind::Management;
    Op { weight, source, name, request, response, additional: "", resources: "", kind }
}

const fn s3_op(weight: u32, name: &'static str, request: &'static str, kind: Kind) -> Op {
    call(weight, "s3", name, request).kind(kind).additional(S3_EXTRA)
}

const S3_EXTRA: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"<base64:75>=","bytesTransferredOut":<number:90000>}"#;
const S3_BUCKET: &str =
    r#"[{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#;
const S3_OBJECT: &str = r#"[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::<bucket>/<key>"},{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#;
const KMS_KEY: &str = r#"[{"accountId":"<account>","type":"AWS::KMS::Key","ARN":"arn:aws:kms:<region>:<account>:key/<kms>"}]"#;
const ROLE: &str = r#"[{"accountId":"<account>","type":"AWS::IAM::Role","ARN":"arn:aws:iam::<account>:role/<role>"}]"#;
const TABLE: &str = r#"[{"accountId":"<account>","type":"AWS::DynamoDB::Table","ARN":"arn:aws:dynamodb:<region>:<account>:table/<table>"}]"#;
const FUNCTION: &str = r#"[{"accountId":"<account>","type":"AWS::Lambda::Function","ARN":"arn:aws:lambda:<region>:<account>:function:<fn>"}]"#;

/// A call whose templates are compiled.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) source: &'static str,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) is_read: bool,
    pub(crate) request: Template,
    pub(crate) response: Template,
    pub(crate) additional: Template,
    pub(crate) resources: Template,
}

impl Call {
    /// Compiles one line of a list.
    pub(crate) fn new(op: &Op) -> Self {
        Self {
            source: op.source,
            name: op.name,
            kind: op.kind,
            is_read: is_read(op.name),
            request: Template::compile(op.request),
            response: Template::compile(op.response),
            additional: Template::compile(op.additional),
            resources: Template::compile(op.resources),
        }
    }

    /// Whether the event is logged in us-east-1 only.
    pub(crate) fn is_global(&self) -> bool {
        let sources = ["iam", "organizations", "cloudfront", "route53", "signin", "support", "ce"];
        sources.contains(&self.source)
    }
}

/// A list of calls to draw from by weight.
#[derive(Debug)]
pub(crate) struct Menu {
    calls: Vec<Call>,
    /// Running total of the weights; the last is the sum.
    totals: Vec<u64>,
}

impl Menu {
    fn new<'a>(ops: impl IntoIterator<Item = &'a Op>) -> Self {
        let mut menu = Self { calls: Vec::new(), totals: Vec::new() };
        let mut total = 0;
        for op in ops {
            total += u64::from(op.weight);
            menu.calls.push(Call::new(op));
            menu.totals.push(total);
        }
        menu
    }

    /// Draws a call; outside us-east-1 it avoids the services that log only there.
    pub(crate) fn draw(&self, random: &mut Random, region: &str) -> &Call {
        let total = self.totals.last().copied().unwrap_or_default();
        let mut draw = || {
            let mark = random.below(total);
            &self.calls[self.totals.partition_point(|&end| end <= mark)]
        };
        let first = draw();
        if region == "us-east-1" || !first.is_global() {
            return first;
        }
        (0..8).map(|_| draw()).find(|call| !call.is_global()).unwrap_or(first)
    }
}

/// All lists, compiled.
#[derive(Debug)]
pub(crate) struct Catalogue {
    service: Menu,
    watcher: Menu,
    steward: Menu,
    workload: Menu,
    fleet: Menu,
    deploy: Menu,
    console: Menu,
    access: Menu,
    federation: Menu,
    partner: Menu,
    directory: Menu,
    owner: Menu,
    /// Names that rules look for, as everyday work does them.
    pub(crate) everyday_candidates: Menu,
    /// All names that rules look for.
    pub(crate) candidates: Menu,
    pub(crate) rarities: Menu,
}

impl Catalogue {
    /// Compiles all lists.
    pub(crate) fn new() -> Self {
        Self {
            service: Menu::new(service::OPS),
            watcher: Menu::new(watcher::OPS),
            steward: Menu::new(watcher::STEWARD),
            workload: Menu::new(workload::OPS),
            fleet: Menu::new(fleet::OPS),
            deploy: Menu::new(deploy::OPS),
            console: Menu::new(console::OPS.iter().chain(console::TAIL)),
            access: Menu::new(service::ACCESS),
            federation: Menu::new(service::FEDERATION),
            partner: Menu::new(service::PARTNER),
            directory: Menu::new(service::DIRECTORY),
            owner: Menu::new(service::OWNER),
            everyday_candidates: Menu::new(candidate::EVERYDAY),
            candidates: Menu::new(candidate::EVERYDAY.iter().chain(candidate::RARE)),
            rarities: Menu::new(service::RARITIES),
        }
    }

    /// Returns the list of a duty.
    pub(crate) fn menu(&self, duty: Duty) -> &Menu {
        match duty {
            Duty::Service => &self.service,
            Duty::Watcher => &self.watcher,
            Duty::Steward => &self.steward,
            Duty::Workload => &self.workload,
            Duty::Fleet => &self.fleet,
            Duty::Deploy => &self.deploy,
            Duty::Console => &self.console,
            Duty::Access => &self.access,
            Duty::Federation => &self.federation,
            Duty::Partner => &self.partner,
            Duty::Directory => &self.directory,
            Duty::Owner => &self.owner,
        }
    }
}

/// Names that rules look for.
pub(crate) fn candidate_names() -> impl Iterator<Item = (&'static str, &'static str)> {
    candidate::EVERYDAY.iter().chain(candidate::RARE).map(|op| (op.source, op.name))
}

/// Whether CloudTrail marks calls of this name as reading.
fn is_read(name: &str) -> bool {
    const PREFIXES: [&str; 12] = [
        "Describe",
        "List",
        "Get",
        "Head",
        "Lookup",
        "BatchGet",
        "Decrypt",
        "AssumeRole",
        "Filter",
        "Query",
        "Scan",
        "Search",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || matches!(name, "GenerateDataKey" | "Encrypt" | "ReEncrypt" | "SimulatePrincipalPolicy")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn ordinary() -> impl Iterator<Item = &'static Op> {
        [
            service::OPS,
            watcher::OPS,
            watcher::STEWARD,
            workload::OPS,
            fleet::OPS,
            deploy::OPS,
            console::OPS,
            console::TAIL,
            service::ACCESS,
            service::FEDERATION,
            service::PARTNER,
            service::DIRECTORY,
            service::OWNER,
            service::RARITIES,
        ]
        .into_iter()
        .flatten()
    }

    #[test]
    fn the_lists_are_long_and_compile() {
        Catalogue::new();
        let names: BTreeSet<_> = ordinary().map(|op| op.name).collect();
        assert!(names.len() >= 200, "{}", names.len());
    }

    #[test]
    fn ordinary_work_uses_no_name_that_rules_look_for() {
        let candidates: BTreeSet<_> = candidate_names().map(|(_, name)| name).collect();
        let both: Vec<_> = ordinary().filter(|op| candidates.contains(op.name)).collect();
        assert!(both.is_empty(), "{both:?}");
    }
}
