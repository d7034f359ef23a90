//! What is known besides the records: one's own accounts and organisations, networks, addresses, and what
//! was seen before, as the configuration and its files tell it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use askance_stages::enrich::{Account, Baseline, Enrich, Tables, TablesConfig};
use askance_stages::model::utc;
use askance_stages::raise::AccountFacts;
use askance_stages::sigma::Ended;
use askance_stages::yaml;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::baseline::Held;
use crate::config::{Config, GeoConfig};
use crate::geo;
use crate::lists::Lists;
use crate::organization;

/// Reads a file of accounts: `"111122223333": {name: ..., ou: ..., owner: ..., environment: ...,
/// tags: {...}}`.
///
/// # Errors
/// Everything that is wrong with it, a line each, with file, line and key.
fn accounts(path: &Path) -> Result<Vec<Account>, Vec<String>> {
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
fn facts(accounts: &[Account]) -> BTreeMap<String, AccountFacts> {
    let facts = |account: &Account| AccountFacts {
        name: account.name.clone(),
        ou: account.ou.clone(),
        tags: account.tags.clone(),
    };
    accounts.iter().map(|account| (account.id.clone(), facts(account))).collect()
}

/// Reads a baseline.
///
/// # Errors
/// In words, with the file and what to do.
pub fn baseline(path: &Path) -> Result<Baseline, String> {
    let told = |error: &dyn std::fmt::Display| format!("baseline {}: {error}", path.display());
    let bytes = std::fs::read(path).map_err(|error| told(&error))?;
    Baseline::read(&bytes).map_err(|error| told(&error))
}

/// Where a baseline comes from.
#[derive(Debug, Clone)]
pub enum BaselineFrom {
    /// A file.
    File(PathBuf),
    /// An object that somebody else reads; `None`: it is not here yet.
    Held(Held),
}

impl BaselineFrom {
    /// Reads it; `None` if it is not here yet. `is_made`: the service makes it.
    fn read(&self, is_made: bool) -> Result<Held, String> {
        match self {
            Self::File(path) if is_made && !path.exists() => Ok(None),
            Self::File(path) => baseline(path).map(|read| Some(Arc::new(read))),
            Self::Held(held) => Ok(held.clone()),
        }
    }

    fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Held(_) => None,
        }
    }
}

/// Where what is known besides the records stands.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// A file of accounts.
    pub accounts: Option<PathBuf>,
    /// The file in which accounts are kept as AWS Organizations lists them; it may not be there yet.
    pub listed: Option<PathBuf>,
    /// Ids of organisations.
    pub organizations: Vec<String>,
    /// Files of networks, by the name of their list.
    pub networks: BTreeMap<String, PathBuf>,
    /// Files of user agents, by the name of their list.
    pub user_agents: BTreeMap<String, PathBuf>,
    /// A baseline.
    pub baseline: Option<BaselineFrom>,
    /// The service makes the baseline: until it has, there may be none.
    pub is_baseline_made: bool,
    /// Databases of addresses.
    pub geo: GeoConfig,
}

/// What is known, read.
#[derive(Debug, Default)]
pub struct Known {
    /// Works out the fields of rules.
    pub enrich: Enrich,
    /// For routes and messages.
    pub accounts: BTreeMap<String, AccountFacts>,
    /// Values of lists that do not hold any more.
    pub ended: Vec<Ended>,
    /// Some values end later.
    pub has_ends: bool,
}

impl Known {
    /// Reads lists; what is wrong is added to `faults`.
    fn lists(
        &mut self,
        (what, files): (&str, &BTreeMap<String, PathBuf>),
        today: Date,
        faults: &mut Vec<String>,
    ) -> BTreeMap<String, Vec<String>> {
        let mut all = BTreeMap::new();
        for (name, path) in files {
            let mut lists = Lists::default();
            match lists.read(path, today) {
                Ok(()) => {
                    all.insert(name.clone(), lists.values.into_values().flatten().collect());
                    self.ended.extend(lists.ended);
                    self.has_ends |= lists.has_ends;
                }
                Err(why) => faults.push(format!("{what} {}: {why}", path.display())),
            }
        }
        all
    }
}

impl Context {
    /// Of a configuration.
    pub fn of(config: &Config) -> Self {
        Self {
            accounts: config.alerts.accounts.clone(),
            listed: config.enrich.accounts.as_ref().map(|accounts| accounts.file.clone()),
            organizations: config.enrich.organizations.clone(),
            networks: config.enrich.networks.clone(),
            user_agents: config.enrich.user_agents.clone(),
            baseline: config.enrich.baseline.as_ref().map(|baseline| match baseline.object() {
                Some(_) => BaselineFrom::Held(None),
                None => BaselineFrom::File(baseline.path.clone()),
            }),
            is_baseline_made: (config.enrich.baseline.as_ref())
                .is_some_and(|baseline| baseline.rebuild.is_some()),
            geo: config.enrich.geo.clone(),
        }
    }

    /// The same, with what an object held that the configuration names; nothing else if it names none.
    #[must_use]
    pub fn with_held(mut self, held: &Held) -> Self {
        if let Some(BaselineFrom::Held(here)) = &mut self.baseline {
            here.clone_from(held);
        }
        self
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// A line for each thing that is wrong.
    pub fn read(&self, now: Timestamp) -> Result<Known, Vec<String>> {
        let mut known = Known::default();
        let mut faults = Vec::new();
        let accounts = match self.accounts.as_deref().map(accounts) {
            Some(Ok(accounts)) => accounts,
            Some(Err(lines)) => {
                faults.extend(lines);
                Vec::new()
            }
            None => Vec::new(),
        };
        let listed = match self.listed.as_deref().map(organization::read) {
            Some(Ok(listed)) => listed.unwrap_or_default(),
            Some(Err(line)) => {
                faults.push(line);
                Vec::new()
            }
            None => Vec::new(),
        };
        let accounts = organization::fill(accounts, listed);
        known.accounts = facts(&accounts);
        let today = utc(now).date();
        let networks = known.lists(("networks", &self.networks), today, &mut faults);
        let user_agents = known.lists(("user agents", &self.user_agents), today, &mut faults);
        let organizations = self.organizations.clone();
        let config = TablesConfig { accounts, organizations, networks, user_agents };
        let tables = Tables::from_config(config);
        let baseline = match &self.baseline {
            Some(from) => from.read(self.is_baseline_made),
            None => Ok(None),
        };
        let geo = geo::read(&self.geo);
        match (tables, baseline, geo) {
            (Ok(tables), Ok(baseline), Ok(geo)) => {
                let tables = tables.with_geo(geo);
                known.enrich.tables = match baseline {
                    Some(baseline) => tables.with_baseline(baseline),
                    None => tables,
                };
            }
            (tables, baseline, geo) => {
                let wrong = tables.err().unwrap_or_default();
                faults.extend(wrong.iter().map(ToString::to_string));
                faults.extend(baseline.err());
                faults.extend(geo.err().unwrap_or_default());
            }
        }
        if faults.is_empty() { Ok(known) } else { Err(faults) }
    }

    /// Files that it is made of.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let lists = self.networks.values().chain(self.user_agents.values());
        let baseline = self.baseline.iter().filter_map(BaselineFrom::file);
        let others = self.accounts.iter().chain(&self.listed).chain(baseline);
        lists.chain(others).chain(&self.geo.city).chain(&self.geo.asn)
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
        let mut context = Context {
            accounts: Some(path.clone()),
            organizations: vec!["o-exampleorgid".to_owned()],
            ..Context::default()
        };
        assert!(context.read(Timestamp::UNIX_EPOCH).is_ok());
        std::fs::write(&path, "a: {nmae: x}\nb: 5\n").unwrap();
        let faults = accounts(&path).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].contains("accounts.yaml:1:5: unknown key \"nmae\""), "{faults:?}");
        std::fs::write(&path, "12: {name: x}\n").unwrap();
        context.organizations = vec!["ou-1".to_owned()];
        let networks = folder.path().join("tor.csv");
        std::fs::write(&networks, "value\n198.51.100.0/24\nexit\n").unwrap();
        context.networks.insert("tor".to_owned(), networks);
        std::fs::write(folder.path().join("old"), "no baseline").unwrap();
        context.baseline = Some(BaselineFrom::File(folder.path().join("old")));
        let agents = folder.path().join("agents.txt");
        std::fs::write(&agents, "# tools\n*pacu*\n*\n").unwrap();
        context.user_agents.insert("tools".to_owned(), agents);
        context.geo.asn = Some(folder.path().join("old"));
        let faults = context.read(Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(faults.len(), 6, "{faults:?}");
        assert_eq!(context.files().count(), 5);
    }

    #[test]
    fn a_baseline_that_the_service_makes_may_be_missing_but_not_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seen.bin");
        let mut context =
            Context { baseline: Some(BaselineFrom::File(path.clone())), ..Context::default() };
        context.read(Timestamp::UNIX_EPOCH).unwrap_err();
        context.is_baseline_made = true;
        let known = context.read(Timestamp::UNIX_EPOCH).unwrap();
        assert!(!known.enrich.tables.has_baseline());
        std::fs::write(path, "no baseline").unwrap();
        context.read(Timestamp::UNIX_EPOCH).unwrap_err();
    }
}
