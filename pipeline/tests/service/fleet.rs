//! Several replicas of the program on one DynamoDB table: killed, stopped, added, cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::corpus::objects;
use crate::place::{ALERTS, Place};
use crate::program::{Home, Program, get};
use crate::support::gateway::{Gateway, Turn, Verdict};
use crate::support::moto::{Moto, unique};

/// Objects of a test; every second one holds an incident.
const OBJECTS: usize = 48;

/// A bucket, a queue and a topic, and a table.
pub(crate) struct Fleet {
    pub(crate) place: Place,
    moto: Moto,
    turn: Turn,
    table: String,
}

/// A replica's home and its way to the table.
pub(crate) struct Replica {
    pub(crate) home: Home,
    gateway: Gateway,
}

impl Fleet {
    pub(crate) fn new() -> Self {
        let (place, moto) = (Place::new(), Moto::start());
        Self { place, moto, turn: Turn::default(), table: unique("fleet") }
    }

    pub(crate) fn replica(&self, name: &str) -> Replica {
        let gateway = Gateway::to(self.moto.url(), &self.turn);
        let store = format!("type: dynamodb, table: {}, replica: {name}, claim: 4s", self.table);
        let more = [("AWS_ENDPOINT_URL_DYNAMODB", gateway.url().to_owned())];
        let home = self.place.home_with("visibility: 4s, concurrency: 4", &store, more);
        Replica { home, gateway }
    }

    /// How often each alert was published.
    fn told(&self) -> BTreeMap<String, usize> {
        let mut told = BTreeMap::new();
        for id in self.place.published_all() {
            *told.entry(id).or_default() += 1;
        }
        told
    }

    /// Nothing is lost, whoever did it, and nothing waits.
    #[track_caller]
    fn is_whole(&self, replicas: &[&Replica], count: usize, expected: &BTreeSet<String>) {
        let told: BTreeSet<String> = self.told().into_keys().collect();
        assert_eq!(&told, expected, "the topic");
        let home = &replicas[0].home;
        let alerts = home.ask(&["alerts", "list", "--limit", "10000"]);
        let fates: BTreeSet<&str> =
            alerts.iter().map(|one| one["fate"].as_str().unwrap()).collect();
        assert_eq!(fates, BTreeSet::from(["told"]));
        let ids: BTreeSet<String> =
            alerts.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!((ids.len(), &ids), (alerts.len(), expected), "the store");
        assert_eq!(home.waiting(), 0);
        assert_eq!(home.known(), count as u64, "objects in the ledger");
        assert!(home.ask(&["rejects", "list"]).is_empty());
    }
}

/// Alerts in the files of all replicas, with how often each stands there.
fn files(replicas: &[&Replica]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for replica in replicas {
        for alert in replica.home.alerts(ALERTS) {
            *found.entry(alert["id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    found
}

fn once(expected: &BTreeSet<String>) -> BTreeMap<String, usize> {
    expected.iter().map(|id| (id.clone(), 1)).collect()
}

#[test]
fn replicas_share_the_work_and_tell_each_alert_once() {
    let (objects, expected) = objects(OBJECTS);
    let fleet = Fleet::new();
    let replicas = ["one", "two", "three"].map(|name| fleet.replica(name));
    fleet.place.put(&objects);
    let programs: Vec<Program> = replicas.iter().map(|one| one.home.start()).collect();
    fleet.place.until_done(&replicas[0].home);
    programs.into_iter().for_each(|program| drop(program.stop()));
    let [one, two, three] = &replicas;
    fleet.is_whole(&[one, two, three], OBJECTS, &expected);
    assert_eq!(fleet.told(), once(&expected), "the topic");
    assert_eq!(files(&[one, two, three]), once(&expected), "the files");
    let shares: Vec<usize> = replicas.iter().map(|one| one.home.alerts(ALERTS).len()).collect();
    assert!(shares.iter().all(|share| *share > 0), "each had a share: {shares:?}");
}

#[test]
fn replicas_that_are_killed_stopped_added_and_cut_off_lose_nothing() {
    let (objects, expected) = objects(OBJECTS);
    let fleet = Fleet::new();
    let portions: Vec<_> = objects.chunks(OBJECTS / 6).collect();
    let replicas = ["one", "two", "three", "four"].map(|name| fleet.replica(name));
    let [one, two, three, four] = &replicas;
    // One of those that compete may take all there is: who must have a share works while the others
    // stand still.
    let mut first = one.home.start();
    let mut second = two.home.start();
    second.signal("STOP");
    fleet.place.put(portions[0]);
    // Killed between sending and noting that it was sent, which is where people could be told twice.
    first.until("sent", is_point("sent"));
    let mut kills = BTreeMap::from([(first.kill(), 1)]);
    second.signal("CONT");
    // Added while the others work; one is killed in the middle of an object.
    let third = three.home.start();
    third.signal("STOP");
    fleet.place.put(portions[1]);
    second.until("matched", is_point("matched"));
    *kills.entry(second.kill()).or_default() += 1;
    // Cut off: it says so, acknowledges nothing and sends nothing, and comes back by itself.
    let mut fourth = four.home.start();
    fleet.place.put(portions[2]);
    fourth.until("matched", is_point("matched"));
    third.signal("CONT");
    four.gateway.shut(true);
    fleet.place.put(portions[3]);
    fourth.until("that the store is not reached", |line| {
        let text = line["error"].as_str().unwrap_or_default();
        line["message"].as_str().is_some_and(|text| text.starts_with("cannot"))
            && text.contains("is not reached")
    });
    let first = one.home.start();
    fleet.place.put(portions[4]);
    // Told to stop while it has objects in hand.
    drop(third.stop());
    std::thread::sleep(Duration::from_secs(2));
    four.gateway.shut(false);
    fleet.place.put(portions[5]);
    let second = two.home.start();
    fleet.place.until_done(&one.home);
    for program in [first, second, fourth] {
        drop(program.stop());
    }
    // Each looks once more at what it wrote and did not note, and cuts it off.
    for replica in [one, two, three, four] {
        drop(replica.home.start().stop());
    }
    eprintln!("killed after {:?}", kills.keys());
    fleet.is_whole(&[one, two, three, four], OBJECTS, &expected);
    let told = fleet.told();
    let doubles: Vec<_> = told.iter().filter(|(_, count)| **count > 1).collect();
    eprintln!("told more than once, with the same id: {doubles:?}");
    // What was under way at two kills and a cut, at the most.
    assert!(doubles.len() <= 3 * MOST_UNDER_WAY, "{doubles:?}");
    let found: BTreeSet<String> = files(&[one, two, three, four]).into_keys().collect();
    assert_eq!(found, expected, "the files");
}

/// Messages that a replica sends to a topic at once.
const MOST_UNDER_WAY: usize = 10;

fn is_point(name: &'static str) -> impl Fn(&Value) -> bool {
    move |line| line["point"] == name
}

#[test]
fn a_replica_that_cannot_reach_its_table_waits_for_it_and_is_not_ready() {
    let fleet = Fleet::new();
    let replica = fleet.replica("one");
    let config = replica.home.config();
    replica.home.configure(&format!("{config}metrics: {{listen: \"127.0.0.1:0\"}}\n"));
    replica.gateway.shut(true);
    let waits = |line: &Value| {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        text("message").starts_with("cannot begin without the store")
            && text("error").contains(&format!("table {} is not reached", fleet.table))
    };
    let mut program = replica.home.launch(&["run"]);
    program.until("that it waits", waits);
    program.until("that it waits on", waits);
    let (status, text) = get(&format!("{}/readyz", program.pages()));
    assert!(status == 503 && text.contains("is not reached"), "{status} {text}");
    // Nothing is gained by a restart.
    assert_eq!(get(&format!("{}/healthz", program.pages())).0, 200);
    let (objects, expected) = objects(2);
    fleet.place.put(&objects);
    replica.gateway.shut(false);
    program.until("that it runs", |line| line["message"] == "running");
    fleet.place.until_done(&replica.home);
    assert_eq!(get(&format!("{}/readyz", program.pages())).0, 200);
    program.stop();
    fleet.is_whole(&[&replica], objects.len(), &expected);
    // Told to stop meanwhile it ends, and well.
    replica.gateway.shut(true);
    let mut program = replica.home.launch(&["run"]);
    program.until("that it waits", waits);
    program.stop();
    replica.gateway.shut(false);
    // What waiting cannot mend is told at once.
    replica.gateway.judge(|_| {
        let kind = "com.amazonaws.dynamodb.v20120810#AccessDeniedException";
        let body = serde_json::json!({"__type": kind, "message": "made up"});
        Verdict::Answer(400, body.to_string())
    });
    let (code, _, told) = replica.home.run(&["run"]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("allow dynamodb:"), "{told}");
}

#[test]
fn what_makes_no_sense_for_a_table_says_what_does() {
    let fleet = Fleet::new();
    let replica = fleet.replica("one");
    let told = replica.home.refused(&["store", "backup", "copy.db"]);
    assert!(told.contains("aws dynamodb create-backup --table-name"), "{told}");
    let told = replica.home.refused(&["alerts", "list"]);
    assert!(told.contains("is not there: `askance run` makes it"), "{told}");
    replica.gateway.shut(true);
    let told = replica.home.refused(&["store", "stats"]);
    assert!(told.contains(&format!("table {} is not reached", fleet.table)), "{told}");
}
