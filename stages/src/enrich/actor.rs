//! Who acted, in words that do not depend on how CloudTrail writes each kind of identity.

use crate::model::{DerivedValues, Record};

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::derive;
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
}
