//! Tests of asking: an organisation of moto's, and a stand-in that throttles and refuses.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use askance_stages::enrich::Account;
use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::Tag;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::aws::{Aws, Place};
use crate::config::{self, AccountsConfig};
use crate::context::Context;
use crate::support::moto::Moto;
use crate::telemetry::{Families, Health};

fn config(folder: &Path) -> AccountsConfig {
    let text = "enrich: {accounts: {file: accounts.json, owner_tag: Owner}}";
    config::parse(text, folder).unwrap().enrich.accounts.unwrap()
}

fn refresher(folder: &Path, aws: Aws) -> Refresher {
    let (health, families) = (Health::default(), Families::new());
    Refresher { config: config(folder), aws, health, families }
}

async fn unit(client: &Client, parent: &str, name: &str) -> String {
    let made = client.create_organizational_unit().parent_id(parent).name(name).send().await;
    made.unwrap().organizational_unit.unwrap().id.unwrap()
}

/// Makes an account and moves it from the root.
async fn account(
    client: &Client,
    name: &str,
    (root, unit): (&str, &str),
    tags: &[(&str, &str)],
) -> String {
    let email = format!("{name}@example.com");
    let made = client.create_account().account_name(name).email(email).send().await.unwrap();
    let id = made.create_account_status.unwrap().account_id.unwrap();
    if root != unit {
        let moved = client.move_account().account_id(&id).source_parent_id(root);
        moved.destination_parent_id(unit).send().await.unwrap();
    }
    let tag = |(key, value): &(&str, &str)| Tag::builder().key(*key).value(*value).build().unwrap();
    let tags = tags.iter().map(tag).collect();
    client.tag_resource().resource_id(&id).set_tags(Some(tags)).send().await.unwrap();
    id
}

#[tokio::test]
async fn accounts_are_listed_with_units_and_tags_and_taken_over() {
    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
    let aws = Aws::on_loopback(moto.url());
    let client = aws.organizations(&Place::default()).await;
    client.create_organization().send().await.unwrap();
    let root = client.list_roots().send().await.unwrap().roots.unwrap()[0].id.clone().unwrap();
    let workloads = unit(&client, &root, "workloads").await;
    let production = unit(&client, &workloads, "production").await;
    let shop = account(
        &client,
        "shop",
        (&root, &production),
        &[("owner", "team-shop"), ("Environment", "prod"), ("cost.center", "42")],
    )
    .await;
    let sandbox = account(&client, "sandbox", (&root, &workloads), &[("team", "all")]).await;
    let own = account(&client, "logs", (&root, &root), &[("team", "platform")]).await;

    let folder = tempfile::tempdir().unwrap();
    let refresher = refresher(folder.path(), aws);
    let wait = refresher.first(&CancellationToken::new()).await;
    assert_eq!(wait, Duration::from_secs(6 * 3600));
    assert!(refresher.health.warnings().is_empty());
    let listed: BTreeMap<String, Account> = read(&refresher.config.file)
        .unwrap()
        .unwrap()
        .into_iter()
        .map(|it| (it.id.clone(), it))
        .collect();
    // The account that manages the organisation is in it too.
    assert_eq!(listed.len(), 4, "{listed:?}");
    let expected = Account {
        id: shop.clone(),
        name: Some("shop".to_owned()),
        owner: Some("team-shop".to_owned()),
        environment: Some("prod".to_owned()),
        ou: Some("workloads/production".to_owned()),
        tags: [("owner", "team-shop"), ("Environment", "prod"), ("cost.center", "42")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    };
    assert_eq!(listed[&shop], expected);
    assert_eq!(listed[&sandbox].ou.as_deref(), Some("workloads"));
    assert_eq!((&listed[&own].ou, listed[&own].tags.len()), (&None, 1));

    // What is written by hand goes before it, in routes and messages too.
    let by_hand = folder.path().join("by_hand.yaml");
    std::fs::write(&by_hand, format!("\"{shop}\": {{name: the shop}}\n")).unwrap();
    let context = Context {
        accounts: Some(by_hand),
        listed: Some(refresher.config.file.clone()),
        ..Context::default()
    };
    let known = context.read(Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(known.accounts[&shop].name.as_deref(), Some("the shop"));
    assert_eq!(known.accounts[&shop].ou.as_deref(), Some("workloads/production"));
    assert_eq!(known.accounts[&sandbox].tags["team"], "all");

    // With a good answer at hand the start waits for nothing.
    assert_eq!(refresher.first(&CancellationToken::new()).await, Duration::ZERO);
}

/// Answers of a stand-in by operation, the last one again and again, and how often each was asked.
#[derive(Debug, Clone, Default)]
struct StandIn(Arc<Mutex<BTreeMap<String, Asked>>>);

/// Answers, and how often they were asked for.
type Asked = (Vec<(u16, Value)>, usize);

impl StandIn {
    fn answers(&self, operation: &str, answers: &[(u16, Value)]) {
        self.0.lock().unwrap().insert(operation.to_owned(), (answers.to_vec(), 0));
    }

    fn asked(&self, operation: &str) -> usize {
        self.0.lock().unwrap()[operation].1
    }

    async fn start(&self) -> Aws {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", post(answer)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Aws::on_loopback(&format!("http://{address}"))
    }
}

async fn answer(State(here): State<StandIn>, headers: HeaderMap) -> (StatusCode, String) {
    let target = headers["x-amz-target"].to_str().unwrap();
    let mut all = here.0.lock().unwrap();
    let operation = target.rsplit('.').next().unwrap();
    let (answers, asked) = all.get_mut(operation).unwrap_or_else(|| panic!("{operation}"));
    let (status, body) = answers[(*asked).min(answers.len() - 1)].clone();
    *asked += 1;
    (StatusCode::from_u16(status).unwrap(), body.to_string())
}

/// One account in the root.
fn one_account() -> StandIn {
    let here = StandIn::default();
    here.answers("ListRoots", &[(200, json!({"Roots": [{"Id": "r-1", "Name": "Root"}]}))]);
    here.answers("ListOrganizationalUnitsForParent", &[(200, json!({"OrganizationalUnits": []}))]);
    let accounts = |id: &str, next: Option<&str>| {
        (200, json!({"Accounts": [{"Id": id, "Name": "shop"}], "NextToken": next}))
    };
    here.answers(
        "ListAccountsForParent",
        &[accounts("111122223333", Some("more")), accounts("444455556666", None)],
    );
    here.answers(
        "ListTagsForResource",
        &[(200, json!({"Tags": [{"Key": "OWNER", "Value": "a"}]}))],
    );
    here
}

fn file(folder: &Path) -> PathBuf {
    folder.join("accounts.json")
}

#[tokio::test]
async fn being_told_to_slow_down_is_no_failure() {
    let here = one_account();
    let slow = (400, json!({"__type": "TooManyRequestsException", "Message": "slow"}));
    let tags = (200, json!({"Tags": [{"Key": "OWNER", "Value": "a"}]}));
    here.answers("ListTagsForResource", &[slow.clone(), slow, tags]);
    let folder = tempfile::tempdir().unwrap();
    let refresher = refresher(folder.path(), here.start().await);
    refresher.first(&CancellationToken::new()).await;
    let listed = read(&file(folder.path())).unwrap().unwrap();
    assert_eq!(listed.len(), 2, "both pages");
    assert!(listed.iter().all(|account| account.owner.as_deref() == Some("a")));
    assert_eq!(here.asked("ListTagsForResource"), 4);
}

#[tokio::test]
async fn the_last_good_answer_holds_while_there_is_no_new_one() {
    let here = one_account();
    let aws = here.start().await;
    let folder = tempfile::tempdir().unwrap();
    let refresher = refresher(folder.path(), aws.clone());
    let denied = (403, json!({"__type": "AccessDeniedException", "Message": "not you"}));
    here.answers("ListTagsForResource", &[denied]);
    assert_eq!(refresher.first(&CancellationToken::new()).await, Duration::from_secs(5));
    let told = refresher.health.warnings().join("\n");
    assert!(told.starts_with("accounts: cannot list tags of 111122223333: AccessDenied"), "{told}");
    assert!(told.ends_with("there is no earlier answer"), "{told}");
    assert!(!file(folder.path()).exists(), "half an answer is none");

    one_account().0.lock().unwrap().iter().for_each(|(operation, (answers, _))| {
        here.answers(operation, answers);
    });
    assert_eq!(refresher.first(&CancellationToken::new()).await, Duration::from_secs(6 * 3600));
    assert!(refresher.health.warnings().is_empty());
    let count =
        |outcome: &str| refresher.families.accounts_refreshes.with_label_values(&[outcome]).get();
    assert_eq!((count("ok"), refresher.families.accounts_listed.get()), (1, 2));
    assert!(refresher.families.accounts_listed_at.get() > 0);
    let before = std::fs::read(file(folder.path())).unwrap();

    // Organizations cannot be reached, or lists nothing.
    let roots = json!({"Roots": []});
    here.answers("ListRoots", &[(200, roots)]);
    for aws in [Aws::on_loopback("http://127.0.0.1:1"), aws] {
        let refresher = Refresher { aws, ..refresher.clone() };
        let stop = CancellationToken::new();
        let running = tokio::spawn(refresher.clone().run(Duration::ZERO, stop.clone()));
        let until = std::time::Instant::now() + Duration::from_secs(60);
        while refresher.health.warnings().is_empty() && std::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
        running.await.unwrap();
        let told = refresher.health.warnings().join("\n");
        assert!(told.ends_with("the 2 accounts of the last answer still hold"), "{told}");
        assert!(refresher.health.why_unready().is_empty());
        assert_eq!(std::fs::read(file(folder.path())).unwrap(), before);
        assert!(refresher.families.accounts_refreshes.with_label_values(&["failed"]).get() > 0);
        refresher.health.well(&crate::telemetry::Part::Accounts);
    }
    assert_eq!(count("ok"), 1);
}
