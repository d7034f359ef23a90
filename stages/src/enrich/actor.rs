//! Who acted, in words that do not depend on how CloudTrail writes each kind of identity.
//!
//! With what program they acted is in `via`, and from where in `source`.

use super::tables::Own;
use crate::model::{DerivedValues, Record, parse_time};

/// What CloudTrail writes where somebody mistyped, since it may be a password.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// How the names of roles begin that services make for themselves.
const SERVICE_LINKED: &str = "AWSServiceRoleFor";

/// How the names of roles begin by which IAM Identity Center lets people in.
const IDENTITY_CENTER: &str = "AWSReservedSSO_";

/// What stood for the console where a service that calls is named, until about 2020: a person's hand.
pub(super) const CONSOLE: &str = "signin.amazonaws.com";

/// `askance.actor.kind`.
pub(super) fn kind(record: &Record<'_>, into: &mut DerivedValues) {
    let kind = record.text(&["userIdentity", "type"]);
    let invoked_by = record.text(&["userIdentity", "invokedBy"]);
    into.text(match kind {
        Some("Root") => "root",
        Some("IAMUser") => "user",
        Some("AssumedRole" | "Role") => "role",
        Some("FederatedUser" | "SAMLUser" | "WebIdentityUser" | "Directory") => "federated",
        Some("IdentityCenterUser") => "identity_center",
        Some("AWSService") => "service",
        Some("AWSAccount") => "account",
        // Some services' own acts have an identity with nothing but `invokedBy`.
        None if invoked_by.is_some() => "service",
        Some(_) | None => "unknown",
    });
}

/// `askance.actor.name`.
pub(super) fn name(record: &Record<'_>, into: &mut DerivedValues) {
    let of = |key| record.text(&["userIdentity", key]).filter(|text| is_told(text));
    let user = || of("userName");
    let name = match of("type") {
        Some("Root") => Some("root"),
        Some("AssumedRole") => behind(of("arn"), ":assumed-role/").or_else(|| of("principalId")),
        Some("Role") => behind(of("arn"), ":role/").or_else(|| of("principalId")),
        Some("FederatedUser") => behind(of("arn"), ":federated-user/").or_else(user),
        Some("IAMUser") => user().or_else(|| behind(of("arn"), ":user/")),
        Some("AWSService") => of("invokedBy"),
        Some("AWSAccount") => of("accountId"),
        Some("IdentityCenterUser") => user().or_else(|| on_behalf_of(record)),
        Some(_) => user().or_else(|| of("principalId")),
        None => of("invokedBy"),
    };
    name.into_iter().for_each(|name| into.text(name));
}

/// `askance.actor.human`.
pub(super) fn human(record: &Record<'_>, into: &mut DerivedValues) {
    let source = record.text(&["userIdentity", "sessionContext", "sourceIdentity"]);
    let is_from_console = record.text(&["sessionCredentialFromConsole"]) == Some("true");
    let user = || record.text(&["userIdentity", "userName"]);
    let human = source.or_else(|| match record.text(&["userIdentity", "type"]) {
        Some("AssumedRole") => person_of_session(record).or_else(|| on_behalf_of(record)),
        Some("SAMLUser" | "Directory") => user(),
        Some("IdentityCenterUser") => user().or_else(|| on_behalf_of(record)),
        Some("IAMUser") if is_from_console => user(),
        Some(_) | None => on_behalf_of(record),
    });
    human.filter(|text| is_told(text)).into_iter().for_each(|human| into.text(human));
}

/// A session's name is chosen by whoever begins it. It is a person's where Identity Center chose it, and
/// is taken for one where it is an address.
fn person_of_session<'r>(record: &Record<'r>) -> Option<&'r str> {
    let (role, session) =
        behind(record.text(&["userIdentity", "arn"]), ":assumed-role/")?.split_once('/')?;
    let is_address =
        session.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    (role.starts_with(IDENTITY_CENTER) || is_address).then_some(session)
}

fn on_behalf_of<'r>(record: &Record<'r>) -> Option<&'r str> {
    record.text(&["userIdentity", "onBehalfOf", "userId"])
}

/// `askance.actor.is_aws_service`.
pub(super) fn is_aws_service(record: &Record<'_>, into: &mut DerivedValues) {
    let of = |key| record.text(&["userIdentity", key]);
    let is_linked =
        behind(of("arn"), ":assumed-role/").is_some_and(|role| role.starts_with(SERVICE_LINKED));
    let is_invoked = of("invokedBy").is_some_and(|by| is_aws(by) && by != CONSOLE);
    into.bool(of("type") == Some("AWSService") || is_linked || is_invoked);
}

/// True for what stands for AWS itself where a caller is named.
pub(super) fn is_aws(caller: &str) -> bool {
    caller.ends_with(".amazonaws.com")
        || caller == "AWS Internal"
        || caller.starts_with("AWS Internal/")
}

/// `askance.actor.has_mfa`.
pub(super) fn has_mfa(record: &Record<'_>, into: &mut DerivedValues) {
    let session = ["userIdentity", "sessionContext"];
    let told = record.text(&[session[0], session[1], "attributes", "mfaAuthenticated"]);
    let at_sign_in = record.text(&["additionalEventData", "MFAUsed"]);
    let is_long_term = record.at(&session).is_none()
        && record.text(&["userIdentity", "accessKeyId"]).is_some_and(|key| key.starts_with("AKIA"));
    match (at_sign_in, told) {
        (Some(used), _) => into.bool(used.eq_ignore_ascii_case("yes")),
        (None, Some(told)) => into.bool(told == "true"),
        // A key that is no session's cannot carry it.
        (None, None) if is_long_term => into.bool(false),
        (None, None) => {}
    }
}

/// `askance.actor.session_age_seconds`.
pub(super) fn session_age(record: &Record<'_>, into: &mut DerivedValues) {
    let path = ["userIdentity", "sessionContext", "attributes", "creationDate"];
    let began = record.text(&path).and_then(parse_time);
    let happened = record.text(&["eventTime"]).and_then(parse_time);
    if let (Some(began), Some(happened)) = (began, happened) {
        // Clocks differ a little.
        into.number((happened.as_second() - began.as_second()).max(0));
    }
}

/// `askance.actor.is_foreign`.
pub(super) fn is_foreign(record: &Record<'_>, own: Own<'_>, into: &mut DerivedValues) {
    if let Some(account) = record.text(&["userIdentity", "accountId"]) {
        into.bool(!own.has_listed(account));
    }
}

/// What stands behind a mark in an ARN.
fn behind<'r>(arn: Option<&'r str>, mark: &str) -> Option<&'r str> {
    arn?.split_once(mark).map(|(_, name)| name)
}

/// False for what stands where nothing is told.
fn is_told(text: &str) -> bool {
    !text.is_empty() && text != HIDDEN
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{derive, derive_with, show};
    use super::super::{Account, Enrich, Tables, TablesConfig};
    use super::HIDDEN;
    use crate::model::{Derived, Field};

    #[track_caller]
    fn check(identity: &serde_json::Value, expected: &str) {
        let found = derive(Field::ActorKind, &json!({ "userIdentity": identity }));
        assert_eq!(found.found, [Derived::Text(expected.to_owned())]);
    }

    #[test]
    fn each_kind_of_identity_has_a_word() {
        for (kind, expected) in [
            ("Root", "root"),
            ("IAMUser", "user"),
            ("AssumedRole", "role"),
            ("SAMLUser", "federated"),
            ("IdentityCenterUser", "identity_center"),
            ("AWSService", "service"),
            ("AWSAccount", "account"),
            ("Unknown", "unknown"),
            ("a new one", "unknown"),
        ] {
            check(&json!({ "type": kind }), expected);
        }
        check(&json!({ "invokedBy": "config.amazonaws.com" }), "service");
        check(&json!({}), "unknown");
    }

    #[track_caller]
    fn check_field(field: Field, record: &serde_json::Value, expected: &str) {
        assert_eq!(show(&derive(field, record)), expected, "{record}");
    }

    fn role(name: &str) -> serde_json::Value {
        let arn = format!("arn:aws:sts::111122223333:assumed-role/{name}");
        json!({ "userIdentity": { "type": "AssumedRole", "arn": arn } })
    }

    #[test]
    fn each_kind_of_identity_has_a_name() {
        for (identity, expected) in [
            (json!({ "type": "Root", "userName": "alias", "accountId": "1" }), "root"),
            (json!({ "type": "IAMUser", "userName": "mei" }), "mei"),
            (json!({ "type": "IAMUser", "arn": "arn:aws:iam::1:user/team/mei" }), "team/mei"),
            (json!({ "type": "IAMUser", "userName": HIDDEN }), ""),
            (role("deploy/i-1")["userIdentity"].clone(), "deploy/i-1"),
            (json!({ "type": "FederatedUser", "arn": "arn:aws:sts::1:federated-user/mei" }), "mei"),
            (json!({ "type": "SAMLUser", "userName": "mei", "principalId": "x:y" }), "mei"),
            (json!({ "type": "IdentityCenterUser", "onBehalfOf": { "userId": "u-1" } }), "u-1"),
            (
                json!({ "type": "AWSService", "invokedBy": "ec2.amazonaws.com" }),
                "ec2.amazonaws.com",
            ),
            (json!({ "type": "AWSAccount", "accountId": "444455556666" }), "444455556666"),
            (json!({ "invokedBy": "config.amazonaws.com" }), "config.amazonaws.com"),
            (json!({ "type": "Unknown", "principalId": "p" }), "p"),
            (json!({}), ""),
        ] {
            check_field(Field::ActorName, &json!({ "userIdentity": identity }), expected);
        }
    }

    #[test]
    fn people_are_found_behind_sessions() {
        let human = |record: &serde_json::Value, expected: &str| {
            check_field(Field::ActorHuman, record, expected);
        };
        human(&role("AWSReservedSSO_Developer_0123456789abcdef/mei"), "mei");
        human(&role("admin/mei@example.com"), "mei@example.com");
        human(&role("deploy/i-0123456789abcdef0"), "");
        let mut with_source = role("deploy/i-1");
        with_source["userIdentity"]["sessionContext"] = json!({ "sourceIdentity": "mei" });
        human(&with_source, "mei");
        let mut user = json!({ "userIdentity": { "type": "IAMUser", "userName": "mei" } });
        human(&user, "");
        user["sessionCredentialFromConsole"] = json!("true");
        human(&user, "mei");
    }

    #[test]
    fn services_are_known_by_each_of_their_signs() {
        let is_service = |record: &serde_json::Value, expected: &str| {
            check_field(Field::ActorIsAwsService, record, expected);
        };
        is_service(&role("AWSServiceRoleForRDS/x"), "true");
        is_service(&role("deploy/AWSServiceRoleForRDS"), "false");
        is_service(&json!({ "userIdentity": { "type": "AWSService" } }), "true");
        let invoked = |by: &str| json!({ "userIdentity": { "type": "IAMUser", "invokedBy": by } });
        is_service(&invoked("cloudformation.amazonaws.com"), "true");
        is_service(&invoked(super::CONSOLE), "false");
        is_service(&invoked("AWS Internal"), "true");
        is_service(&invoked("amazonaws.com.example.com"), "false");
    }

    #[test]
    fn mfa_and_age_come_from_the_session() {
        let attributes =
            json!({ "mfaAuthenticated": "true", "creationDate": "2026-11-24T01:00:00Z" });
        let record = json!({
            "eventTime": "2026-11-24T02:00:05Z",
            "userIdentity": { "sessionContext": { "attributes": attributes } },
        });
        check_field(Field::ActorHasMfa, &record, "true");
        check_field(Field::ActorSessionAge, &record, "3605");
        let key =
            json!({ "userIdentity": { "type": "IAMUser", "accessKeyId": "AKIAIOSFODNN7EXAMPLE" } });
        check_field(Field::ActorHasMfa, &key, "false");
        check_field(Field::ActorSessionAge, &key, "");
        check_field(
            Field::ActorHasMfa,
            &json!({ "additionalEventData": { "MFAUsed": "Yes" } }),
            "true",
        );
        check_field(Field::ActorHasMfa, &json!({}), "");
    }

    #[test]
    fn callers_of_other_accounts_are_foreign_unless_known() {
        let account = Account { id: "444455556666".to_owned(), ..Account::default() };
        let config = TablesConfig {
            accounts: vec![account],
            organizations: Vec::new(),
            ..TablesConfig::default()
        };
        let known = Enrich { tables: Tables::from_config(config).unwrap() };
        for (caller, without, with) in [
            ("111122223333", "false", "false"),
            ("444455556666", "true", "false"),
            ("999988887777", "true", "true"),
            ("ANONYMOUS_PRINCIPAL", "true", "true"),
        ] {
            let record = json!({
                "recipientAccountId": "111122223333", "userIdentity": { "accountId": caller },
            });
            check_field(Field::ActorIsForeign, &record, without);
            assert_eq!(show(&derive_with(&known, Field::ActorIsForeign, "", &record)), with);
        }
    }
}
