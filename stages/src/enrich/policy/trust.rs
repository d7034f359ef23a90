//! Whom a role's trust lets in that signs in elsewhere: providers of OpenID Connect.
//!
//! A provider such as GitHub signs tokens for everybody. A trust that does not say for whom (`sub`, or
//! what says as much) lets in everybody who has an account there.

use super::statement::{Condition, Statement};

/// The call by which such a token is changed for credentials.
const CALL: &str = "sts:assumerolewithwebidentity";

/// Claims of GitHub's tokens that name a repository or its owner.
const GITHUB_CLAIMS: [&str; 6] = [
    "sub",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "job_workflow_ref",
];

/// Providers of whose tokens the recipient says enough: it is one's own application.
const BY_APPLICATION: [&str; 4] = [
    "accounts.google.com",
    "cognito-identity.amazonaws.com",
    "graph.facebook.com",
    "www.amazon.com",
];

/// Providers that a statement trusts whoever they sign for.
pub(super) fn open_providers(statement: &Statement) -> Vec<&str> {
    let is_call = |action: &String| {
        let start = action.strip_suffix('*');
        start.map_or(action == CALL, |start| CALL.starts_with(start))
    };
    if !statement.allows || !statement.actions.iter().any(is_call) {
        return Vec::new();
    }
    let federated = statement.principals.iter().flatten().filter(|one| one.kind == "federated");
    let hosts = federated.filter_map(|one| provider(&one.name));
    hosts
        .filter(|host| !statement.conditions.iter().any(|condition| names_someone(condition, host)))
        .collect()
}

/// The provider's address, as keys of conditions begin; `None` for what is no OpenID Connect.
fn provider(name: &str) -> Option<&str> {
    match name.split_once(":oidc-provider/") {
        Some((_, host)) => Some(host),
        None => Some(name).filter(|name| BY_APPLICATION.contains(name)),
    }
}

fn names_someone(condition: &Condition, host: &str) -> bool {
    if condition.keeps_strangers_out() {
        return true;
    }
    let operator = condition.operator.strip_prefix("foranyvalue:").unwrap_or(&condition.operator);
    let is_like = operator == "stringlike";
    if !is_like && !matches!(operator, "stringequals" | "stringequalsignorecase") {
        return false;
    }
    let host = host.to_ascii_lowercase();
    let claim = condition.key.strip_prefix(&host).and_then(|rest| rest.strip_prefix(':'));
    let Some(claim) = claim.filter(|claim| says_who(&host, claim)) else { return false };
    let is_someone = |value: &String| {
        let is_open = value.contains("${") || is_like && !is_someone(claim, value);
        !value.is_empty() && !is_open
    };
    !condition.values.is_empty() && condition.values.iter().all(is_someone)
}

fn says_who(host: &str, claim: &str) -> bool {
    match host {
        "token.actions.githubusercontent.com" => GITHUB_CLAIMS.contains(&claim),
        _ if BY_APPLICATION.contains(&host) => matches!(claim, "sub" | "aud" | "oaud" | "app_id"),
        _ => claim == "sub",
    }
}

/// True if what stands before the first `*` names somebody: `repo:owner/*` does, `repo:*` and `repo:own*`
/// do not.
fn is_someone(claim: &str, value: &str) -> bool {
    let fixed = value.split(['*', '?']).next().unwrap_or_default();
    if fixed.len() == value.len() {
        return true;
    }
    // Before the name stands what is named, in tokens of GitHub, GitLab, Terraform and Kubernetes.
    let name = match (claim, fixed.strip_prefix("system:serviceaccount:")) {
        (_, Some(name)) => name,
        ("sub", None) => fixed.split_once(':').map_or("", |(_, name)| name),
        (_, None) => fixed,
    };
    name.find(['/', ':']).is_some_and(|end| end > 0)
}
