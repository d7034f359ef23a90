//! What a correlation is told of an event, in texts that many events share.
//!
//! Most events of an object are of a few actors: what is said of one is put together in memory that is used
//! again, and looked up among those that were said before.

use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::identity::actor_of;
use super::{Context, Facts, MAX_NAME, MAX_PATH, MAX_WORD, each_resource};
use crate::model::{Pack, Record, RuleFacts, SharedTexts, Summary, Who, bounded};

/// How many texts are remembered.
const REMEMBERED: usize = 512;

/// Makes summaries.
#[derive(Debug, Default)]
pub struct Summaries {
    pack: Pack,
    recent: Recent,
    /// The one before is nearly always of the same object.
    path: Option<Arc<str>>,
}

/// Texts as they were made lately: of those with the same hash the last one.
#[derive(Debug, Default)]
struct Recent {
    /// [`REMEMBERED`], or none yet.
    texts: Vec<Option<Arc<str>>>,
}

impl Recent {
    fn share(&mut self, text: &str) -> Arc<str> {
        self.texts.resize(REMEMBERED, None);
        let mut hasher = FixedState::default().build_hasher();
        hasher.write(text.as_bytes());
        let place = (hasher.finish() >> 32) as usize % REMEMBERED;
        match &mut self.texts[place] {
            Some(known) if **known == *text => known.clone(),
            other => other.insert(Arc::from(text)).clone(),
        }
    }
}

impl Summaries {
    /// What a correlation is told of the event; texts that are too long for it are cut.
    pub fn summary(
        &mut self,
        facts_of_rule: &RuleFacts,
        record: &Record<'_>,
        facts: &Facts<'_>,
        context: Context<'_>,
    ) -> Summary {
        let event_id = record.text(&["eventID"]).map(|id| bounded(id, MAX_WORD).into());
        Summary {
            who: self.who(record, facts),
            resource: self.resources(&facts_of_rule.resource, record),
            path: Some(self.path(&bounded(context.path, MAX_PATH))),
            index: context.index,
            event_id,
        }
    }

    fn who(&mut self, record: &Record<'_>, facts: &Facts<'_>) -> Who {
        let actor = actor_of(record);
        self.pack.clear();
        for (text, most) in [
            (facts.account, MAX_WORD),
            (facts.region, MAX_WORD),
            (actor.kind, MAX_WORD),
            (actor.name, MAX_NAME),
            (actor.arn, MAX_NAME),
            (actor.account, MAX_WORD),
            (actor.session, MAX_NAME),
            (record.text(&["sourceIPAddress"]).filter(|text| !text.is_empty()), MAX_WORD),
            (facts.access_key, MAX_NAME),
        ] {
            self.pack.push(text.map(|text| bounded(text, most)).as_deref());
        }
        Who(SharedTexts::of_packed(self.recent.share(self.pack.packed())))
    }

    fn resources(&mut self, paths: &[String], record: &Record<'_>) -> SharedTexts {
        let pack = &mut self.pack;
        pack.clear();
        let mut count = 0;
        each_resource(paths, record, |kind, id| {
            let id = bounded(id, MAX_NAME);
            let is_known = pack.since(0).skip(1).step_by(2).any(|known| known == Some(&*id));
            if !is_known {
                pack.push(kind.map(|kind| bounded(kind, MAX_WORD)).as_deref());
                pack.push(Some(&id));
                count += 1;
            }
            count < Summary::MAX_RESOURCES
        });
        if count == 0 {
            return SharedTexts::default();
        }
        SharedTexts::of_packed(self.recent.share(self.pack.packed()))
    }

    fn path(&mut self, path: &str) -> Arc<str> {
        match &self.path {
            Some(known) if **known == *path => known.clone(),
            _ => self.path.insert(Arc::from(path)).clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::{Actor, Level, Resource, RuleRef};

    fn of(summaries: &mut Summaries, record: &Value) -> Summary {
        let rule = RuleRef { id: String::new(), title: String::new(), tags: Vec::new() };
        let resource = vec!["requestParameters.bucketName".to_owned()];
        let rule = RuleFacts { rule, level: Level::Low, resource };
        let context = Context { path: "a.json", index: 7 };
        crate::parse::Parser::default()
            .parse(record.to_string().as_bytes(), |record, _| {
                let facts = Facts::of(&record, None, record.text(&["recipientAccountId"]), false);
                summaries.summary(&rule, &record, &facts, context)
            })
            .expect("it is a record")
    }

    fn event(user: &str) -> Value {
        json!({
            "eventID": "1", "recipientAccountId": "111122223333", "awsRegion": "eu-west-1",
            "sourceIPAddress": "203.0.113.7",
            "userIdentity": {
                "type": "IAMUser", "userName": user, "arn": format!("arn:aws:iam::111122223333:user/{user}"),
                "accountId": "111122223333", "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            },
            "requestParameters": {"bucketName": "media"},
            "resources": [{"ARN": "arn:aws:s3:::media", "type": "AWS::S3::Bucket"}, {"ARN": "media"}],
        })
    }

    #[test]
    fn it_tells_who_did_what_to_what_and_where_from() {
        let summary = of(&mut Summaries::default(), &event("taro"));
        let who = &summary.who;
        assert_eq!((who.account(), who.region()), (Some("111122223333"), Some("eu-west-1")));
        assert_eq!(who.source(), Some("203.0.113.7"));
        assert_eq!(who.access_key(), Some("AKIAIOSFODNN7EXAMPLE"));
        let actor = Actor {
            kind: Some("IAMUser".to_owned()),
            name: Some("taro".to_owned()),
            arn: Some("arn:aws:iam::111122223333:user/taro".to_owned()),
            account: Some("111122223333".to_owned()),
            session: None,
        };
        assert_eq!(who.actor(), actor);
        assert_eq!(who.0.iter().count(), Who::TEXTS);
        let resource = |kind: &str, id: &str| Resource {
            kind: Some(kind.to_owned()),
            id: id.to_owned(),
            ..Resource::default()
        };
        let expected =
            [resource("bucketName", "media"), resource("AWS::S3::Bucket", "arn:aws:s3:::media")];
        assert_eq!(summary.resources(), expected);
        let origin = summary.origin().unwrap();
        assert_eq!((origin.path.as_str(), origin.index), ("a.json", 7));
        assert_eq!(summary.event_id.as_deref(), Some("1"));
    }

    #[test]
    fn what_was_said_lately_is_held_once_and_long_texts_are_cut() {
        let mut summaries = Summaries::default();
        let first = of(&mut summaries, &event("taro"));
        let other = of(&mut summaries, &event("hanako"));
        let again = of(&mut summaries, &event("taro"));
        assert_eq!(first, again);
        assert!(!first.who.is_same_actor(&other.who) && first.who.is_same_actor(&again.who));
        assert!(Arc::ptr_eq(first.path.as_ref().unwrap(), again.path.as_ref().unwrap()));
        assert!(Arc::ptr_eq(first.resource.packed(), other.resource.packed()));
        let long = of(&mut summaries, &event(&"x".repeat(9000)));
        assert!(long.who.0.packed().len() < 2000);
        // More actors than are remembered: each is still itself.
        for number in 0..2000 {
            let name = format!("user-{number}");
            assert_eq!(of(&mut summaries, &event(&name)).who.actor().name, Some(name));
        }
    }
}
