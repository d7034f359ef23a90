//! `enrich`: what is known besides the records.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::ObjectAddress;
use super::units::Span;

/// `enrich`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EnrichConfig {
    /// Ids of your organisations (`o-...`): who is in them is no stranger. Your accounts are those of
    /// `alerts.accounts`.
    pub organizations: Vec<String>,
    /// Lists of networks, each a file: YAML, JSON, CSV with a column `value`, or text, one a line. Rules
    /// see in which of them an address is (`askance.source.networks`): offices, exits of Tor, addresses
    /// others warn of. A built-in rule asks about lists whose name begins with `threat`.
    pub networks: BTreeMap<String, PathBuf>,
    /// The same for user agents (`askance.source.user_agents`): each value is a whole one, or a pattern
    /// with `*` and `?`.
    pub user_agents: BTreeMap<String, PathBuf>,
    /// What was seen before (`askance.first_seen.*`): a file of `askance baseline build`, or such an object
    /// in S3, by its path or with how the service makes it anew. When it is replaced it is taken over.
    pub baseline: Option<BaselineConfig>,
    /// Tell in alerts who is behind a session (`behind`): who took the role, by way of which others.
    /// The records that say so are read for it, and kept in memory.
    pub sessions: bool,
    /// What databases of addresses tell of where calls come from, to rules (`askance.source.country` and
    /// its like) and to people.
    pub geo: GeoConfig,
    /// Your accounts as AWS Organizations lists them: name, unit, tags, and by tags owner and
    /// environment. `askance run` asks for them; `alerts.accounts` goes before it.
    pub accounts: Option<AccountsConfig>,
}

/// `enrich.accounts`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountsConfig {
    /// The file in which the last good answer is kept, and from which it is read; it is made. Its folder
    /// must be there and may be written to.
    pub file: PathBuf,
    /// How often is asked; 1m at least, 6h unless written.
    #[serde(default = "every")]
    pub every: Span,
    /// A role to ask with: of the management account, or of one that it has delegated this to.
    #[serde(default)]
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Key of the tag that names an account's owner, in whatever letter case.
    #[serde(default = "owner_tag")]
    pub owner_tag: String,
    /// Key of the tag that names its environment.
    #[serde(default = "environment_tag")]
    pub environment_tag: String,
}

impl AccountsConfig {
    /// Most often: Organizations lets few calls through, and others need them too.
    pub const MOST_OFTEN: Span = Span::seconds(60);
}

fn every() -> Span {
    Span::seconds(6 * 3600)
}

fn owner_tag() -> String {
    "owner".to_owned()
}

fn environment_tag() -> String {
    "environment".to_owned()
}

/// `enrich.geo`: databases in MaxMind's form (`.mmdb`). They are held in memory; when they are replaced
/// they are taken over.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GeoConfig {
    /// A City database, or a Country one: GeoLite2-City.mmdb, GeoIP2-Country.mmdb.
    pub city: Option<PathBuf>,
    /// An ASN or ISP database: GeoLite2-ASN.mmdb.
    pub asn: Option<PathBuf>,
}

/// `enrich.baseline`: the path of a file or an object, or a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "BaselineForm")]
#[schemars(with = "BaselineForm")]
pub struct BaselineConfig {
    /// The file, or the address of the object: see [`Self::object`].
    pub path: PathBuf,
    /// The region of its bucket, if it is not the one of the environment.
    pub region: Option<String>,
    /// A role to read and write it with.
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for.
    pub external_id: Option<String>,
    /// How often the service makes it anew; `None`: never.
    pub rebuild: Option<Span>,
    /// How far back it looks then.
    pub keep: Span,
    /// How many old ones are kept beside it.
    pub versions: usize,
}

/// How a baseline may be written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum BaselineForm {
    /// The file or object.
    Path(PathBuf),
    /// It, and how it is made anew.
    Full(FullBaseline),
}

/// A baseline with more than its path.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FullBaseline {
    /// The file; or the object, `s3://bucket/key`, so that all replicas of a fleet have the same one. With
    /// `rebuild` it need not be there yet.
    path: PathBuf,
    /// The region of the object's bucket, if it is not the one of the environment.
    #[serde(default)]
    region: Option<String>,
    /// A role to read the object with, and to write it with `rebuild`.
    #[serde(default)]
    role_arn: Option<String>,
    /// What the role's trust policy asks for.
    #[serde(default)]
    external_id: Option<String>,
    /// The service makes it anew so often, of what stands in the buckets of its `s3_queue` sources;
    /// never unless written. At least an hour. Of replicas that share a table, one at a time does.
    #[serde(default)]
    rebuild: Option<Span>,
    /// It is made of the events of so long; at least a day.
    #[serde(default = "keep_events")]
    keep: Span,
    /// So many old ones are kept beside it, as `PATH.VERSION`.
    #[serde(default = "keep_versions")]
    #[schemars(range(min = 0, max = 1000))]
    versions: usize,
}

impl BaselineConfig {
    /// Shortest time between two: all of it is read each time.
    pub const MOST_OFTEN: Span = Span::seconds(3600);

    /// Shortest past that one is made of.
    pub const SHORTEST: Span = Span::seconds(86_400);

    /// A file that somebody else makes.
    pub fn of_path(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            region: None,
            role_arn: None,
            external_id: None,
            rebuild: None,
            keep: keep_events(),
            versions: keep_versions(),
        }
    }

    /// The object that it is; `None`: it is a file. An address that is none is told when the
    /// configuration is read.
    pub fn object(&self) -> Option<ObjectAddress> {
        ObjectAddress::of(&self.path).and_then(Result::ok)
    }
}

impl From<BaselineForm> for BaselineConfig {
    fn from(form: BaselineForm) -> Self {
        match form {
            BaselineForm::Path(path) => Self::of_path(path),
            BaselineForm::Full(full) => Self {
                path: full.path,
                region: full.region,
                role_arn: full.role_arn,
                external_id: full.external_id,
                rebuild: full.rebuild,
                keep: full.keep,
                versions: full.versions,
            },
        }
    }
}

fn keep_events() -> Span {
    Span::seconds(30 * 86_400)
}

fn keep_versions() -> usize {
    7
}
