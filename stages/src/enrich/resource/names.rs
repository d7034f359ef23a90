//! How names of single kinds of resources are written, where records and ARNs do not write them alike.

use std::borrow::Cow;

use super::super::tables::is_account;
use super::Call;
use super::iam;

/// An id taken for the name of something.
pub(super) struct Named<'i> {
    /// The type, if the id tells it better than its key.
    pub(super) kind: Option<&'static str>,
    /// For people.
    pub(super) name: Cow<'i, str>,
    /// For the ARN; `None` if the record does not tell all of it.
    pub(super) in_arn: Option<Cow<'i, str>>,
    /// Whose it is, if the id tells.
    pub(super) account: Option<&'i str>,
}

impl<'i> Named<'i> {
    fn plain(id: &'i str) -> Self {
        Self { kind: None, name: id.into(), in_arn: Some(id.into()), account: None }
    }

    fn without_arn(id: &'i str) -> Self {
        Self { in_arn: None, ..Self::plain(id) }
    }
}

/// The id as a name of this kind; `None` if it is none.
pub(super) fn named<'i>(kind: &str, id: &'i str, call: &Call<'_, '_>) -> Option<Named<'i>> {
    let plain = Named::plain(id);
    Some(match kind {
        "AWS::Events::Rule" => Named { in_arn: rule(id, call).map(Cow::from), ..plain },
        "AWS::IAM::Group"
        | "AWS::IAM::InstanceProfile"
        | "AWS::IAM::ManagedPolicy"
        | "AWS::IAM::Role"
        | "AWS::IAM::User" => {
            Named { in_arn: iam::with_path(kind, id, call).map(Cow::from), ..plain }
        }
        "AWS::IAM::OIDCProvider" => {
            let address = id.strip_prefix("https://").unwrap_or(id);
            Named { in_arn: Some(address.into()), ..plain }
        }
        "AWS::KMS::Alias" | "AWS::KMS::Key" => match id.strip_prefix("alias/") {
            Some(alias) => Named { kind: Some("AWS::KMS::Alias"), ..Named::plain(alias) },
            None => plain,
        },
        "AWS::Lambda::Function" => function(id),
        "AWS::Organizations::Account" => is_account(id).then(|| Named::without_arn(id))?,
        // Stored in lower case, however they are written.
        "AWS::RDS::DBCluster" | "AWS::RDS::DBInstance" => {
            Named { in_arn: Some(id.to_ascii_lowercase().into()), ..plain }
        }
        "AWS::Route53::HostedZone" => {
            Named::plain(id.trim_start_matches('/').strip_prefix("hostedzone/").unwrap_or(id))
        }
        // Their ARNs are in lower case, as far as seen; what that makes of others is not documented.
        "AWS::SageMaker::NotebookInstance" | "AWS::SageMaker::NotebookInstanceLifecycleConfig"
            if id.bytes().any(|byte| byte.is_ascii_uppercase()) =>
        {
            Named::without_arn(id)
        }
        "AWS::SQS::Queue" if id.contains("://") => queue(id)?,
        // AWS's own are in no account.
        "AWS::SSM::Document" if id.starts_with("AWS") || id.starts_with("Amazon") => {
            Named::without_arn(id)
        }
        "AWS::SSM::Parameter" => {
            Named { in_arn: Some(id.strip_prefix('/').unwrap_or(id).into()), ..plain }
        }
        _ => plain,
    })
}

/// Behind its bus, which is told by name or ARN; rules of the bus `default` stand alone.
fn rule(name: &str, call: &Call<'_, '_>) -> Option<String> {
    let bus = call.record?.text(&["requestParameters", "eventBusName"]);
    let bus = bus.map(|bus| bus.split_once(":event-bus/").map_or(bus, |(_, name)| name));
    let name = Some(name).filter(|name| !name.contains('/'))?;
    Some(match bus.filter(|bus| *bus != "default") {
        Some(bus) => format!("{bus}/{name}"),
        None => name.to_owned(),
    })
}

/// `name`, `name:version`, or `account:function:name`, with a version or alias or without.
fn function(id: &str) -> Named<'_> {
    let (account, name) = match id.split_once(":function:") {
        Some((account, name)) => (Some(account), name),
        None => (None, id),
    };
    Named { account, ..Named::plain(name.split(':').next().unwrap_or(name)) }
}

/// `https://sqs.eu-west-1.amazonaws.com/111122223333/orders`, and older forms of it.
fn queue(url: &str) -> Option<Named<'_>> {
    let (_, rest) = url.split_once("://")?;
    let mut parts = rest.split('/');
    let (_host, account, name) = (parts.next()?, parts.next()?, parts.next()?);
    let is_queue = is_account(account) && !name.is_empty() && parts.next().is_none();
    is_queue.then(|| Named { account: Some(account), ..Named::plain(name) })
}

/// What people call something by whose ARN has this as its name.
pub(super) fn short<'t>(kind: &str, name: &'t str) -> &'t str {
    match kind {
        "AWS::Events::Rule"
        | "AWS::IAM::Group"
        | "AWS::IAM::InstanceProfile"
        | "AWS::IAM::ManagedPolicy"
        | "AWS::IAM::Role"
        | "AWS::IAM::User"
        | "AWS::IAM::VirtualMFADevice" => name.rsplit('/').next().unwrap_or(name),
        "AWS::Lambda::Function" => name.split(':').next().unwrap_or(name),
        // The ARN ends in a dash and six characters that are none of it.
        "AWS::SecretsManager::Secret" => match name.rsplit_once('-') {
            Some((secret, random)) if random.len() == 6 => secret,
            _ => name,
        },
        _ => name,
    }
}
