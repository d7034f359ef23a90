//! Who did it, and what makes an event the same event.

use sha2::{Digest, Sha256};

use crate::model::{Actor, Record, hex};

/// The actor as far as the record tells.
#[must_use]
pub fn actor(record: &Record<'_>) -> Actor {
    let own = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let user = |name: &str| record.text(&["userIdentity", name]);
    let kind = user("type");
    let arn = user("arn");
    let issuer =
        |name: &str| record.text(&["userIdentity", "sessionContext", "sessionIssuer", name]);
    let arn_parts = arn.and_then(|arn| arn.splitn(6, ':').nth(5)).unwrap_or_default();
    let (name, session) = match kind {
        Some("Root") => (Some("root"), None),
        Some("AssumedRole") => {
            let mut steps = arn_parts.trim_start_matches("assumed-role/").splitn(2, '/');
            let (role, session) = (steps.next().filter(|role| !role.is_empty()), steps.next());
            let principal = user("principalId").and_then(|id| id.split_once(':')).map(|(_, s)| s);
            (issuer("userName").or(role), session.or(principal))
        }
        Some("FederatedUser") => {
            let federated = arn_parts.strip_prefix("federated-user/");
            (issuer("userName").or(federated), federated)
        }
        Some("AWSService") => (user("invokedBy"), None),
        Some("AWSAccount") => (user("accountId").or_else(|| user("principalId")), None),
        Some("IdentityCenterUser") => {
            let on_behalf = record.text(&["userIdentity", "onBehalfOf", "userId"]);
            (user("userName").or(on_behalf), None)
        }
        _ => (user("userName").or_else(|| arn_parts.rsplit('/').next()), None),
    };
    // A console sign-in that failed hides the name; services that act alone have only `invokedBy`.
    let hidden = "HIDDEN_DUE_TO_SECURITY_REASONS";
    let name = name.filter(|name| *name != hidden && !name.is_empty());
    Actor {
        kind: own(kind),
        name: own(name.or_else(|| user("invokedBy")).or_else(|| user("principalId"))),
        arn: own(arn),
        account: own(user("accountId").or_else(|| issuer("accountId"))),
        session: own(session),
    }
}

/// What makes an event the same event: `eventID` and account, or a hash of the record where one of
/// them is missing. `json` gives the record as compact JSON.
pub fn event_identity(
    record: &Record<'_>,
    account: Option<&str>,
    json: impl FnOnce() -> String,
) -> String {
    let event_id = record.text(&["eventID"]).filter(|id| !id.is_empty());
    match (event_id, account) {
        (Some(event_id), Some(account)) => format!("{event_id}/{account}"),
        _ => hex(&Sha256::digest(json().as_bytes())),
    }
}
