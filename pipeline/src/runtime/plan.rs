//! What is done with objects and alerts, as the configuration and the rules say; replaced as a whole
//! when they change.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use askance_stages::decode::DecodeLimits;
use askance_stages::filter::FilterConfig;
use askance_stages::flow::{Detect, DetectConfig, DropError, Drops};
use askance_stages::model::Level;
use askance_stages::raise::{AccountFacts, Condition, Hours, Raise, RateCap, Route, Suppression};
use askance_stages::sigma::{Reading, Severity};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::baseline::Held;
use crate::config::{self, Config};
use crate::context::Context;
use crate::rulebook::{self, RuleChoice};
use crate::store::{InLanguages, Words};
use crate::subject::Subject;
use crate::telemetry::Families;

/// Rules, routes and words that belong together; immutable.
#[derive(Debug)]
pub struct Plan {
    /// From bytes to alerts.
    pub detect: Detect,
    /// From alerts to messages.
    pub raise: Raise,
    /// How late an event may be and still count in a correlation.
    pub lateness: SignedDuration,
    /// What rules say to people, by rule id.
    pub words: HashMap<String, Words>,
    /// What people should know though it stops nothing: rules that are left out or do not run,
    /// suppressions, filters and values that have ended.
    pub warnings: Vec<String>,
    /// Something in the rules ends on a later day: the plan is to be made anew then.
    pub has_ends: bool,
}

/// The plan of the moment, for those who look at it.
pub type Current = tokio::sync::watch::Receiver<Arc<Plan>>;

/// Why no plan can be made: a line for each fault.
#[derive(Debug, thiserror::Error)]
#[error("{}", lines.join("\n"))]
pub struct PlanError {
    /// The lines.
    pub lines: Vec<String>,
}

impl PlanError {
    fn one(line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()] }
    }
}

impl Plan {
    /// Reads rules and accounts and makes a plan of a configuration; with `keep_going` rules with
    /// errors are left out, and named among the warnings.
    ///
    /// # Errors
    /// Everything that is wrong with rules, conditions and accounts.
    pub fn build(config: &Config, keep_going: bool, now: Timestamp) -> Result<Self, PlanError> {
        Self::build_with(config, &None, keep_going, now)
    }

    /// The same, where the configuration's baseline is an object, with what that held.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn build_with(
        config: &Config,
        held: &Held,
        keep_going: bool,
        now: Timestamp,
    ) -> Result<Self, PlanError> {
        let mut warnings = Vec::new();
        let mut reading = reading(config, keep_going, now, &mut warnings)?;
        let known =
            Context::of(config).with_held(held).read(now).map_err(|lines| PlanError { lines })?;
        warnings.extend(known.ended.iter().map(ToString::to_string));
        if !known.enrich.tables.has_baseline() {
            rulebook::without_baseline(&mut reading);
        }
        rulebook::without_lists(&mut reading, &known.enrich.tables);
        let subjects = Subject::all(&reading);
        let words = subjects.map(|subject| (subject.id.to_owned(), words(&subject))).collect();
        let level = config.filter.min_level.map_or(Level::ALL[0], config::LevelName::level);
        let has_ends = reading.has_ends;
        let correlations = rulebook::correlations(&mut reading, level);
        let rules = rulebook::compile(reading.rules, level, &correlations)
            .map_err(|lines| PlanError { lines })?;
        if rules.rules.is_empty() {
            return Err(PlanError::one("there is no rule to run, so nothing could be found"));
        }
        let has_ends = has_ends || known.has_ends;
        let raise = raise(config, known.accounts, now, &mut warnings)?;
        let enrich = known.enrich;
        let drops = drops(&config.filter.drop).map_err(|lines| PlanError { lines })?;
        let detect = Detect {
            rules,
            correlations,
            enrich,
            drops,
            config: DetectConfig {
                filter: FilterConfig {
                    accounts: config.filter.accounts.clone(),
                    regions: config.filter.regions.clone(),
                    ..FilterConfig::default()
                },
                limits: DecodeLimits {
                    max_object_bytes: config.limits.max_object.0,
                    max_ratio: config.limits.max_ratio,
                },
                without_event: config.alerts.without_event,
                with_newest: true,
                with_given: config.enrich.sessions,
                nanoseconds: Some(nanoseconds),
                ..DetectConfig::default()
            },
        };
        let lateness = signed(config.correlate.lateness);
        Ok(Self { detect, raise, lateness, words, warnings, has_ends })
    }

    /// A plan that finds and tells nobody: for what is counted and not kept.
    pub fn of_rules(detect: Detect) -> Self {
        let raise = Raise {
            merge_window: SignedDuration::ZERO,
            update_interval: SignedDuration::ZERO,
            suppressions: Vec::new(),
            rate_cap: None,
            routes: Vec::new(),
            accounts: BTreeMap::new(),
        };
        let lateness = SignedDuration::ZERO;
        let words = HashMap::new();
        Self { detect, raise, lateness, words, warnings: Vec::new(), has_ends: false }
    }

    /// Tells the metrics what runs.
    pub fn tell(&self, families: &Families) {
        let rules = &self.detect.rules.rules;
        let ids = rules.iter().map(|rule| rule.facts.rule.id.as_str());
        let correlations = &self.detect.correlations;
        families.rules_run(rules.len(), correlations.len(), ids.chain(correlations.told_ids()));
        families.baseline_used(self.detect.enrich.tables.baseline());
    }

    /// Files and folders that a plan of this configuration is made from, besides the configuration.
    pub fn inputs(config: &Config) -> Vec<PathBuf> {
        let context = Context::of(config);
        let rules = config.rules.paths.iter().chain(&config.rules.placeholders);
        rules.chain(context.files()).cloned().collect()
    }
}

/// Time since the first call.
pub fn nanoseconds() -> u64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let began = BEGAN.get_or_init(Instant::now);
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn reading(
    config: &Config,
    keep_going: bool,
    now: Timestamp,
    warnings: &mut Vec<String>,
) -> Result<Reading, PlanError> {
    let choice = RuleChoice {
        paths: config.rules.paths.clone(),
        with_builtin: config.rules.builtin == Some(true),
        placeholders: config.rules.placeholders.clone(),
        now: Some(now),
    };
    let mut reading = rulebook::read(&choice).map_err(|error| PlanError::one(error.to_string()))?;
    let errors: Vec<String> = reading
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    if !errors.is_empty() && !keep_going {
        return Err(PlanError { lines: errors });
    }
    warnings.extend(errors);
    for rule in &reading.left_out {
        let title = rule.title.as_deref().unwrap_or(&rule.id);
        warnings.push(format!("{}: left out for its errors: {title}", rule.place));
    }
    for rule in &reading.not_run {
        let title = rule.title.as_deref().unwrap_or(&rule.id);
        warnings.push(format!("{}: not run: {title}: it counts in its condition", rule.place));
    }
    warnings.extend(reading.ended.iter().map(ToString::to_string));
    adjust(config, &mut reading)?;
    Ok(reading)
}

/// Applies `rules.disable` and `rules.levels`.
fn adjust(config: &Config, reading: &mut Reading) -> Result<(), PlanError> {
    let rules = &config.rules;
    let named = rules.disable.iter().map(|id| ("disable", id));
    let named = named.chain(rules.levels.keys().map(|id| ("levels", id)));
    let lines: Vec<String> = named
        .filter(|(_, id)| !rulebook::names(reading, id))
        .map(|(key, id)| {
            format!("rules.{key} names the rule \"{id}\", and there is none of that id")
        })
        .collect();
    if !lines.is_empty() {
        return Err(PlanError { lines });
    }
    rulebook::adjust(reading, &rules.disable, |id| rules.levels.get(id).map(|level| level.level()));
    Ok(())
}

fn words(subject: &Subject<'_>) -> Words {
    let askance = subject.askance.cloned().unwrap_or_default();
    Words {
        description: subject.description.map(str::to_owned),
        ask: InLanguages { en: askance.ask_en, ja: askance.ask_ja },
        why: InLanguages { en: askance.why, ja: askance.why_ja },
        fix: InLanguages { en: askance.fix, ja: askance.fix_ja },
        controls: askance.controls,
        references: subject.references.to_vec(),
    }
}

fn raise(
    config: &Config,
    accounts: BTreeMap<String, AccountFacts>,
    now: Timestamp,
    warnings: &mut Vec<String>,
) -> Result<Raise, PlanError> {
    let alerts = &config.alerts;
    let mut suppressions = Vec::new();
    for written in &alerts.suppress {
        let made = suppression(written).map_err(|why| {
            PlanError::one(format!("alerts.suppress \"{}\": {why}", written.name))
        })?;
        if made.until < now {
            warnings.push(format!(
                "the suppression \"{}\" ended on {} and suppresses nothing any more ({}, {})",
                written.name, written.until, written.owner, written.reason
            ));
        }
        suppressions.push(made);
    }
    let mut routes = Vec::new();
    for (index, written) in config.routes.iter().enumerate() {
        let made =
            route(written).map_err(|why| PlanError::one(format!("routes[{index}]: {why}")))?;
        routes.push(made);
    }
    if routes.is_empty() {
        routes.push(Route { to: config.sinks.keys().cloned().collect(), ..Route::default() });
    }
    Ok(Raise {
        merge_window: signed(alerts.merge_window),
        update_interval: signed(alerts.update_interval),
        suppressions,
        rate_cap: alerts
            .rate_cap
            .map(|cap| RateCap { count: cap.count.into(), per: signed(cap.per) }),
        routes,
        accounts,
    })
}

/// `filter.drop`.
///
/// # Errors
/// A line for each condition that is none.
pub fn drops(written: &[config::DropCondition]) -> Result<Drops, Vec<String>> {
    let conditions = written.iter().map(|drop| (drop.name.as_str(), &drop.selection));
    let told = |errors: Vec<DropError>| {
        errors.iter().map(|error| format!("filter.drop {error}")).collect()
    };
    Drops::compile(conditions).map_err(told)
}

fn signed(span: config::Span) -> SignedDuration {
    SignedDuration::try_from(span.0).unwrap_or(SignedDuration::MAX)
}

fn suppression(written: &config::Suppression) -> Result<Suppression, String> {
    let condition = Condition::compile(&written.selection).map_err(|error| error.to_string())?;
    let day: Date = written.until.parse().map_err(|error| format!("until: {error}"))?;
    // The day itself still counts, whole, in UTC.
    let until = day
        .at(23, 59, 59, 999_999_999)
        .to_zoned_datetime(TimeZone::UTC)
        .map_err(|error| format!("until: {error}"))?
        .timestamp();
    Ok(Suppression { name: written.name.clone(), condition, until })
}

fn route(written: &config::Route) -> Result<Route, String> {
    let selection = written.selection.as_ref();
    let condition = selection
        .map(|selection| Condition::compile(selection).map_err(|error| error.to_string()))
        .transpose()?;
    let hours = (written.hours.is_some() || !written.days.is_empty())
        .then(|| hours(written))
        .transpose()?;
    Ok(Route {
        min_level: written.min_level.map(config::LevelName::level),
        accounts: written.accounts.clone(),
        ous: written.ous.clone(),
        account_tags: written.account_tags.clone(),
        rule_tags: written.rule_tags.clone(),
        condition,
        hours,
        to: written.to.clone(),
        stop: written.stop,
    })
}

fn hours(written: &config::Route) -> Result<Hours, String> {
    let zone = match &written.time_zone {
        Some(name) => TimeZone::get(name).map_err(|error| error.to_string())?,
        None => TimeZone::UTC,
    };
    let midnight = jiff::civil::Time::midnight();
    let (from, until) = match &written.hours {
        Some(text) => {
            let (from, until) = text.split_once('-').unwrap_or((text, text));
            let time = |text: &str| {
                // 24:00 is midnight at the other end of the day.
                let text = if text == "24:00" { "00:00" } else { text };
                text.parse::<jiff::civil::Time>().map_err(|error| format!("hours {text}: {error}"))
            };
            (time(from)?, time(until)?)
        }
        None => (midnight, midnight),
    };
    Ok(Hours { from, until, days: written.days.iter().map(|day| day.weekday()).collect(), zone })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn plan(text: &str) -> Result<Plan, PlanError> {
        let config = config::parse(text, Path::new("")).expect("the configuration is well formed");
        Plan::build(&config, false, "2026-03-02T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn without_routes_all_goes_to_all_sinks() {
        let plan = plan("sinks: {a: {type: stdout}, b: {type: stdout}}").unwrap();
        assert_eq!(plan.raise.routes.len(), 1);
        assert_eq!(plan.raise.routes[0].to, ["a", "b"]);
        assert!(plan.detect.rules.rules.len() >= 20);
        let told = plan.detect.rules.counts().0 + plan.detect.correlations.told_ids().count();
        assert_eq!(plan.words.len(), told);
    }

    #[test]
    fn rules_that_are_not_there_are_all_named() {
        let error = plan("rules: {disable: [a], levels: {b: low}}").unwrap_err();
        assert_eq!(
            error.lines,
            [
                "rules.disable names the rule \"a\", and there is none of that id",
                "rules.levels names the rule \"b\", and there is none of that id"
            ]
        );
    }

    #[test]
    fn a_suppression_holds_to_the_end_of_its_day_and_is_told_when_it_is_over() {
        let text = |until: &str| {
            format!(
                "alerts: {{suppress: [{{name: a, match: {{account: \"1\"}}, reason: r, owner: o, until: {until}}}]}}"
            )
        };
        let running = plan(&text("\"2026-03-02\"")).unwrap();
        assert!(running.warnings.is_empty());
        assert_eq!(
            running.raise.suppressions[0].until.to_string(),
            "2026-03-02T23:59:59.999999999Z"
        );
        let over = plan(&text("\"2026-03-01\"")).unwrap();
        assert_eq!(over.warnings.len(), 1, "{:?}", over.warnings);
    }

    #[test]
    fn hours_are_read_with_their_zone() {
        let text = "sinks: {a: {type: stdout}}\nroutes: [{hours: \"22:00-06:00\", days: [fri], time_zone: Asia/Tokyo, to: a}, {to: a}]";
        let plan = plan(text).unwrap();
        let hours = plan.raise.routes[0].hours.as_ref().unwrap();
        assert!(hours.hold("2026-03-06T22:00:00+09:00".parse().unwrap()));
        assert!(!hours.hold("2026-03-06T21:59:00+09:00".parse().unwrap()));
    }
}
