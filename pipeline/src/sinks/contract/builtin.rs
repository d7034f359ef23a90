//! Messages about real acts: the first case that a built-in rule hits, with that rule's words.

#![cfg(test)]

use std::sync::Arc;

use askance_stages::decode::Input;
use askance_stages::flow::{Detect, DetectConfig, Output, Worker};
use askance_stages::matcher::RuleSet;
use askance_stages::raise::{AccountFacts, Group, MessageKind};

use crate::cases;
use crate::rulebook::{self, RuleChoice};
use crate::sinks::Notice;
use crate::store::{InLanguages, Words};

/// Rules that snapshots are of: path below the built-in rules, and a name.
pub const SHOWN: [(&str, &str); 5] = [
    ("ec2/security_group_admin_port_open", "port_open"),
    ("signin/root_console_login", "root_sign_in"),
    ("cloudtrail/trail_stopped", "trail_stopped"),
    ("ec2/snapshot_shared", "snapshot_shared"),
    ("iam/access_key_for_another_user", "access_key"),
];

/// The notice of a rule's first hit.
pub fn notice(rule: &str) -> Notice {
    let choice = RuleChoice::default();
    let files = rulebook::files(&choice).unwrap();
    let ending = format!("{rule}.cases.yml");
    let file = files.iter().find(|file| file.path.ends_with(&ending)).expect("the rule has cases");
    let cases = cases::read(file).expect("it is a case file").unwrap();
    let case = cases.cases.iter().find(|case| case.is_hit).expect("a case hits");
    let rules = rulebook::read(&choice).unwrap().rules;
    let rule = rules.into_iter().find(|rule| rule.id == cases.rule).expect("the rule is built in");
    let said = rule.askance.clone().unwrap_or_default();
    let words = Words {
        description: rule.description.clone(),
        ask: InLanguages { en: said.ask_en, ja: said.ask_ja },
        why: InLanguages { en: said.why, ja: said.why_ja },
        fix: InLanguages { en: said.fix, ja: said.fix_ja },
        controls: said.controls,
        references: rule.references.clone(),
    };
    let rules = RuleSet::compile([Arc::new(rule)]).unwrap();
    let detect = Detect::new(rules, DetectConfig::default());
    let mut alerts = Vec::new();
    let mut sink = |output: Output| {
        if let Output::Alert(alert) = output {
            alerts.push(*alert);
        }
    };
    let json = case.events[0].to_string();
    Worker::new(&detect).run(Input::Whole(json.as_bytes()), "a.json", &mut sink, &|| false);
    let alert = alerts.pop().expect("the case hits");
    let name = Some("Video production".to_owned());
    Notice {
        kind: MessageKind::New,
        json: serde_json::to_string(&alert).unwrap(),
        group: Group::begin(&alert, vec!["people".to_owned()]),
        words,
        account: Some(AccountFacts { name, ..AccountFacts::default() }),
        reference: None,
        message_id: format!("people/{}/1", alert.id),
        alert,
    }
}
