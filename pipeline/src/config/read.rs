//! Reads a configuration file: every error of it in one go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use askance_stages::raise::Condition;
use askance_stages::yaml::{self, Fault};

use super::sinks::{EmailConfig, MailTransport, SinkConfig};
use super::{
    AccountsConfig, BaselineConfig, Config, DynamoStoreConfig, ObjectAddress, RejectsConfig,
    SecretRef, SourceConfig, StoreConfig, check, schema,
};
use crate::store::LEDGER_AT_LEAST;

/// A configuration and where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it says; paths are absolute or relative to the working directory.
    pub config: Config,
    /// The file.
    pub path: PathBuf,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something in it is wrong: a line for each fault, `FILE:LINE:COLUMN: message (hint)`.
    #[error("configuration {} cannot be used:\n{}", path.display(), lines.join("\n"))]
    Faulty {
        /// Which file.
        path: PathBuf,
        /// A line for each fault.
        lines: Vec<String>,
    },
}

/// Reads a file; `~` and environment variables in paths mean nothing.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(path: &Path) -> Result<Loaded, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let config = parse(&text, folder).map_err(|faults| ConfigError::Faulty {
        path: path.to_owned(),
        lines: faults.iter().map(|fault| format!("{}:{fault}", path.display())).collect(),
    })?;
    Ok(Loaded { config, path: path.to_owned() })
}

/// Reads a text whose paths are relative to `folder`.
///
/// # Errors
/// Everything that is wrong with it, in the order of the text.
pub fn parse(text: &str, folder: &Path) -> Result<Config, Vec<Fault>> {
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(is_blank) {
        return Ok(Config::default());
    }
    let node = yaml::parse_one(text)?;
    let schema = schema::schema();
    let mut faults = check::faults(&schema, &node);
    if faults.is_empty() {
        match serde_json::from_value::<Config>(check::to_json(&schema, &node)) {
            Ok(mut config) => {
                faults = crosscheck(&config, &node);
                if faults.is_empty() {
                    place(&mut config, folder);
                    return Ok(config);
                }
            }
            // The schema is made from the types, so this is a gap between the two: told all the same.
            Err(error) => faults.push(Fault::new(node.position, error.to_string())),
        }
    }
    faults.sort_by_key(|fault| fault.position);
    Err(faults)
}

/// What one part says of another.
fn crosscheck(config: &Config, node: &yaml::Node) -> Vec<Fault> {
    let mut faults = Vec::new();
    let at = |path: &[&str]| {
        path.iter()
            .try_fold(node, |node, key| node.as_mapping().and_then(|mapping| mapping.get(key)))
            .map_or(node.position, |node| node.position)
    };
    let routes = node.as_mapping().and_then(|mapping| mapping.get("routes"));
    for (index, route) in config.routes.iter().enumerate() {
        let place = routes
            .and_then(|node| node.as_sequence())
            .and_then(|items| items.get(index))
            .map_or(node.position, |node| node.position);
        if route.to.is_empty() {
            faults.push(
                Fault::new(place, format!("routes[{index}] leads nowhere"))
                    .about("to")
                    .hint("name sinks: to: [people]"),
            );
        }
        for name in route.to.iter().filter(|name| !config.sinks.contains_key(*name)) {
            let fault = Fault::new(place, format!("routes[{index}]: no sink is named \"{name}\""));
            let near = yaml::nearest(name, config.sinks.keys().map(String::as_str));
            faults.push(match near {
                Some(near) => fault.hint(format!("did you mean \"{near}\"?")),
                None => fault.hint("sinks are named in the section \"sinks\""),
            });
        }
        let wants_accounts = !route.ous.is_empty() || !route.account_tags.is_empty();
        if wants_accounts && config.alerts.accounts.is_none() {
            faults.push(
                Fault::new(
                    place,
                    format!("routes[{index}] asks about accounts that nobody told of"),
                )
                .hint("name a file in alerts.accounts"),
            );
        }
        if let Some(selection) = &route.selection
            && let Err(error) = Condition::compile(selection)
        {
            faults.push(Fault::new(place, format!("routes[{index}].match: {error}")));
        }
        if route.time_zone.as_deref().is_some_and(|name| jiff::tz::TimeZone::get(name).is_err()) {
            let zone = route.time_zone.as_deref().unwrap_or_default();
            faults.push(
                Fault::new(place, format!("routes[{index}]: no time zone is named \"{zone}\""))
                    .hint("write it as Asia/Tokyo"),
            );
        }
    }
    if config.rules.builtin == Some(false) && config.rules.paths.is_empty() {
        faults.push(
            Fault::new(
                at(&["rules", "builtin"]),
                "without the built-in rules there is no rule to run",
            )
            .hint("name rule files or folders in rules.paths"),
        );
    }
    if !config.routes.is_empty() && !config.routes.iter().any(is_default) {
        faults.push(
            Fault::new(at(&["routes"]), "no route takes what the others leave")
                .hint("end the list with a route that has no condition: - {to: [log]}"),
        );
    }
    let keep_ledger = match &config.store {
        StoreConfig::Sqlite { keep_ledger, .. } => keep_ledger,
        StoreConfig::Dynamodb(store) => &store.keep_ledger,
    };
    if keep_ledger.0 < LEDGER_AT_LEAST {
        let days = LEDGER_AT_LEAST.as_secs() / 86_400;
        faults.push(
            Fault::new(
                at(&["store", "keep_ledger"]),
                format!("store.keep_ledger must be {days}d or more, not {keep_ledger}"),
            )
            .hint("a queue may bring an object again for two weeks, a person even later"),
        );
    }
    for (name, sink) in &config.sinks {
        let place = at(&["sinks", name]);
        if let SinkConfig::Slack(slack) = sink {
            let is_bot = slack.token.is_some();
            if is_bot == slack.webhook_url.is_some() || is_bot != slack.channel.is_some() {
                faults.push(Fault::new(
                    place,
                    format!("sinks.{name} must have either webhook_url, or token and channel"),
                ));
            }
        }
    }
    for (index, suppression) in config.alerts.suppress.iter().enumerate() {
        if let Err(error) = Condition::compile(&suppression.selection) {
            faults.push(Fault::new(
                at(&["alerts", "suppress"]),
                format!("alerts.suppress[{index}].match: {error}"),
            ));
        }
        if suppression.until.parse::<jiff::civil::Date>().is_err() {
            faults.push(Fault::new(
                at(&["alerts", "suppress"]),
                format!("alerts.suppress[{index}]: \"{}\" is no date", suppression.until),
            ));
        }
    }
    let most_often = AccountsConfig::MOST_OFTEN;
    if config.enrich.accounts.as_ref().is_some_and(|accounts| accounts.every < most_often) {
        let place = at(&["enrich", "accounts", "every"]);
        let message = format!("enrich.accounts.every must be {most_often} or more");
        faults.push(Fault::new(place, message).hint("6h unless written"));
    }
    if let StoreConfig::Dynamodb(store) = &config.store {
        faults.extend(table_faults(store, config.sinks.len(), &at));
    }
    if let Some(baseline) = &config.enrich.baseline {
        // A path alone stands where the keys would.
        let whole = at(&["enrich", "baseline"]);
        let place = |key: &str| match at(&["enrich", "baseline", key]) {
            nowhere if nowhere == node.position => whole,
            of_key => of_key,
        };
        faults.extend(baseline_faults(baseline, &config.sources, &place));
    }
    faults
}

/// Why a baseline cannot be read, or made anew as it is asked for.
fn baseline_faults(
    baseline: &BaselineConfig,
    sources: &BTreeMap<String, SourceConfig>,
    at: &impl Fn(&str) -> yaml::Position,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    match ObjectAddress::of(&baseline.path) {
        Some(Ok(_)) => {}
        Some(Err(why)) => {
            faults.push(Fault::new(at("path"), format!("enrich.baseline.path: {why}")));
        }
        None => {
            let of_buckets = [
                ("region", &baseline.region),
                ("role_arn", &baseline.role_arn),
                ("external_id", &baseline.external_id),
            ];
            for (key, _) in of_buckets.iter().filter(|(_, value)| value.is_some()) {
                let why = format!("enrich.baseline.{key} is for an object, and its path is a file");
                faults.push(Fault::new(at(key), why).hint("an object is written s3://bucket/key"));
            }
        }
    }
    let Some(rebuild) = baseline.rebuild else { return faults };
    let (most_often, shortest) = (BaselineConfig::MOST_OFTEN, BaselineConfig::SHORTEST);
    if rebuild < most_often {
        let why = format!("enrich.baseline.rebuild must be {most_often} or more, not {rebuild}");
        faults.push(
            Fault::new(at("rebuild"), why)
                .hint("all events of `keep` are read each time; once a day is enough"),
        );
    }
    if baseline.keep < shortest {
        let keep = baseline.keep;
        let why = format!("enrich.baseline.keep must be {shortest} or more, not {keep}");
        faults.push(Fault::new(at("keep"), why).hint("what is done once a week needs a week"));
    }
    if !sources.values().any(|source| matches!(source, SourceConfig::S3Queue(_))) {
        let why = "enrich.baseline.rebuild needs a source of type s3_queue, whose buckets are read";
        faults.push(
            Fault::new(at("rebuild"), why)
                .hint("without one, let a timer run: askance baseline build s3://..."),
        );
    }
    faults
}

/// What a store on DynamoDB cannot do.
fn table_faults(
    store: &DynamoStoreConfig,
    sinks: usize,
    at: &impl Fn(&[&str]) -> yaml::Position,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let (most, shortest) = (DynamoStoreConfig::MOST_SINKS, DynamoStoreConfig::SHORTEST_CLAIM);
    if sinks > most {
        faults.push(
            Fault::new(
                at(&["sinks"]),
                format!("{sinks} sinks are more than the {most} that a store on DynamoDB can have"),
            )
            .hint("let one sink, such as sns, tell several places"),
        );
    }
    if store.claim < shortest {
        faults.push(
            Fault::new(at(&["store", "claim"]), format!("store.claim must be {shortest} or more"))
                .hint("it should be longer than a sink takes; 150s unless written"),
        );
    }
    faults
}

/// Takes every alert that the routes above it left.
fn is_default(route: &super::Route) -> bool {
    route.min_level.is_none()
        && route.accounts.is_empty()
        && route.ous.is_empty()
        && route.account_tags.is_empty()
        && route.rule_tags.is_empty()
        && route.selection.is_none()
        && route.hours.is_none()
        && route.days.is_empty()
}

/// Makes paths relative to the file's folder.
fn place(config: &mut Config, folder: &Path) {
    let set = |path: &mut PathBuf| *path = folder.join(&*path);
    config.rules.paths.iter_mut().for_each(set);
    config.rules.placeholders.iter_mut().for_each(set);
    config.alerts.accounts.iter_mut().for_each(set);
    config.enrich.networks.values_mut().for_each(set);
    config.enrich.user_agents.values_mut().for_each(set);
    let baselines = config.enrich.baseline.iter_mut();
    baselines
        .filter(|baseline| ObjectAddress::of(&baseline.path).is_none())
        .for_each(|baseline| set(&mut baseline.path));
    config.enrich.accounts.iter_mut().for_each(|accounts| set(&mut accounts.file));
    let geo = &mut config.enrich.geo;
    geo.city.iter_mut().chain(&mut geo.asn).for_each(set);
    match &mut config.store {
        StoreConfig::Sqlite { path, .. } => set(path),
        StoreConfig::Dynamodb(_) => {}
    }
    match &mut config.rejects {
        Some(RejectsConfig::File { path, .. }) => set(path),
        Some(RejectsConfig::S3 { .. }) | None => {}
    }
    for source in config.sources.values_mut() {
        match source {
            SourceConfig::Directory(directory) => set(&mut directory.path),
            SourceConfig::S3Queue(_) | SourceConfig::Kinesis(_) | SourceConfig::Stdin(_) => {}
        }
    }
    let secret = |secret: &mut SecretRef| {
        if let SecretRef::File(path) = secret {
            *path = folder.join(&*path).to_string_lossy().into_owned();
        }
    };
    for sink in config.sinks.values_mut() {
        match sink {
            SinkConfig::File(file) => set(&mut file.path),
            SinkConfig::Slack(slack) => {
                slack.webhook_url.iter_mut().for_each(secret);
                slack.token.iter_mut().for_each(secret);
            }
            SinkConfig::Email(EmailConfig {
                transport: MailTransport::Smtp { password, .. },
                ..
            }) => password.iter_mut().for_each(secret),
            SinkConfig::Webhook(webhook) => {
                secret(&mut webhook.url);
                webhook.secret.iter_mut().for_each(secret);
                webhook.headers.values_mut().for_each(secret);
            }
            SinkConfig::PagerDuty(pagerduty) => secret(&mut pagerduty.routing_key),
            SinkConfig::Teams(teams) => secret(&mut teams.webhook_url),
            SinkConfig::Email(_)
            | SinkConfig::Stdout(_)
            | SinkConfig::Sns(_)
            | SinkConfig::S3(_)
            | SinkConfig::SecurityHub(_)
            | SinkConfig::EventBridge(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: &str = r#"
sources: {trail: {type: s3_queue, queue_url: "https://sqs.example", buckets: [my-trail]}, inbox: {type: directory, path: in/}}
sinks:   {people: {type: sns, topic_arn: "arn:aws:sns:eu-west-1:111122223333:people"}, log: {type: file, path: alerts.jsonl}}
routes:  [{min_level: medium, to: [people]}, {to: [log]}]
rules:   {paths: [], builtin: true, disable: [], levels: {}}
store:   {type: sqlite, path: askance.db}
alerts:  {merge_window: 30m}
metrics: {listen: "127.0.0.1:9464"}
aws:     {s3_path_style: false}
"#;

    #[test]
    fn the_contract_is_read() {
        let config = parse(CONTRACT, Path::new("/etc/askance")).unwrap();
        let SourceConfig::S3Queue(trail) = &config.sources["trail"] else { panic!("a queue") };
        assert_eq!(trail.buckets[0].name, "my-trail");
        let SourceConfig::Directory(inbox) = &config.sources["inbox"] else { panic!("a folder") };
        assert_eq!(inbox.path, Path::new("/etc/askance/in/"));
        let StoreConfig::Sqlite { path, .. } = &config.store else { panic!("a file") };
        assert_eq!(path, Path::new("/etc/askance/askance.db"));
        assert_eq!(config.alerts.merge_window.to_string(), "30m");
        assert_eq!(config.routes.len(), 2);
        assert!(config.metrics.listen.is_some());
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let faults = parse(text, Path::new("")).map(|config| format!("{config:?}")).unwrap_err();
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(told, expected, "{text}");
    }

    #[test]
    fn what_a_table_cannot_do_is_told() {
        let sinks: Vec<String> = (0..46).map(|n| format!("s{n}: {{type: stdout}}")).collect();
        check(
            &format!(
                "sinks: {{{}}}\nstore: {{type: dynamodb, table: askance, claim: 500ms}}\n",
                sinks.join(", ")
            ),
            &[
                "1:8: 46 sinks are more than the 45 that a store on DynamoDB can have (let one sink, such as sns, tell several places)",
                "2:48: store.claim must be 1s or more (it should be longer than a sink takes; 150s unless written)",
            ],
        );
        check("store: {type: dynamodb}", &["1:8: \"table\" is missing: The table's name"]);
    }

    #[test]
    fn everything_wrong_is_told_at_once_and_in_order() {
        check(
            "sorces: {}\nrules: {biultin: true, levels: {a: hgih}}\nlimits: {max_object: lots, max_ratio: 0}\n",
            &[
                "1:1: unknown key \"sorces\" (did you mean \"sources\"?)",
                "2:9: unknown key \"biultin\" (did you mean \"builtin\"?)",
                "2:36: rules.levels.a: unknown \"hgih\" (did you mean \"high\"?)",
                "3:22: limits.max_object: \"lots\" is no size (write it as 500MB or 16GiB)",
                "3:39: limits.max_ratio must be 1 or more, not 0",
            ],
        );
    }

    #[test]
    fn a_baseline_is_a_path_or_more_and_is_made_of_a_bucket() {
        let read = |text: &str| {
            let config = parse(text, Path::new("/etc/askance")).unwrap();
            config.enrich.baseline.unwrap()
        };
        let plain = read("enrich: {baseline: seen.bin}");
        assert_eq!(plain, BaselineConfig::of_path("/etc/askance/seen.bin"));
        assert_eq!(read("enrich: {baseline: {path: seen.bin}}"), plain);
        let source =
            "sources: {t: {type: s3_queue, queue_url: \"https://q/1/t\", buckets: [trail]}}";
        let full = read(&format!(
            "{source}\nenrich: {{baseline: {{path: /a, rebuild: 1d, keep: 90d, versions: 0}}}}"
        ));
        let shown = (full.rebuild.unwrap().to_string(), full.keep.to_string(), full.versions);
        assert_eq!(shown, ("1d".to_owned(), "90d".to_owned(), 0));
        check(
            "enrich: {baseline: {path: a, rebuild: 5m, keep: 1h}}",
            &[
                "1:39: enrich.baseline.rebuild must be 1h or more, not 5m (all events of `keep` are read each time; once a day is enough)",
                "1:39: enrich.baseline.rebuild needs a source of type s3_queue, whose buckets are read (without one, let a timer run: askance baseline build s3://...)",
                "1:49: enrich.baseline.keep must be 1d or more, not 1h (what is done once a week needs a week)",
            ],
        );
        check(
            "enrich: {baseline: {rebuild: 1d}}",
            &[
                "1:20: \"path\" is missing: The file; or the object, `s3://bucket/key`, so that all replicas of a fleet have the same one",
            ],
        );
        let object = "s3://seen/first.bin";
        let plain = read(&format!("enrich: {{baseline: \"{object}\"}}"));
        assert_eq!(plain, BaselineConfig::of_path(object));
        assert_eq!(plain.object().map(|it| it.to_string()).as_deref(), Some(object));
        let role = "region: eu-west-1, role_arn: \"arn:aws:iam::111122223333:role/seen\"";
        let full = read(&format!("enrich: {{baseline: {{path: \"{object}\", {role}}}}}"));
        assert_eq!((full.object(), full.region.as_deref()), (plain.object(), Some("eu-west-1")));
        check(
            "enrich: {baseline: {path: a, region: eu-west-1}}",
            &[
                "1:38: enrich.baseline.region is for an object, and its path is a file (an object is written s3://bucket/key)",
            ],
        );
        let why = "\"\" is no key of an object (up to 1,000 bytes, and no folder), such as s3://my-baselines/askance/first-seen.bin";
        check(
            "enrich: {baseline: \"s3://seen/\"}",
            &[&format!("1:20: enrich.baseline.path: {why}")],
        );
    }

    #[test]
    fn a_ledger_that_forgets_too_soon_is_told() {
        let hint = "a queue may bring an object again for two weeks, a person even later";
        check(
            "store: {type: sqlite, path: a.db, keep_ledger: 7d}",
            &[&format!("1:48: store.keep_ledger must be 30d or more, not 7d ({hint})")],
        );
    }

    #[test]
    fn tagged_parts_are_told_by_their_type() {
        check(
            "sources: {a: {type: s3_queu, queue_url: x}, b: {path: x}, c: {type: s3_queue}}",
            &[
                "1:21: sources.a.type: unknown \"s3_queu\" (did you mean \"s3_queue\"?)",
                "1:48: sources.b has no \"type\" (one of s3_queue, kinesis, directory, stdin)",
                "1:62: \"buckets\" is missing: Buckets that may be read, by name or with more about them",
                "1:62: \"queue_url\" is missing: The queue's URL",
            ],
        );
    }

    #[test]
    fn routes_lead_to_sinks_and_end_with_a_default() {
        check(
            "sinks: {log: {type: stdout}}\nroutes: [{min_level: high, to: [lgo]}]",
            &[
                "2:9: no route takes what the others leave (end the list with a route that has no condition: - {to: [log]})",
                "2:10: routes[0]: no sink is named \"lgo\" (did you mean \"log\"?)",
            ],
        );
        check(
            "sinks: {log: {type: stdout}}\nroutes: [{to: []}]",
            &["2:10: routes[0] leads nowhere (name sinks: to: [people])"],
        );
    }

    #[test]
    fn rejects_have_a_place_of_their_own() {
        let text = "rejects: {type: file, path: rejects.jsonl, rotate_at: 10MB}";
        let config = parse(text, Path::new("/etc/askance")).unwrap();
        let Some(RejectsConfig::File { path, keep, .. }) = config.rejects else { panic!("a file") };
        assert_eq!((path, keep), (PathBuf::from("/etc/askance/rejects.jsonl"), 10));
        let config = parse("rejects: {type: s3, bucket: b, prefix: p/}", Path::new("")).unwrap();
        assert!(matches!(config.rejects, Some(RejectsConfig::S3 { .. })));
        check("rejects: {type: s3}", &["1:10: \"bucket\" is missing: The bucket"]);
    }

    #[test]
    fn scalars_are_what_the_type_wants() {
        let text = "filter: {accounts: [\"111122223333\", 444455556666], regions: eu-west-1}";
        let config = parse(text, Path::new("")).unwrap();
        assert_eq!(config.filter.accounts, ["111122223333", "444455556666"]);
        assert_eq!(config.filter.regions, ["eu-west-1"]);
        assert!(parse("rules:\nsinks:\n", Path::new("")).is_ok());
    }
}
