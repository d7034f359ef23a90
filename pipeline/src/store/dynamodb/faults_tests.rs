//! A commit while any one of its calls fails, in each way that a call can.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use askance_stages::raise::Raise;
use tokio::sync::{mpsc, watch};

use super::tests::Server;
use super::{DynamoConfig, DynamoStore};
use crate::aws::{Aws, Place};
use crate::config;
use crate::runtime::clock::Clock;
use crate::runtime::commit::Committer;
use crate::runtime::plan::Plan;
use crate::runtime::workers::{Delivery, End};
use crate::sources::envelope::Acked;
use crate::sources::{Ack as Acknowledgement, Verdict as Acknowledged};
use crate::store::contract::values::{NOW, alert, at, commit, raise, reject, tell};
use crate::store::{AlertChoice, Commit, OutboxChoice, Store};
use crate::support::gateway::Verdict;
use crate::telemetry::Families;

/// What DynamoDB says.
fn refusal(kind: &str) -> Verdict {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
    Verdict::Answer(400, serde_json::json!({"__type": kind, "message": "made up"}).to_string())
}

/// Two objects: more alerts than one transaction takes, of a few things, and what could not be read.
fn deliveries() -> (Vec<Delivery>, Vec<Acked>) {
    let mut acked = Vec::new();
    let deliveries = (0..2)
        .map(|object| {
            let (ack, waits) = Acknowledgement::new();
            acked.push(waits);
            let ids = (0..9).map(|index| (format!("{object}-{index}"), format!("{}", index % 2)));
            Delivery {
                entries: Vec::new(),
                given: Vec::new(),
                is_historic: false,
                source: Arc::from("trail"),
                key: Some(format!("object {object}")),
                alerts: ids.map(|(id, thing)| alert(&id, &thing)).collect(),
                rejects: vec![reject("same"), reject(&format!("of {object}"))],
                fence: None,
                end: Some(End { tally: None, alerts: 9, took: Default::default(), ack }),
            }
        })
        .collect();
    (deliveries, acked)
}

/// Commits as the service does, until it went well; answers what was counted.
async fn commit_all(store: &Arc<DynamoStore>) -> Families {
    // Compiling the rules takes longer than all the rest.
    static PLAN: OnceLock<Arc<Plan>> = OnceLock::new();
    let plan = PLAN.get_or_init(|| {
        let text = "sinks: {log: {type: stdout}, people: {type: stdout}}";
        let config = config::parse(text, std::path::Path::new("")).unwrap();
        Arc::new(Plan::build(&config, false, at(NOW)).unwrap())
    });
    let families = Families::new();
    let current = watch::channel(Arc::clone(plan)).1;
    let clock = Clock::of(|| at(NOW));
    let committer =
        Committer::for_test(Arc::clone(store) as Arc<dyn Store>, current, clock, &families);
    let (all, acked) = deliveries();
    let (sender, receiver) = mpsc::channel(8);
    for delivery in all {
        sender.send(delivery).await.unwrap();
    }
    drop(sender);
    committer.run(receiver).await;
    for waits in acked {
        assert_eq!(waits.verdict().await, Acknowledged::Done);
    }
    families
}

/// Everything that people or programs see of it, without numbers, which have holes after failures.
async fn seen(store: &DynamoStore) -> String {
    let mut lines = Vec::new();
    for one in store.alerts(&AlertChoice::default()).await.unwrap() {
        let group = one.group.map(|group| (group.count, group.samples.len(), group.sinks));
        lines.push(format!("{} {} {} {group:?}", one.id, one.fate, one.leader));
    }
    for row in store.outbox(&OutboxChoice::default()).await.unwrap() {
        lines.push(format!("{} {} {} {}", row.sink, row.kind, row.alert, row.state));
    }
    for (number, row) in store.rejects(0, 100).await.unwrap() {
        lines.push(format!("{number} {}", row.origin));
    }
    let keys = ["object 0", "object 1"].map(str::to_owned);
    lines.push(format!("{:?}", store.are_done(&keys).await.unwrap()));
    lines.join("\n")
}

/// Lets one call fail, and answers what is seen in the end and how many calls there were.
async fn run(server: &Server, failing: usize, failure: Verdict) -> (String, usize) {
    let server = server.another();
    let store = Arc::new(server.open(server.config("one")).await.unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    server.gateway.judge(move |_| {
        let call = counted.fetch_add(1, Ordering::SeqCst) + 1;
        if call == failing { failure.clone() } else { Verdict::Pass }
    });
    commit_all(&store).await;
    let count = calls.load(Ordering::SeqCst);
    server.gateway.pass();
    (seen(&store).await, count)
}

/// Lets each call fail in turn; what comes of it is the same.
async fn check(failure: impl Fn(usize) -> Verdict) {
    let server = Server::start();
    let (expected, calls) = run(&server, 0, Verdict::Pass).await;
    assert_eq!(expected.lines().filter(|line| line.contains(" told ")).count(), 2, "{expected}");
    assert!(expected.contains("[true, true]") && calls > 15, "{calls} calls: {expected}");
    for failing in 1..=calls {
        let failure = failure(failing);
        let (found, _) = run(&server, failing, failure.clone()).await;
        assert_eq!(found, expected, "call {failing} of {calls}: {failure:?}");
    }
}

#[tokio::test]
async fn a_commit_is_whole_though_any_call_is_cut() {
    check(|_| Verdict::Cut).await;
}

#[tokio::test]
async fn a_commit_is_whole_though_any_answer_is_lost() {
    check(|_| Verdict::Lose).await;
}

#[tokio::test]
async fn a_commit_is_whole_though_dynamodb_refuses_any_call() {
    let kinds = ["ThrottlingException", "InternalServerError"];
    check(|call| refusal(kinds[call % 2])).await;
}

/// Another replica raises an alert about the same thing, from beginning to end.
fn faster(url: String, config: DynamoConfig) {
    let raised = std::thread::spawn(move || {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let client = Aws::on_loopback(&url).dynamodb(&Place::default()).await;
            let store = DynamoStore::open_beside(client, config, &Families::new()).await.unwrap();
            tell(&store, &raise(), vec![alert("z", "0")], at(NOW)).await.unwrap();
        });
    });
    raised.join().unwrap();
}

#[tokio::test]
async fn a_commit_that_another_replica_was_faster_than_is_decided_anew() {
    let server = Server::start();
    let store = Arc::new(server.open(server.config("one")).await.unwrap());
    let (url, config) = (server.url(), server.config("two"));
    let mut is_first = true;
    server.gateway.judge(move |action| {
        if action == "TransactWriteItems" && std::mem::take(&mut is_first) {
            faster(url.clone(), config.clone());
        }
        Verdict::Pass
    });
    let counted = commit_all(&store).await;
    assert_eq!(counted.store_conflicts.get(), 1);
    assert_eq!(counted.store_errors.get(), 0, "it is no failure");
    let alerts = store.alerts(&AlertChoice::default()).await.unwrap();
    let mut told: Vec<(&str, u64)> = alerts
        .iter()
        .filter(|one| one.fate == "told")
        .map(|one| (one.id.as_str(), one.group.as_ref().unwrap().count))
        .collect();
    told.sort_unstable();
    assert_eq!(told, [("0-1", 8), ("z", 11)]);
}

#[tokio::test]
async fn nothing_of_an_object_counts_as_read_while_the_last_call_fails() {
    let server = Server::start();
    let store = Arc::new(server.open(server.config("one")).await.unwrap());
    server.gateway.judge(|action| match action {
        "BatchWriteItem" => Verdict::Cut,
        _ => Verdict::Pass,
    });
    let waits = tokio::time::timeout(std::time::Duration::from_secs(3), commit_all(&store)).await;
    assert!(waits.is_err(), "it is tried again and again");
    server.gateway.pass();
    let keys = ["object 0", "object 1"].map(str::to_owned);
    assert_eq!(store.are_done(&keys).await.unwrap(), [false, false]);
    // The program ends here, and the next one reads the objects again.
    commit_all(&store).await;
    assert_eq!(seen(&store).await, run(&server, 0, Verdict::Pass).await.0);
}

#[tokio::test]
async fn more_than_a_transaction_holds_is_refused_whole() {
    let server = Server::start();
    let store = server.open(server.config("one")).await.unwrap();
    let sinks: Vec<String> = (0..60).map(|number| format!("sink {number:02}")).collect();
    let routes = vec![askance_stages::raise::Route { to: sinks, ..Default::default() }];
    let raise = Raise { routes, ..raise() };
    let outcome = raise.run(vec![alert("a", "x"), alert("b", "y")], Default::default(), at(NOW));
    let error = store.commit(commit(outcome, at(NOW))).await.unwrap_err();
    assert!(matches!(error, crate::store::StoreError::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains("of which DynamoDB writes 100 at once"), "{error}");
    assert_eq!(store.alerts(&AlertChoice::default()).await.unwrap().len(), 0);
    // By themselves they fit.
    for id in ["a", "b"] {
        let outcome = raise.run(vec![alert(id, id)], Default::default(), at(NOW));
        store.commit(commit(outcome, at(NOW))).await.unwrap();
    }
    assert_eq!(store.depths().await.unwrap().len(), 60);
}

#[tokio::test]
async fn what_is_larger_than_an_item_comes_back_whole() {
    let server = Server::start();
    let store = server.open(server.config("one")).await.unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let noise: String = (0..2_000_000).map(|_| random.alphanumeric()).collect();
    let mut one = alert("a", "x");
    let event = serde_json::json!({"userAgent": noise}).to_string();
    one.event = serde_json::value::RawValue::from_string(event).ok();
    // A group names accounts, and what a log says is an account may be anything.
    one.account = Some(noise.clone());
    let outcome = raise().run(vec![one], Default::default(), at(NOW));
    let json = outcome.raised[0].json.clone();
    let rejects = vec![crate::store::RejectRow { evidence: noise.clone(), ..reject("r") }];
    store.commit(Commit { rejects, ..commit(outcome, at(NOW)) }).await.unwrap();
    let found = store.alerts(&AlertChoice::default()).await.unwrap().remove(0);
    assert_eq!(found.alert.get(), json);
    assert_eq!(found.group.unwrap().accounts, std::slice::from_ref(&noise));
    assert_eq!(store.due("log", at(NOW), 1).await.unwrap()[0].alert, json);
    assert_eq!(store.rejects(0, 1).await.unwrap()[0].1.evidence, noise);
    let error = store.settle("log", Vec::new(), Some(noise.clone())).await.unwrap_err();
    assert!(error.to_string().contains("a sink's place is 2000000 bytes long"), "{error}");
    let ack = crate::store::Ack { by: noise, at: NOW.to_owned(), note: None };
    let error = store.acknowledge(&AlertChoice::default(), &ack).await.unwrap_err();
    assert!(error.to_string().contains("the note is"), "{error}");
}
