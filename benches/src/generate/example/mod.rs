//! The small trail that the README runs: one day of a media company, three accounts, some dangerous acts among the work.
//!
//! Accounts: 111122223333 live streaming, 444455556666 newsroom and site, 123456789012 shared services.

use std::path::{Path, PathBuf};

use crate::generate::{
    calendar::START,
    catalogue::{Catalogue, Duty},
    file::{Seat, Studio},
    incident::{self, Who},
    plan::{self, FilePlan},
    random::{Random, mix},
    record::Failure,
    world::World,
};

const SEED: u64 = 20_260_302;
const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "123456789012"];
const EVENTS: u64 = 50;
/// Places between two events, so that a short file still has many callers.
const STRIDE: u64 = 7;
/// The file that repeats an event of the file before it in the same account.
const REDELIVERED_FROM: usize = 3;
const REDELIVERED_IN: usize = 5;

/// A file of the example.
#[derive(Clone, Debug)]
pub struct ExampleFile {
    /// Where it goes below the example's folder; `.json.gz` is stored compressed.
    pub path: PathBuf,
    /// Its bytes before compression.
    pub content: Vec<u8>,
    /// What was planted in it: name and event id.
    pub incidents: Vec<(&'static str, String)>,
}

/// One file: when it begins (hour, minute), where, and what is planted.
struct Chapter {
    hour: u64,
    minute: u64,
    account: usize,
    region: &'static str,
    layout: Layout,
    acts: &'static [Act],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Delivered by the organisation's trail.
    Organisation,
    /// Delivered by the account's own trail.
    Account,
    /// As `Account`, unpacked and short.
    Unpacked,
}

/// A planted act: the incident's name, minutes into the file, whether it was done or denied.
struct Act(&'static str, u64, Outcome);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Denied,
}

use Layout::{Account, Organisation, Unpacked};
use Outcome::{Denied, Done};

const DAY: &[Chapter] = &[
    chapter(2, 10, 2, "us-east-1", Organisation, &[Act("trail-stopped", 3, Denied)]),
    chapter(6, 30, 0, "ap-northeast-1", Organisation, &[]),
    chapter(9, 10, 0, "us-east-1", Organisation, &[Act("ssh-opened-to-the-world", 2, Done)]),
    chapter(9, 40, 1, "us-east-1", Organisation, &[Act("administrator-attached", 1, Done)]),
    chapter(
        10,
        0,
        1,
        "eu-west-1",
        Organisation,
        &[Act("public-access-block-deleted", 1, Done), Act("bucket-policy-public", 2, Done)],
    ),
    chapter(11, 30, 1, "us-east-1", Organisation, &[]),
    chapter(12, 5, 0, "us-east-1", Account, &[Act("snapshot-shared-with-all", 3, Done)]),
    chapter(13, 20, 1, "us-east-1", Organisation, &[Act("access-key-for-another-user", 2, Done)]),
    chapter(15, 0, 2, "us-east-1", Organisation, &[Act("root-login-without-mfa", 2, Done)]),
    chapter(16, 45, 0, "ap-northeast-1", Organisation, &[Act("metadata-v1-allowed", 1, Done)]),
    chapter(18, 10, 0, "us-east-1", Account, &[Act("function-made-public", 4, Done)]),
    chapter(21, 35, 2, "eu-west-1", Organisation, &[Act("key-deletion-scheduled", 2, Done)]),
    chapter(23, 0, 2, "us-east-1", Unpacked, &[Act("flow-logs-deleted", 2, Done)]),
];

const fn chapter(
    hour: u64,
    minute: u64,
    account: usize,
    region: &'static str,
    layout: Layout,
    acts: &'static [Act],
) -> Chapter {
    Chapter { hour, minute, account, region, layout, acts }
}

/// Makes the example, always the same.
pub fn example_trail() -> Vec<ExampleFile> {
    let studio = studio();
    (0..DAY.len()).map(|index| file(&studio, index)).collect()
}

fn studio() -> Studio {
    let world = World::new(SEED, &ACCOUNTS.map(String::from));
    let mut random = Random::new(SEED);
    let plans = DAY.iter().enumerate().map(|(index, chapter)| {
        let from = START + chapter.hour * 3600 + chapter.minute * 60;
        FilePlan {
            seed: mix(SEED, index as u64),
            account: chapter.account,
            region: chapter.region,
            from,
            bytes: EVENTS * STRIDE * 1250,
            stem: plan::stem(ACCOUNTS[chapter.account], chapter.region, from, &mut random),
            earlier: None,
        }
    });
    Studio {
        plans: plans.collect(),
        world,
        catalogue: Catalogue::new(),
        incidents: incident::all(),
        candidates: None,
        incident_share: 0,
    }
}

fn file(studio: &Studio, index: usize) -> ExampleFile {
    let (chapter, plan) = (&DAY[index], &studio.plans[index]);
    let events = if chapter.layout == Unpacked { EVENTS / 3 } else { EVENTS };
    let mut content = br#"{"Records":["#.to_vec();
    let mut incidents = Vec::new();
    for place in 0..events {
        if place > 0 {
            content.push(b',');
        }
        for act in chapter.acts.iter().filter(|act| act.1 * events / 5 == place) {
            let id = plant(studio, &mut content, plan, chapter, act);
            incidents.push((act.0, String::from_utf8_lossy(&id).into_owned()));
            content.push(b',');
        }
        studio.original(&mut content, index, place * STRIDE);
    }
    if index == REDELIVERED_IN {
        content.push(b',');
        studio.original(&mut content, REDELIVERED_FROM, 9 * STRIDE);
    }
    content.extend_from_slice(b"]}");
    ExampleFile { path: path(chapter, &plan.stem), content, incidents }
}

fn plant(
    studio: &Studio,
    out: &mut Vec<u8>,
    plan: &FilePlan,
    chapter: &Chapter,
    act: &Act,
) -> [u8; 36] {
    let incident = studio.incidents.iter().find(|incident| incident.name == act.0);
    let incident = incident.expect("the day names known incidents");
    let account = &studio.world.0[plan.account];
    // One person does all acts of a file, to the same thing.
    let session = mix(plan.seed, chapter.hour);
    let actor = match incident.who {
        Who::Person => account.caller_of(Duty::Console, session),
        Who::Pipeline => account.caller_of(Duty::Deploy, session),
        Who::Root => &account.root,
    };
    let seat = Seat { session, draw: session, time: plan.from + act.1 * 60 + 17 };
    let failure = match act.2 {
        Done => None,
        Denied => Some(Failure::Denied),
    };
    let random = &mut Random::new(mix(session, act.1));
    studio.stage(out, plan, &incident.call, actor, seat, failure, random)
}

fn path(chapter: &Chapter, stem: &Path) -> PathBuf {
    let mut path = stem.to_path_buf().into_os_string();
    path.push(if chapter.layout == Unpacked { ".json" } else { ".json.gz" });
    let path = PathBuf::from(path);
    match chapter.layout {
        Account | Unpacked => path,
        Organisation => {
            let below = path.strip_prefix("AWSLogs").expect("every planned path begins with it");
            Path::new("AWSLogs/o-exampleorgid").join(below)
        }
    }
}

#[cfg(test)]
mod tests;
