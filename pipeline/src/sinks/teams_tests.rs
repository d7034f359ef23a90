//! Teams against a stand-in that checks cards as the webhook of a workflow does.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use expect_test::expect_file;

use super::*;
use crate::config::SecretRef;
use crate::sinks::contract::faults::{Speech, Way};
use crate::sinks::contract::{self, Arrived, Failure, Place, builtin, contract, notices};

const HOOK: &str = "/workflows/0123456789abcdef/triggers/manual/paths/invoke";

contract!(teams, Channel);

struct Channel {
    cards: Arc<Mutex<Vec<Value>>>,
    way: Way,
}

#[async_trait]
impl Place for Channel {
    const IS_FOR_PEOPLE: bool = true;

    async fn start() -> Self {
        let cards = Arc::default();
        let app = Router::new().route(HOOK, post(posted)).with_state(Arc::clone(&cards));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let refusal = Speech::Http(400, r#"{"error":{"code":"TriggerInputSchemaMismatch"}}"#);
        Self { cards, way: Way::to(address, refusal).await }
    }

    async fn open(&self) -> Box<dyn Sink> {
        let url = format!("http://{}{HOOK}?sig=teamsecret", self.way.address);
        let config = TeamsConfig { webhook_url: SecretRef::parse(&url), languages: None };
        Box::new(Teams::open(&config, &contract::context("http://127.0.0.1:1")).await.unwrap())
    }

    async fn arrived(&self) -> Vec<Arrived> {
        let cards = self.cards.lock().unwrap();
        let read = cards.iter().map(|card| {
            let text = read(card);
            Arrived { id: contract::id_in(&text), text }
        });
        read.collect()
    }

    fn fail(&self, how: Failure) -> bool {
        self.way.fail(how);
        true
    }

    fn secrets(&self) -> Vec<String> {
        vec!["teamsecret".to_owned(), HOOK.to_owned()]
    }
}

async fn posted(State(cards): State<Arc<Mutex<Vec<Value>>>>, body: Bytes) -> (StatusCode, String) {
    match check_card(&body) {
        Ok(card) => {
            cards.lock().unwrap().push(card);
            (StatusCode::ACCEPTED, String::new())
        }
        Err(why) => (StatusCode::BAD_REQUEST, why),
    }
}

/// What is documented of cards: their size, their elements, and no text that is read as markdown.
fn check_card(body: &[u8]) -> Result<Value, String> {
    if body.len() > 28 << 10 {
        return Err(format!("{} bytes", body.len()));
    }
    let card: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let attachment = &card["attachments"][0];
    let content = &attachment["content"];
    let is_card = card["type"] == "message"
        && attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        && content["type"] == "AdaptiveCard"
        && content["version"] == "1.4";
    if !is_card {
        return Err("no message with a card".to_owned());
    }
    for block in content["body"].as_array().ok_or("no body")? {
        let inlines = block["inlines"].as_array().filter(|list| !list.is_empty());
        let is_text = block["type"] == "RichTextBlock";
        for run in inlines.filter(|_| is_text).ok_or_else(|| format!("no text: {block}"))? {
            let text = run["text"].as_str().unwrap_or_default();
            if run["type"] != "TextRun" || run["selectAction"].is_object() || text.contains("{{") {
                return Err(format!("no plain run: {run}"));
            }
        }
    }
    for action in content["actions"].as_array().ok_or("no actions")? {
        let is_web = action["url"].as_str().is_some_and(|url| url.starts_with("https://"));
        if action["type"] != "Action.OpenUrl" || !is_web {
            return Err(format!("no link: {action}"));
        }
    }
    Ok(card)
}

fn read(card: &Value) -> String {
    let blocks = card["attachments"][0]["content"]["body"].as_array().unwrap();
    let lines = blocks.iter().map(|block| {
        let runs = block["inlines"].as_array().unwrap().iter();
        runs.filter_map(|run| run["text"].as_str()).collect::<String>()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_card_that_is_too_large_says_what_it_lacks() {
    let notice = notices::largest();
    let message = Message::of(&notice, &[Language::Ja, Language::En]);
    let body = fitted(&message);
    let card = check_card(body.as_bytes()).unwrap();
    assert!(read(&card).contains("一部を省略しています"));
}

#[test]
fn card_of_a_real_act() {
    let notice = builtin::notice("signin/root_console_login");
    let card = card(&Message::of(&notice, &[Language::Ja, Language::En]));
    let json = serde_json::to_string_pretty(&card).unwrap();
    expect_file!["words/snapshots/root_sign_in.teams.json"].assert_eq(&(json + "\n"));
}
