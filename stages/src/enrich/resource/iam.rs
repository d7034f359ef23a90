//! Paths of what IAM holds: ARNs have them, requests mostly do not.

use super::super::principal::Arn;
use super::Call;

/// Where records tell ARNs of IAM: of who acted, and of what was made or changed.
const TOLD: [&[&str]; 7] = [
    &["userIdentity", "arn"],
    &["userIdentity", "sessionContext", "sessionIssuer", "arn"],
    &["responseElements", "user", "arn"],
    &["responseElements", "group", "arn"],
    &["responseElements", "role", "arn"],
    &["responseElements", "policy", "arn"],
    &["responseElements", "instanceProfile", "arn"],
];

/// The name behind its path: `ops/haruka`.
///
/// Told by the record; else what is made without a path has none, and users and groups are taken to have none, as hardly
/// any has. Roles have paths too often for that: those of services, of Identity Center, and those that the console makes.
pub(super) fn with_path(kind: &str, name: &str, call: &Call<'_, '_>) -> Option<String> {
    let is_name = |name: &str| {
        let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        !name.is_empty() && name.bytes().all(is_sign)
    };
    if !is_name(name) {
        return None;
    }
    let (step, made_by) = match kind {
        "AWS::IAM::Group" => ("group/", "CreateGroup"),
        "AWS::IAM::InstanceProfile" => ("instance-profile/", "CreateInstanceProfile"),
        "AWS::IAM::ManagedPolicy" => ("policy/", "CreatePolicy"),
        "AWS::IAM::Role" => ("role/", "CreateRole"),
        "AWS::IAM::User" => ("user/", "CreateUser"),
        _ => return None,
    };
    let told = TOLD.iter().filter_map(|path| call.record?.text(path)).find_map(|arn| {
        let arn = Arn::parse(arn)?;
        let is_here = arn.service == "iam" && Some(arn.account) == call.account;
        let behind = arn.resource.strip_prefix(step).filter(|_| is_here)?;
        (behind.rsplit('/').next() == Some(name)).then(|| behind.to_owned())
    });
    if told.is_some() {
        return told;
    }
    let path = call.record.and_then(|record| record.text(&["requestParameters", "path"]));
    if let Some(path) = path {
        let path = path.strip_prefix('/').filter(|rest| rest.is_empty() || rest.ends_with('/'))?;
        return Some(format!("{path}{name}"));
    }
    let has_none = call.event == made_by || matches!(kind, "AWS::IAM::Group" | "AWS::IAM::User");
    has_none.then(|| name.to_owned())
}
