//! What is known besides the records: one's own accounts and organisations, as the configuration and
//! the file of accounts tell them.

use std::collections::BTreeMap;
use std::path::Path;

use askance_stages::enrich::{Account, Enrich, Tables, TablesConfig};
use askance_stages::raise::AccountFacts;
use askance_stages::yaml;

/// Reads a file of accounts: `"111122223333": {name: ..., ou: ..., owner: ..., environment: ...,
/// tags: {...}}`.
///
/// # Errors
/// Everything that is wrong with it, a line each, with file, line and key.
pub fn accounts(path: &Path) -> Result<Vec<Account>, Vec<String>> {
    let failed = |fault: yaml::Fault| format!("{}:{fault}", path.display());
    let text = std::fs::read_to_string(path)
        .map_err(|error| vec![format!("cannot read accounts {}: {error}", path.display())])?;
    let node = yaml::parse_one(&text)
        .map_err(|faults| faults.into_iter().map(failed).collect::<Vec<_>>())?;
    let top = node.mapping().map_err(|fault| vec![failed(fault)])?;
    let (mut accounts, mut faults) = (Vec::new(), Vec::new());
    for entry in &top.entries {
        match account(&entry.key, &entry.value) {
            Ok(account) => accounts.push(account),
            Err(found) => faults.extend(found.into_iter().map(failed)),
        }
    }
    if faults.is_empty() { Ok(accounts) } else { Err(faults) }
}

fn account(id: &str, node: &yaml::Node) -> Result<Account, Vec<yaml::Fault>> {
    let one = |fault| vec![fault];
    let mapping = node.mapping().map_err(one)?;
    let unknown = mapping.unknown_keys(&["name", "ou", "owner", "environment", "tags"]);
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let text = |key: &str| {
        let value = mapping.get_some(key);
        value.map(|node| node.text().map(str::to_owned).map_err(one)).transpose()
    };
    let mut account = Account {
        id: id.to_owned(),
        name: text("name")?,
        owner: text("owner")?,
        environment: text("environment")?,
        ou: text("ou")?,
        tags: BTreeMap::new(),
    };
    if let Some(tags) = mapping.get_some("tags") {
        for tag in &tags.mapping().map_err(one)?.entries {
            let value = tag.value.text().map_err(one)?;
            account.tags.insert(tag.key.clone(), value.to_owned());
        }
    }
    Ok(account)
}

/// What routes and messages tell of accounts.
pub fn facts(accounts: &[Account]) -> BTreeMap<String, AccountFacts> {
    let facts = |account: &Account| AccountFacts {
        name: account.name.clone(),
        ou: account.ou.clone(),
        tags: account.tags.clone(),
    };
    accounts.iter().map(|account| (account.id.clone(), facts(account))).collect()
}

/// Works out the fields of rules with what is known.
///
/// # Errors
/// A line for each account and organisation that is none.
pub fn enrich(accounts: Vec<Account>, organizations: &[String]) -> Result<Enrich, Vec<String>> {
    let config = TablesConfig { accounts, organizations: organizations.to_vec() };
    match Tables::from_config(config) {
        Ok(tables) => Ok(Enrich { tables }),
        Err(errors) => Err(errors.iter().map(ToString::to_string).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_and_faults_told_with_their_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.yaml");
        let text = "\"111122223333\": {name: media, ou: prod, owner: video team, environment: production, \
                    tags: {team: video}}";
        std::fs::write(&path, text).unwrap();
        let read = accounts(&path).unwrap();
        assert_eq!(read[0].owner.as_deref(), Some("video team"));
        assert_eq!(facts(&read)["111122223333"].tags["team"], "video");
        assert!(enrich(read, &["o-exampleorgid".to_owned()]).is_ok());
        std::fs::write(&path, "a: {nmae: x}\nb: 5\n").unwrap();
        let faults = accounts(&path).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].contains("accounts.yaml:1:5: unknown key \"nmae\""), "{faults:?}");
        std::fs::write(&path, "12: {name: x}\n").unwrap();
        let faults = enrich(accounts(&path).unwrap(), &["ou-1".to_owned()]).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
    }
}
