//! Tables that are not there, not ours, newer, or that we may not use.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use serde_json::json;

use super::keys::{Key, NEXT, hash};
use super::row::Row;
use super::tests::Server;
use super::{DynamoConfig, DynamoStore};
use crate::store::contract::values::{NOW, after, alert, at, object, raise, tell};
use crate::store::{AlertChoice, Commit, OutboxChoice, Settled, Store, StoreError};
use crate::support::gateway::Verdict;

#[track_caller]
fn says(error: &StoreError, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} in {text}");
    }
}

fn refusal(kind: &str, message: &str) -> Verdict {
    let text = json!({"__type": format!("com.amazon.coral.service#{kind}"), "message": message});
    Verdict::Answer(400, text.to_string())
}

#[tokio::test]
async fn a_table_is_made_once_with_everything_that_it_needs() {
    let server = Server::start();
    let open = |name| server.open(server.config(name));
    let (one, two) = futures::join!(open("one"), open("two"));
    drop((one.unwrap(), two.unwrap()));
    let client = server.client().await;
    let table = client.describe_table().table_name(&server.table).send().await.unwrap();
    let table = table.table.unwrap();
    let billing = table.billing_mode_summary.unwrap().billing_mode.unwrap();
    assert_eq!(billing, BillingMode::PayPerRequest);
    let ttl = client.describe_time_to_live().table_name(&server.table).send().await.unwrap();
    let ttl = ttl.time_to_live_description.unwrap();
    assert_eq!(ttl.attribute_name.as_deref(), Some("expires_at"));
    assert_eq!(ttl.time_to_live_status.unwrap().as_str(), "ENABLED");
}

/// That there is none is an answer and no fault, whichever attempt is told so.
#[tokio::test]
async fn a_table_is_made_though_the_first_look_for_it_is_cut() {
    let server = Server::start();
    let asked = AtomicUsize::new(0);
    server.gateway.judge(move |action| match action {
        "DescribeTable" if asked.fetch_add(1, Ordering::SeqCst) == 0 => Verdict::Cut,
        _ => Verdict::Pass,
    });
    let error = server.open(server.config("one")).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    server.open(server.config("one")).await.unwrap();
}

#[tokio::test]
async fn a_table_that_is_not_there_is_told_with_what_makes_it() {
    let server = Server::start();
    let config = DynamoConfig { create: false, ..server.config("one") };
    let error = server.open(config).await.unwrap_err();
    let how = format!("aws dynamodb create-table --table-name {}", server.table);
    says(
        &error,
        &[&how, "--billing-mode PAY_PER_REQUEST", "update-time-to-live", "IndexName=by_time"],
    );
    assert!(!error.is_transient());
    let client = server.client().await;
    let beside = DynamoStore::open_beside(client, server.config("one"), &server.families).await;
    says(&beside.unwrap_err(), &["is not there: `askance run` makes it"]);
}

#[tokio::test]
async fn missing_permissions_are_named() {
    let server = Server::start();
    let denied = "User: arn:aws:sts::1:assumed-role/x is not authorized";
    server.gateway.judge(move |action| match action {
        "CreateTable" => refusal("AccessDeniedException", denied),
        _ => Verdict::Pass,
    });
    let error = server.open(server.config("one")).await.unwrap_err();
    says(&error, &["AccessDeniedException", "dynamodb:CreateTable", "aws dynamodb create-table"]);
    server.gateway.pass();
    let store = server.open(server.config("one")).await.unwrap();
    server.gateway.judge(move |_| refusal("AccessDeniedException", denied));
    let error = store.are_done(&["a".to_owned()]).await.unwrap_err();
    says(&error, &["dynamodb:BatchGetItem", "deploy/iam/askance-dynamodb.json"]);
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_table_of_others_is_refused_and_left_alone() {
    let server = Server::start();
    let client = server.client().await;
    let (string, hash) = (ScalarAttributeType::S, KeyType::Hash);
    let attribute = AttributeDefinition::builder().attribute_name("id").attribute_type(string);
    let key = KeySchemaElement::builder().attribute_name("id").key_type(hash);
    let make = client.create_table().table_name(&server.table);
    make.attribute_definitions(attribute.build().unwrap())
        .key_schema(key.build().unwrap())
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await
        .unwrap();
    let error = server.open(server.config("one")).await.unwrap_err();
    says(&error, &["is no store of askance: its key is id (HASH) and not pk (HASH), sk (RANGE)"]);
    let ttl = client.describe_time_to_live().table_name(&server.table).send().await.unwrap();
    let ttl = ttl.time_to_live_description.unwrap();
    assert_eq!(ttl.time_to_live_status.unwrap().as_str(), "DISABLED");
}

#[tokio::test]
async fn a_newer_table_is_refused() {
    let server = Server::start();
    drop(server.open(server.config("one")).await.unwrap());
    let client = server.client().await;
    let mut row = Row::at(&Key::table());
    row.number(NEXT, 99);
    client.put_item().table_name(&server.table).set_item(Some(row.0)).send().await.unwrap();
    let words = ["has rows of version 99", "knows them up to version 1", "use a newer askance"];
    says(&server.open(server.config("one")).await.unwrap_err(), &words);
    let beside = DynamoStore::open_beside(client, server.config("one"), &server.families).await;
    says(&beside.unwrap_err(), &words);
}

#[tokio::test]
async fn a_row_that_somebody_else_wrote_is_told() {
    let server = Server::start();
    let store = server.open(server.config("one")).await.unwrap();
    let mut row = Row::at(&Key::position("log", "one"));
    row.bytes(super::keys::BODY, b"what is this".to_vec());
    let client = server.client().await;
    client.put_item().table_name(&server.table).set_item(Some(row.0)).send().await.unwrap();
    says(&store.position("log").await.unwrap_err(), &["not what askance wrote"]);
    // An alert that cannot be read keeps nobody from the others.
    tell(&store, &raise(), vec![alert("a", "x"), alert("b", "y")], at(NOW)).await.unwrap();
    let mut row = Row::at(&Key::alert(&hash(&["a"])));
    row.bytes(super::keys::BODY, b"what is this".to_vec());
    client.put_item().table_name(&server.table).set_item(Some(row.0)).send().await.unwrap();
    let due = store.due("log", at(NOW), 10).await.unwrap();
    let ids: Vec<&str> = due.iter().map(|one| one.alert_id.as_str()).collect();
    assert_eq!(ids, ["", "b"]);
    assert_eq!(store.alerts(&AlertChoice::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_alert_stays_as_long_as_a_dead_letter_is_about_it() {
    let server = Server::start();
    let store = server.open(server.config("one")).await.unwrap();
    let client = server.client().await;
    let expires = || async {
        let key = Row::at(&Key::alert(&hash(&["a"])));
        let get = client.get_item().table_name(&server.table).set_key(Some(key.0));
        Row(get.send().await.unwrap().item.unwrap()).get_number(super::keys::EXPIRES)
    };
    tell(&store, &raise(), vec![alert("a", "x"), alert("a2", "x")], at(NOW)).await.unwrap();
    assert!(expires().await.is_some());
    for _ in ["new", "update"] {
        let number = store.due("log", after(600), 1).await.unwrap()[0].number;
        let dead = Settled::Dead { number, error: "no".to_owned() };
        store.settle("log", vec![dead], None).await.unwrap();
        assert_eq!(expires().await, None);
    }
    let dead = OutboxChoice { is_dead: true, ..OutboxChoice::default() };
    assert_eq!(store.discard(&dead).await.unwrap(), 2);
    assert!(expires().await.is_some());
}

#[tokio::test]
async fn throttled_calls_are_tried_again_and_counted() {
    let server = Server::start();
    let store = server.open(server.config("one")).await.unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    server.gateway.judge(move |_| match counted.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => refusal("ProvisionedThroughputExceededException", "slow down"),
        _ => Verdict::Pass,
    });
    let objects = vec![object("a")];
    store.commit(Commit { objects, now: Some(at(NOW)), ..Commit::default() }).await.unwrap();
    let throttled = server.families.store_throttled.with_label_values(&["BatchWriteItem"]).get();
    assert_eq!((calls.load(Ordering::SeqCst), throttled), (3, 2));
    server.gateway.judge(|_| refusal("ThrottlingException", "slow down"));
    let error = store.are_done(&["a".to_owned()]).await.unwrap_err();
    says(&error, &["is throttled", "slow down"]);
    assert!(error.is_transient() && !error.is_conflict());
}

#[tokio::test]
async fn a_transaction_that_meets_another_one_is_tried_again() {
    let server = Server::start();
    let store = server.open(server.config("one")).await.unwrap();
    let meetings = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&meetings);
    server.gateway.judge(move |action| {
        if action != "TransactWriteItems" || counted.fetch_add(1, Ordering::SeqCst) > 0 {
            return Verdict::Pass;
        }
        let text = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "Transaction cancelled",
            "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
        });
        Verdict::Answer(400, text.to_string())
    });
    store.settle("log", Vec::new(), Some("10".to_owned())).await.unwrap();
    assert_eq!(store.position("log").await.unwrap().as_deref(), Some("10"));
    assert_eq!(meetings.load(Ordering::SeqCst), 2);
}
