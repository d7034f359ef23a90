//! How much memory and time live groups of a correlation take: as many as it is told, one event each by
//! default, held as a scan holds them and as states as a store keeps them.

// A measurement tells people what it measured.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use anyhow::Context as _;
use askance_stages::correlate::{Correlations, Keeper, KeeperLimits};
use askance_stages::model::{Entry, SharedTexts, Summary, Who};
use askance_stages::sigma::{self, ReadOptions, SourceFile};
use jiff::{SignedDuration, Timestamp};

const RULES: &str = "title: Many\nid: many\ncorrelation: {type: value_count, rules: [fed], \
    group-by: [userIdentity.arn, recipientAccountId], timespan: 10m, condition: {field: eventName, gte: 10}}\n\
    ---\ntitle: Fed\nname: fed\nid: fed\nlogsource: {product: aws}\n\
    detection: {all: {eventName: '*'}, condition: all}\n";

fn entry(number: u64, groups: u64) -> Entry {
    let group = number % groups;
    let account = format!("{:012}", group % 150);
    let arn =
        format!("arn:aws:sts::{account}:assumed-role/service-role-{}/session-{group}", group % 900);
    let time = 1_790_000_000_000_000 + i64::try_from(number).unwrap_or_default() * 1000;
    let (role, session) = (format!("service-role-{}", group % 900), format!("session-{group}"));
    let source = format!("198.51.{}.{}", group % 100, group % 250);
    let key = format!("ASIA{group:016}");
    let who =
        [&account, "eu-west-1", "AssumedRole", &role, &arn, &account, &session, &source, &key];
    Entry {
        correlation: "many".into(),
        group: [Some(arn.as_str()), Some(account.as_str())].into_iter().collect(),
        time: Timestamp::from_microsecond(time).unwrap_or(Timestamp::MAX),
        identity: u128::from(number),
        rule: "fed".into(),
        values: std::iter::once(Some(format!("Call{}", number % 40).as_str())).collect(),
        summary: Summary {
            who: Who(who.into_iter().map(Some).collect()),
            resource: SharedTexts::default(),
            path: Some(format!("s3://trail/{}.json.gz", number / 500).into()),
            index: number % 500,
            event_id: Some(format!("00000000-0000-4000-8000-{number:012}").into()),
        },
    }
}

/// Resident memory in MB, now.
fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("cannot read /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kilobytes.context("no VmRSS")? / 1000)
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |usual| arguments.next().map_or(Ok(usual), |text| text.parse::<u64>());
    let (groups, each) = (number(1_000_000)?, number(1)?);
    let file = SourceFile { path: "it.yml".into(), text: RULES.into() };
    let reading = sigma::read(&[file], &ReadOptions::default());
    let correlations = Correlations::new(&reading.correlations);
    let before = resident()?;
    let began = Instant::now();
    let limits =
        KeeperLimits { groups: usize::try_from(groups)?.max(1_000_000), ..KeeperLimits::default() };
    let mut keeper = Keeper::new(&correlations, limits);
    (0..groups * each).for_each(|number| keeper.take(entry(number, groups)));
    let took = began.elapsed();
    println!(
        "scan: {groups} groups of {each}: {} MB, {:.2} s ({:.0} ns an event)",
        resident()? - before,
        took.as_secs_f64(),
        took.as_nanos() as f64 / (groups * each) as f64
    );
    let began = Instant::now();
    let (tells, counts) = keeper.finish();
    println!("told {} in {:.2} s; {counts:?}", tells.len(), began.elapsed().as_secs_f64());
    let began = Instant::now();
    let (mut bytes, mut steps) = (0, 0_u64);
    for group in 0..groups.min(100_000) {
        let mut state: Option<Vec<u8>> = None;
        for round in 0..each {
            let entry = entry(round * groups + group, groups);
            let now = entry.time;
            let step = correlations.step(
                "many",
                state.as_deref(),
                vec![entry],
                now,
                SignedDuration::from_mins(30),
            );
            state = step.state;
            steps += 1;
        }
        bytes += state.map_or(0, |state| state.len() as u64);
    }
    println!(
        "states: {} bytes a group, {:.1} us a step",
        bytes / groups.min(100_000),
        began.elapsed().as_secs_f64() * 1e6 / steps as f64
    );
    Ok(())
}
