//! What is known of the account that a record is of: the fields under `askance.account.`.
//!
//! All of it comes from the tables; of an account that is not in them every field is absent.

use super::tables::{Account, Tables};
use crate::model::{DerivedValues, Record};

/// One of the account's properties.
pub(super) fn property(
    record: &Record<'_>,
    tables: &Tables,
    into: &mut DerivedValues,
    property: impl FnOnce(&Account) -> Option<&str>,
) {
    if let Some(text) = known(record, tables).and_then(property) {
        into.text(text);
    }
}

fn known<'t>(record: &Record<'_>, tables: &'t Tables) -> Option<&'t Account> {
    // As elsewhere: the account that was acted in, else the one that acted.
    let id = record.text(&["recipientAccountId"]);
    tables.account(id.or_else(|| record.text(&["userIdentity", "accountId"]))?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::super::tests::{derive_with, show};
    use super::super::{Account, Enrich, Tables, TablesConfig};
    use crate::model::Field;

    #[test]
    fn known_accounts_have_properties() {
        let account = Account {
            id: "111122223333".to_owned(),
            name: Some("shop".to_owned()),
            owner: Some("team-shop@example.com".to_owned()),
            environment: Some("production".to_owned()),
            ou: None,
            tags: BTreeMap::from([("cost.center".to_owned(), "42".to_owned())]),
        };
        let config = TablesConfig {
            accounts: vec![account],
            organizations: Vec::new(),
            ..TablesConfig::default()
        };
        let enrich = Enrich { tables: Tables::from_config(config).unwrap() };
        let check = |field, rest: &str, account: &str, expected: &str| {
            let event = json!({ "recipientAccountId": account });
            assert_eq!(show(&derive_with(&enrich, field, rest, &event)), expected);
        };
        check(Field::AccountName, "", "111122223333", "shop");
        check(Field::AccountOwner, "", "111122223333", "team-shop@example.com");
        check(Field::AccountEnvironment, "", "111122223333", "production");
        check(Field::AccountOu, "", "111122223333", "");
        check(Field::AccountTag, "cost.center", "111122223333", "42");
        check(Field::AccountTag, "cost", "111122223333", "");
        check(Field::AccountName, "", "444455556666", "");
    }
}
