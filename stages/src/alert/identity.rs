//! Who did it, and what makes an event the same event.

use sha2::{Digest, Sha256};

use crate::model::{Actor, Record, hex};

/// An [`Actor`] whose texts are the record's own.
#[derive(Debug, Clone, Copy)]
pub(super) struct ActorOf<'r> {
    pub(super) kind: Option<&'r str>,
    pub(super) name: Option<&'r str>,
    pub(super) arn: Option<&'r str>,
    pub(super) account: Option<&'r str>,
    pub(super) session: Option<&'r str>,
}

/// The actor as far as the record tells.
#[must_use]
pub fn actor(record: &Record<'_>) -> Actor {
    let ActorOf { kind, name, arn, account, session } = actor_of(record);
    let [kind, name, arn, account, session] =
        [kind, name, arn, account, session].map(|text| text.map(str::to_owned));
    Actor { kind, name, arn, account, session }
}

/// The same without an allocation.
pub(super) fn actor_of<'r>(record: &Record<'r>) -> ActorOf<'r> {
    let user = record.at(&["userIdentity"]);
    let texts = ["type", "arn", "userName", "principalId", "accountId", "invokedBy"];
    let [kind, arn, user_name, principal_id, account_id, invoked_by] =
        record.members_named(user, texts).map(|at| record.text_at(at?));
    let [session_context, on_behalf_of] =
        record.members_named(user, ["sessionContext", "onBehalfOf"]);
    let within = |object: Option<usize>, name: &str| record.text_at(record.member(object?, name)?);
    let session_issuer = session_context.and_then(|at| record.member(at, "sessionIssuer"));
    let issuer = |name: &str| within(session_issuer, name);
    let arn_parts = arn.and_then(|arn| arn.splitn(6, ':').nth(5)).unwrap_or_default();
    let (name, session) = match kind {
        Some("Root") => (Some("root"), None),
        Some("AssumedRole") => {
            let mut steps = arn_parts.trim_start_matches("assumed-role/").splitn(2, '/');
            let (role, session) = (steps.next().filter(|role| !role.is_empty()), steps.next());
            let principal = || principal_id.and_then(|id| id.split_once(':'));
            let session = session.or_else(|| principal().map(|(_, session)| session));
            (issuer("userName").or(role), session)
        }
        Some("FederatedUser") => {
            let federated = arn_parts.strip_prefix("federated-user/");
            (issuer("userName").or(federated), federated)
        }
        Some("AWSService") => (invoked_by, None),
        Some("AWSAccount") => (account_id.or(principal_id), None),
        Some("IdentityCenterUser") => (user_name.or_else(|| within(on_behalf_of, "userId")), None),
        _ => (user_name.or_else(|| arn_parts.rsplit('/').next()), None),
    };
    let own = |text: Option<&'r str>| text.filter(|text| !text.is_empty());
    // A console sign-in that failed hides the name; services that act alone have only `invokedBy`.
    let hidden = "HIDDEN_DUE_TO_SECURITY_REASONS";
    let name = own(name.filter(|name| *name != hidden));
    let name = name.or(invoked_by).or(principal_id);
    ActorOf {
        kind: own(kind),
        name: own(name),
        arn: own(arn),
        account: own(account_id.or_else(|| issuer("accountId"))),
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
