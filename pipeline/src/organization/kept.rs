//! The file in which the last good answer is kept, and what it adds to accounts that are listed by hand.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use askance_stages::enrich::Account;
use serde::{Deserialize, Serialize};

/// One account; its id is its key.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Kept {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ou: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

/// Reads the file; `None` if there is none yet.
///
/// # Errors
/// In words, with the file and what to do.
pub fn read(path: &Path) -> Result<Option<Vec<Account>>, String> {
    let told = |why: &dyn std::fmt::Display| {
        let path = path.display();
        format!("cannot use accounts {path}: {why} (remove the file: it is made anew)")
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(&error)),
    };
    let kept: BTreeMap<String, Kept> = serde_json::from_str(&text).map_err(|error| told(&error))?;
    let account = |(id, kept): (String, Kept)| Account {
        id,
        name: kept.name,
        owner: kept.owner,
        environment: kept.environment,
        ou: kept.ou,
        tags: kept.tags,
    };
    Ok(Some(kept.into_iter().map(account).collect()))
}

/// Writes the file, whole or not at all. A file that says the same already stays as it is, so that
/// nobody takes it for a new one.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, accounts: &[Account]) -> io::Result<()> {
    let kept = |account: &Account| Kept {
        name: account.name.clone(),
        ou: account.ou.clone(),
        owner: account.owner.clone(),
        environment: account.environment.clone(),
        tags: account.tags.clone(),
    };
    let kept: BTreeMap<&str, Kept> =
        accounts.iter().map(|account| (account.id.as_str(), kept(account))).collect();
    let text = serde_json::to_string_pretty(&kept)? + "\n";
    if std::fs::read_to_string(path).is_ok_and(|before| before == text) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Adds what is listed to what was written by hand, which says more and goes before it.
pub fn fill(by_hand: Vec<Account>, listed: Vec<Account>) -> Vec<Account> {
    let mut listed: BTreeMap<String, Account> =
        listed.into_iter().map(|account| (account.id.clone(), account)).collect();
    let mut all: Vec<Account> = Vec::with_capacity(by_hand.len() + listed.len());
    for account in by_hand {
        // One that is written twice is told of elsewhere; both stay.
        let more = listed.remove(&account.id).unwrap_or_default();
        let mut tags = more.tags;
        tags.extend(account.tags);
        all.push(Account {
            id: account.id,
            name: account.name.or(more.name),
            owner: account.owner.or(more.owner),
            environment: account.environment.or(more.environment),
            ou: account.ou.or(more.ou),
            tags,
        });
    }
    all.extend(listed.into_values());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str, name: &str, tags: &[(&str, &str)]) -> Account {
        let tag = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Account {
            id: id.to_owned(),
            name: Some(name.to_owned()),
            tags: tags.iter().map(tag).collect(),
            ..Account::default()
        }
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.json");
        assert_eq!(read(&path), Ok(None));
        let mut accounts = vec![account("111122223333", "shop", &[("team", "x")])];
        accounts.push(Account {
            owner: Some("team-a".to_owned()),
            environment: Some("prod".to_owned()),
            ou: Some("workloads/prod".to_owned()),
            ..account("444455556666", "日本 \"quoted\"", &[])
        });
        write(&path, &accounts).unwrap();
        assert_eq!(read(&path), Ok(Some(accounts.clone())));
        let written = |path: &Path| std::fs::metadata(path).unwrap().modified().unwrap();
        let before = written(&path);
        write(&path, &accounts).unwrap();
        assert_eq!(written(&path), before, "the same is not written again");
        write(&path, &accounts[..1]).unwrap();
        assert_eq!(read(&path).unwrap().unwrap().len(), 1);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_damaged_file_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.json");
        for text in ["", "{\"111122223333\": {\"nmae\": 1}}", "[]"] {
            std::fs::write(&path, text).unwrap();
            let told = read(&path).unwrap_err();
            assert!(told.contains("accounts.json") && told.contains("remove the file"), "{told}");
        }
    }

    #[test]
    fn what_was_written_by_hand_goes_before_what_is_listed() {
        let by_hand = vec![
            Account { name: None, ..account("111122223333", "", &[("team", "hand")]) },
            account("777788889999", "partner", &[]),
        ];
        let listed = vec![
            account("111122223333", "listed", &[("team", "listed"), ("cost", "7")]),
            account("444455556666", "other", &[]),
        ];
        let all = fill(by_hand, listed);
        let ids: Vec<_> = all.iter().map(|account| account.id.as_str()).collect();
        assert_eq!(ids, ["111122223333", "777788889999", "444455556666"]);
        assert_eq!(all[0], account("111122223333", "listed", &[("cost", "7"), ("team", "hand")]));
    }
}
