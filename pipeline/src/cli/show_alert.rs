//! One alert as a person reads it: the question first, then who, where, on what, and what to do.

use askance_stages::model::Alert;
use clap::ValueEnum;

use crate::output::clean::clean;
use crate::output::who;
use crate::store::{InLanguages, StoredAlert};

/// Language of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English
    En,
    /// Japanese
    Ja,
}

/// Everything that is known of it, harmless whatever stands in it.
pub fn card(stored: &StoredAlert, alert: &Alert, language: Language) -> String {
    let mut card = Card::default();
    card.line(&format!("{}: {}", alert.level.name().to_uppercase(), alert.rule.title));
    card.paragraph(in_language(&stored.words.ask, language));
    card.paragraph(stored.words.description.as_deref());
    card.line("");
    card.row("id", Some(&stored.id));
    card.row("when", alert.time.as_deref());
    card.row("who", Some(&who(&alert.actor)));
    card.row("arn", alert.actor.arn.as_deref());
    behind(&mut card, alert);
    let place = [&alert.account, &alert.region].map(|part| part.as_deref().unwrap_or("unknown"));
    card.row("where", Some(&place.join(" ")));
    for resource in alert.distinct_resources() {
        let kind = resource.kind.as_ref().map_or(String::new(), |kind| format!(" ({kind})"));
        card.row("on what", Some(&format!("{}{kind}", resource.id)));
        card.row("", resource.arn.as_deref().filter(|arn| *arn != resource.id));
    }
    card.row("rule", Some(&alert.rule.id));
    card.row("tags", Some(&alert.rule.tags.join(", ")));
    card.row("controls", Some(&stored.words.controls.join(", ")));
    card.row("read in", Some(&format!("{}, record {}", alert.origin.path, alert.origin.index)));
    fate(&mut card, stored);
    for (name, text) in [("Why", &stored.words.why), ("What to do", &stored.words.fix)] {
        if let Some(text) = in_language(text, language) {
            card.line("");
            card.line(&format!("{name}:"));
            card.indented(text);
        }
    }
    if !stored.words.references.is_empty() {
        card.line("");
        card.line("More:");
        stored.words.references.iter().for_each(|reference| card.indented(reference));
    }
    if !alert.matched.is_empty() {
        card.line("");
        card.line("Matched:");
        for matched in &alert.matched {
            let field = matched.field.as_deref().unwrap_or("(anywhere)");
            let value = matched.value.as_deref().unwrap_or("(absent)");
            card.line(&format!("  {field}: {value}"));
        }
    }
    if let Some(event) = &alert.event {
        card.line("");
        card.line("Event:");
        // Numbers and the order of keys stay as they are in a map that keeps them.
        match serde_json::from_str::<serde_json::Value>(event.get()) {
            Ok(value) => card.indented(&format!("{value:#}")),
            Err(_) => card.line(&format!("  {}", event.get())),
        }
    }
    card.text
}

/// The sessions before the actor's own, and who took the first one.
fn behind(card: &mut Card, alert: &Alert) {
    let Some(behind) = alert.behind.as_deref() else { return };
    for (index, hop) in behind.via.iter().chain([&behind.first]).enumerate() {
        let name = if index == 0 { "taken by" } else { "" };
        let arn = hop.actor.arn.as_ref().map_or(String::new(), |arn| format!(" ({arn})"));
        card.row(name, Some(&format!("{}{arn}, {}", who(&hop.actor), hop.at)));
    }
}

fn fate(card: &mut Card, stored: &StoredAlert) {
    let more = match (&stored.suppressed_by, stored.leader == stored.id) {
        (Some(name), _) => format!(" by {name}"),
        (None, false) => format!(", with {}", stored.leader),
        (None, true) => String::new(),
    };
    card.row("fate", Some(&format!("{}{more}, {}", stored.fate, stored.raised)));
    if let Some(group) = stored.group.as_ref().filter(|group| group.count > 1) {
        let unknown = "unknown";
        let first = group.first.as_deref().unwrap_or(unknown);
        let last = group.last.as_deref().unwrap_or(unknown);
        card.row("how often", Some(&format!("{} times, {first} to {last}", group.count)));
        if group.accounts.len() > 1 {
            card.row("accounts", Some(&group.accounts.join(", ")));
        }
    }
    if let Some(ack) = &stored.ack {
        let note = ack.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
        card.row("noted", Some(&format!("by {}, {}{note}", ack.by, ack.at)));
    }
}

/// The language that was asked for, else the other.
fn in_language(text: &InLanguages, language: Language) -> Option<&str> {
    let (first, second) = match language {
        Language::En => (&text.en, &text.ja),
        Language::Ja => (&text.ja, &text.en),
    };
    first.as_deref().or(second.as_deref())
}

#[derive(Default)]
struct Card {
    text: String,
}

impl Card {
    /// One line, whatever is in it.
    fn line(&mut self, text: &str) {
        self.text.push_str(clean(text).trim_end());
        self.text.push('\n');
    }

    /// A text of several lines, each behind a space that no text can undo.
    fn indented(&mut self, text: &str) {
        text.lines().for_each(|line| self.line(&format!("  {line}")));
    }

    fn paragraph(&mut self, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.line("");
            self.indented(text.trim());
        }
    }

    /// A name and what there is to it; nothing if there is nothing.
    fn row(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.line(&format!("{name:<10} {text}"));
        }
    }
}
