//! A message as plain text, for mail and SNS.

use super::message::{Fact, Message};
use crate::output::clean::{pad, width};

/// The message as lines of text; they are not broken, a reader's program does that.
pub fn text(message: &Message) -> String {
    let mut blocks: Vec<String> = Vec::new();
    for telling in &message.tellings {
        blocks.push(telling.paragraphs.join("\n"));
    }
    blocks.push(aligned(&message.facts));
    if !message.changed.is_empty() {
        let lines = message.changed.iter().map(|fact| format!("  {}: {}", fact.label, fact.value));
        let lines: Vec<String> = lines.collect();
        blocks.push(format!("{}\n{}", message.changed_label, lines.join("\n")));
    }
    for telling in &message.tellings {
        for advice in &telling.advice {
            blocks.push(format!("{}\n{}", advice.label, advice.value));
        }
    }
    let links = message.links.iter().chain(&message.references);
    let links: Vec<String> =
        links.map(|link| format!("{}:\n{}", link.label, link.address)).collect();
    if !links.is_empty() {
        blocks.push(links.join("\n"));
    }
    let mut small: Vec<String> =
        message.small_print.iter().map(|fact| format!("{}: {}", fact.label, fact.value)).collect();
    small.extend(message.shortened.clone());
    blocks.push(format!("--\n{}", small.join("\n")));
    blocks.join("\n\n") + "\n"
}

fn aligned(facts: &[Fact]) -> String {
    let columns = facts.iter().map(|fact| width(&fact.label)).max().unwrap_or(0);
    let lines = facts.iter().map(|fact| format!("{}  {}", pad(&fact.label, columns), fact.value));
    lines.collect::<Vec<_>>().join("\n")
}
