//! Slack against a stand-in that checks what Slack documents and answers as it does.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use askance_stages::raise::MessageKind;
use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use expect_test::expect_file;
use serde_json::{Value, json};

use super::*;
use crate::config::SecretRef;
use crate::sinks::contract::faults::{Speech, Way as Road};
use crate::sinks::contract::{self, Arrived, Failure, Place, builtin, contract, notices};

const TOKEN: &str = "xoxb-123-secret";
const HOOK: &str = "/services/T0/B0/hooksecret";
const CHANNEL: &str = "C0123456789";

contract!(slack_by_bot, Bot);
contract!(slack_by_webhook, Hook);

/// What was posted, in order; edits are posts with `edited`.
type Posts = Arc<Mutex<Vec<Value>>>;

struct Workspace {
    posts: Posts,
    road: Road,
}

struct Bot(Workspace);
struct Hook(Workspace);

impl Workspace {
    async fn start(refusal: Speech) -> Self {
        let posts = Posts::default();
        let app = Router::new()
            .route("/api/{method}", post(called))
            .route(HOOK, post(hooked))
            .with_state(Arc::clone(&posts));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { posts, road: Road::to(address, refusal).await }
    }

    fn arrived(&self) -> Vec<Arrived> {
        let posts = self.posts.lock().unwrap();
        posts
            .iter()
            .filter(|post| post["edited"].is_null())
            .map(|post| {
                let text = read(post);
                Arrived { id: contract::id_in(&text), text }
            })
            .collect()
    }
}

#[async_trait]
impl Place for Bot {
    const IS_FOR_PEOPLE: bool = true;

    async fn start() -> Self {
        let refusal = r#"{"ok":false,"error":"invalid_blocks"}"#;
        Self(Workspace::start(Speech::Http(200, refusal)).await)
    }

    async fn open(&self) -> Box<dyn Sink> {
        let config = SlackConfig {
            webhook_url: None,
            token: Some(SecretRef::parse(TOKEN)),
            channel: Some(CHANNEL.to_owned()),
            api_url: format!("http://{}/api", self.0.road.address),
            languages: None,
        };
        Box::new(Slack::open(&config, &contract::context("http://127.0.0.1:1")).await.unwrap())
    }

    async fn arrived(&self) -> Vec<Arrived> {
        self.0.arrived()
    }

    fn fail(&self, how: Failure) -> bool {
        self.0.road.fail(how);
        true
    }

    fn secrets(&self) -> Vec<String> {
        vec![TOKEN.to_owned()]
    }
}

#[async_trait]
impl Place for Hook {
    const IS_FOR_PEOPLE: bool = true;

    async fn start() -> Self {
        Self(Workspace::start(Speech::Http(400, "invalid_blocks")).await)
    }

    async fn open(&self) -> Box<dyn Sink> {
        let url = format!("http://{}{HOOK}", self.0.road.address);
        let config = SlackConfig {
            webhook_url: Some(SecretRef::parse(&url)),
            token: None,
            channel: None,
            api_url: "https://slack.com/api".to_owned(),
            languages: None,
        };
        Box::new(Slack::open(&config, &contract::context("http://127.0.0.1:1")).await.unwrap())
    }

    async fn arrived(&self) -> Vec<Arrived> {
        self.0.arrived()
    }

    fn fail(&self, how: Failure) -> bool {
        self.0.road.fail(how);
        true
    }

    fn secrets(&self) -> Vec<String> {
        vec!["hooksecret".to_owned()]
    }
}

async fn called(
    State(posts): State<Posts>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> String {
    let fail = |code: &str, why: &str| {
        json!({"ok": false, "error": code, "response_metadata": {"messages": [why]}}).to_string()
    };
    let bearer = format!("Bearer {TOKEN}");
    if headers.get("authorization").and_then(|value| value.to_str().ok()) != Some(&bearer) {
        return fail("invalid_auth", "no token");
    }
    if headers.get("content-type").is_none_or(|kind| kind != "application/json") {
        return fail("invalid_post_type", "no JSON");
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(&body) else {
        return fail("invalid_json", "no JSON");
    };
    if let Err(why) = check(&body) {
        return fail("invalid_blocks", &why);
    }
    let mut posts = posts.lock().unwrap();
    let has = |ts: &Value| posts.iter().any(|post| post["ts"] == *ts);
    if body["channel"] != CHANNEL {
        return fail("channel_not_found", "");
    }
    match method.as_str() {
        "chat.postMessage" if body["thread_ts"].is_string() && !has(&body["thread_ts"]) => {
            return fail("thread_not_found", "");
        }
        "chat.postMessage" => body["ts"] = json!(format!("17000000{:02}.000100", posts.len())),
        "chat.update" if !has(&body["ts"]) => return fail("message_not_found", ""),
        "chat.update" => body["edited"] = json!(true),
        _ => return fail("unknown_method", &method),
    }
    let answer = json!({"ok": true, "channel": CHANNEL, "ts": body["ts"]});
    posts.push(body);
    answer.to_string()
}

async fn hooked(State(posts): State<Posts>, body: Bytes) -> (StatusCode, String) {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "invalid_payload".to_owned());
    };
    if check(&body).is_err() {
        return (StatusCode::BAD_REQUEST, "invalid_blocks".to_owned());
    }
    posts.lock().unwrap().push(body);
    (StatusCode::OK, "ok".to_owned())
}

/// What Slack documents of messages and blocks.
fn check(body: &Value) -> Result<(), String> {
    let text = body["text"].as_str().ok_or("no text")?;
    let is_bare = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").contains(['&', '<', '>']);
    if is_bare || text.chars().count() > 4000 {
        return Err(format!("text is read as markup or too long: {text}"));
    }
    let blocks = body["blocks"].as_array().ok_or("no blocks")?;
    if blocks.is_empty() || blocks.len() > 50 {
        return Err(format!("{} blocks", blocks.len()));
    }
    for block in blocks {
        let elements = block["elements"].as_array();
        match block["type"].as_str() {
            Some("header") => plain_text(&block["text"], 150)?,
            Some("context") => {
                let elements = elements.filter(|list| (1..=10).contains(&list.len()));
                for element in elements.ok_or("context: 1 to 10 elements")? {
                    plain_text(element, 3000)?;
                }
            }
            Some("rich_text") => {
                for element in elements.ok_or("rich_text without elements")? {
                    rich(element)?;
                }
            }
            other => return Err(format!("no such block: {other:?}")),
        }
    }
    Ok(())
}

fn plain_text(text: &Value, most: usize) -> Result<(), String> {
    let said = text["text"].as_str().unwrap_or_default();
    let is_plain = text["type"] == "plain_text" && text["emoji"] == false;
    if !is_plain || said.is_empty() || said.chars().count() > most {
        return Err(format!("no plain text of 1 to {most} characters: {text}"));
    }
    Ok(())
}

fn rich(element: &Value) -> Result<(), String> {
    let inner = element["elements"].as_array().filter(|list| !list.is_empty());
    let inner = inner.ok_or_else(|| format!("nothing in {element}"))?;
    match element["type"].as_str() {
        Some("rich_text_list") if element["style"] == "bullet" => inner.iter().try_for_each(rich),
        Some("rich_text_section") => inner.iter().try_for_each(|part| {
            let text = part["text"].as_str().unwrap_or_default();
            let is_sized = !text.is_empty() && text.chars().count() <= 3000;
            let is_link = part["url"].as_str().is_some_and(|url| {
                url.starts_with("https://") && url.len() <= 3000
            });
            let is_known = match part["type"].as_str() {
                Some("text") => part["url"].is_null(),
                Some("link") => is_link,
                _ => false,
            };
            if is_sized && is_known { Ok(()) } else { Err(format!("no rich text: {part}")) }
        }),
        other => Err(format!("no such element: {other:?}")),
    }
}

/// What a person reads, a line for each element that has text.
fn read(post: &Value) -> String {
    fn collect(value: &Value, out: &mut String) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match value {
                        Value::String(text) if key == "text" => out.push_str(text),
                        _ => collect(value, out),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| collect(value, out)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        if value["type"].as_str().is_some_and(|kind| kind != "text") {
            out.push('\n');
        }
    }
    let mut out = String::new();
    collect(&post["blocks"], &mut out);
    out
}

#[tokio::test]
async fn a_repeat_edits_the_first_message_and_is_told_in_its_thread() {
    let place = Bot::start().await;
    let mut sink = place.open().await;
    let mut notice = notices::usual(1);
    let first = sink.send(&[notice.clone()]).await.remove(0).unwrap();
    assert_eq!(first.reference.as_deref(), Some("C0123456789/1700000000.000100"));
    notice.kind = MessageKind::Update;
    notice.reference = first.reference;
    notices::repeat(&mut notice, 5);
    assert_eq!(sink.send(&[notice.clone()]).await.remove(0), Ok(Sent::default()));
    let posts = place.0.posts.lock().unwrap().clone();
    assert_eq!(posts.len(), 3);
    assert_eq!((&posts[1]["ts"], &posts[1]["edited"]), (&posts[0]["ts"], &json!(true)));
    assert!(read(&posts[1]).contains("seen 5 times"));
    assert_eq!(posts[2]["thread_ts"], posts[0]["ts"]);
    let reply = read(&posts[2]);
    assert!(reply.contains("5回") && !reply.contains("必要な設定でしょうか"), "{reply}");
    assert_eq!(posts[2]["metadata"]["event_payload"]["alert_id"], json!(notice.alert.id));
}

#[tokio::test]
async fn a_repeat_of_what_is_gone_is_told_anew() {
    let place = Bot::start().await;
    let mut sink = place.open().await;
    let mut notice = notices::usual(1);
    notice.kind = MessageKind::Update;
    notice.reference = Some("C0123456789/1600000000.000100".to_owned());
    notices::repeat(&mut notice, 5);
    let sent = sink.send(&[notice]).await.remove(0).unwrap();
    assert_eq!(sent.reference.as_deref(), Some("C0123456789/1700000000.000100"));
    assert_eq!(place.0.posts.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn errors_say_whom_they_concern() {
    let check = async |body: &'static str, refused: Option<bool>, words: &str| {
        let place = Workspace::start(Speech::Http(200, body)).await;
        place.road.fail(Failure::Refuses);
        let bot = Bot(place);
        let mut sink = bot.open().await;
        let error = sink.send(&[notices::usual(1)]).await.remove(0).unwrap_err();
        let told = match error {
            SendError::Refused(_) => Some(true),
            SendError::Down(_) => Some(false),
            SendError::Throttled { .. } => None,
        };
        assert_eq!(told, refused, "{body}: {error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    check(r#"{"ok":false,"error":"msg_too_long"}"#, Some(true), "msg_too_long").await;
    check(r#"{"ok":false,"error":"never_heard_of"}"#, Some(true), "never_heard_of").await;
    check(r#"{"ok":false,"error":"ratelimited"}"#, None, "ratelimited").await;
    check(r#"{"ok":false,"error":"token_revoked"}"#, Some(false), "install the app again").await;
    check(r#"{"ok":false,"error":"not_in_channel"}"#, Some(false), "invite the bot").await;
    check(r#"{"ok":false,"error":"fatal_error"}"#, Some(false), "fatal_error").await;
    check("<html>maintenance</html>", Some(false), "which is no JSON").await;
}

#[tokio::test]
async fn what_is_configured_by_halves_is_told() {
    let check = async |webhook: Option<&str>, token: Option<&str>, expected: &str| {
        let config = SlackConfig {
            webhook_url: webhook.map(SecretRef::parse),
            token: token.map(SecretRef::parse),
            channel: None,
            api_url: "https://slack.com/api".to_owned(),
            languages: None,
        };
        let opened = Slack::open(&config, &contract::context("http://127.0.0.1:1")).await;
        let error = opened.err().expect("it is not opened").to_string();
        assert_eq!(error, format!("cannot set up sink people: {expected}"));
    };
    check(None, None, "give webhook_url, or token and channel").await;
    check(None, Some("xoxb-1"), "channel is missing: the channel's id, C...").await;
    check(Some("https://a"), Some("x"), "webhook_url and token are both given, keep one").await;
    let no_address = "webhook_url is no address that begins with https:// or http://";
    check(Some("hooks.slack.com/services/secret"), None, no_address).await;
}

#[test]
fn blocks_of_a_real_act() {
    let notice = builtin::notice("ec2/security_group_admin_port_open");
    let message = Message::of(&notice, &[Language::En, Language::Ja]);
    let body = body(&message, blocks::blocks(&message));
    assert_eq!(check(&body), Ok(()));
    let json = serde_json::to_string_pretty(&body).unwrap();
    expect_file!["snapshots/port_open.json"].assert_eq(&(json + "\n"));
}
