//! A message as blocks of Slack.
//!
//! Words stand in `plain_text` and in text of `rich_text`, where Slack reads no markup: what a log
//! says can neither ping a channel nor look like a link. Links are elements of their own.

use serde_json::{Value, json};

use crate::sinks::words::{Fact, Message, bounded, code_parts};

/// Longest text of a header.
const MAX_HEADER: usize = 150;

/// Most elements of a context block.
const MAX_CONTEXT: usize = 10;

/// The whole message.
pub fn blocks(message: &Message) -> Vec<Value> {
    let mut blocks = vec![json!({
        "type": "header",
        "text": plain(&bounded(&message.heading, MAX_HEADER).0),
    })];
    for telling in &message.tellings {
        let mut elements = Vec::new();
        for (index, paragraph) in telling.paragraphs.iter().enumerate() {
            let end = if index + 1 < telling.paragraphs.len() { "\n" } else { "" };
            let paragraph = format!("{paragraph}{end}");
            elements.push(if index == 0 { bold(&paragraph) } else { text(&paragraph) });
        }
        blocks.push(rich(vec![section(elements)]));
    }
    blocks.push(rich(vec![section(labelled(&message.facts))]));
    if !message.changed.is_empty() {
        let items = message
            .changed
            .iter()
            .map(|fact| section(vec![text(&format!("{}: ", fact.label)), code(&fact.value)]));
        blocks.push(rich(vec![
            section(vec![bold(&message.changed_label)]),
            json!({
                "type": "rich_text_list", "style": "bullet", "elements": items.collect::<Vec<_>>(),
            }),
        ]));
    }
    for telling in &message.tellings {
        let mut elements = Vec::new();
        for advice in &telling.advice {
            if !elements.is_empty() {
                elements.push(text("\n"));
            }
            elements.push(bold(&format!("{}\n", advice.label)));
            elements.extend(
                code_parts(&advice.value).map(
                    |(is_code, part)| {
                        if is_code { code(part) } else { text(part) }
                    },
                ),
            );
        }
        if !elements.is_empty() {
            blocks.push(rich(vec![section(elements)]));
        }
    }
    let mut links = Vec::new();
    for link in message.links.iter().chain(&message.references) {
        if !links.is_empty() {
            links.push(text("\n"));
        }
        links.push(json!({"type": "link", "url": link.address, "text": link.label}));
    }
    if !links.is_empty() {
        blocks.push(rich(vec![section(links)]));
    }
    blocks.push(small(message));
    blocks
}

/// What is new, for a reply in the thread.
pub fn reply(message: &Message) -> Vec<Value> {
    let mut blocks = Vec::new();
    for telling in &message.tellings {
        let news = telling.news();
        if !news.is_empty() {
            blocks.push(rich(vec![section(vec![text(&news.join("\n"))])]));
        }
    }
    if let Some(others) = &message.others {
        blocks.push(rich(vec![section(labelled(std::slice::from_ref(others)))]));
    }
    blocks.push(small(message));
    blocks
}

/// A text for where Slack reads markup: `&`, `<` and `>` are all that it is made of.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn small(message: &Message) -> Value {
    let lines = message.small_print.iter().map(|fact| format!("{}: {}", fact.label, fact.value));
    let lines = lines.chain(message.shortened.clone());
    let elements: Vec<Value> = lines.take(MAX_CONTEXT).map(|line| plain(&line)).collect();
    json!({"type": "context", "elements": elements})
}

fn labelled(facts: &[Fact]) -> Vec<Value> {
    let mut elements = Vec::new();
    for (index, fact) in facts.iter().enumerate() {
        let end = if index + 1 < facts.len() { "\n" } else { "" };
        elements.push(bold(&format!("{}  ", fact.label)));
        elements.push(text(&format!("{}{end}", fact.value)));
    }
    elements
}

fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": some(text), "emoji": false})
}

fn rich(elements: Vec<Value>) -> Value {
    let elements = Value::from(elements);
    json!({"type": "rich_text", "elements": elements})
}

fn section(elements: Vec<Value>) -> Value {
    let elements = Value::from(elements);
    json!({"type": "rich_text_section", "elements": elements})
}

/// Slack takes no text without a character.
fn some(text: &str) -> &str {
    if text.is_empty() { " " } else { text }
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": some(text)})
}

fn bold(text: &str) -> Value {
    json!({"type": "text", "text": some(text), "style": {"bold": true}})
}

fn code(text: &str) -> Value {
    json!({"type": "text", "text": some(text), "style": {"code": true}})
}
