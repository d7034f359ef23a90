//! Tags that CloudTrail adds to a record where it was told to (`eventContext.tagContext`): the fields
//! `askance.resource.tag.*` and `askance.actor.tag.*`.
//!
//! Those of resources come as a list of resources, each with its tags; those of who acted as one object.
//! Tags stand as an object of keys and values, or, as elsewhere in AWS, as a list of both.

use crate::model::{DerivedValues, Lookup, Record};

/// Values of a tag of the resources that a call was about, each once.
pub(super) fn of_resources(record: &Record<'_>, key: &str, into: &mut DerivedValues) {
    let Some(list) = record.at(&["eventContext", "tagContext", "resourceTags"]) else { return };
    for resource in record.elements(list) {
        if let Some(tags) = record.member(resource, "tags") {
            add(record, tags, key, into);
        }
    }
}

/// The value of a tag of who acted.
pub(super) fn of_actor(record: &Record<'_>, key: &str, into: &mut DerivedValues) {
    if let Some(tags) = record.at(&["eventContext", "tagContext", "principalTags"]) {
        add(record, tags, key, into);
    }
}

fn add(record: &Record<'_>, tags: usize, key: &str, into: &mut DerivedValues) {
    into.is_cut |= record.is_cut_within(tags);
    let member = |of: usize, wanted: &str| {
        let mut members = record.members(of);
        members
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .and_then(|(_, at)| record.text_at(at))
    };
    let of_object = record
        .members(tags)
        .filter(|(name, _)| *name == key)
        .filter_map(|(_, at)| record.text_at(at));
    let of_list = record
        .elements(tags)
        .filter(|tag| member(*tag, "key") == Some(key))
        .filter_map(|tag| member(tag, "value"));
    for value in of_object.chain(of_list) {
        if !into.found.iter().any(|known| known.lookup() == Lookup::Text(value)) {
            into.text(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Enrich;
    use super::super::tests::{derive_with, show};
    use crate::model::Field;

    #[test]
    fn tags_are_found_in_either_form() {
        let check = |field, key: &str, context: Value, expected: &str| {
            let event = json!({ "eventContext": { "tagContext": context } });
            assert_eq!(
                show(&derive_with(&Enrich::default(), field, key, &event)),
                expected,
                "{event}"
            );
        };
        let of = |tags: Value| json!({ "arn": "arn:aws:s3:::media", "tags": tags });
        let resource = Field::ResourceTag;
        let object = json!({ "resourceTags": [of(json!({ "owner": "video", "a.b": "c" }))] });
        check(resource, "owner", object.clone(), "video");
        check(resource, "a.b", object.clone(), "c");
        // Keys of tags are case-sensitive, and one is not looked for in the other's.
        check(resource, "Owner", object.clone(), "");
        check(Field::ActorTag, "owner", object, "");
        let list = json!([{ "Key": "owner", "Value": "video" }, { "key": "x", "value": "y" }]);
        check(resource, "owner", json!({ "resourceTags": [of(list.clone())] }), "video");
        check(Field::ActorTag, "owner", json!({ "principalTags": list }), "video");
        check(Field::ActorTag, "team", json!({ "principalTags": { "team": "a" } }), "a");
        let two = json!({ "resourceTags": [
            of(json!({ "owner": "a" })), of(json!({ "owner": "b" })), of(json!({ "owner": "a" })),
        ] });
        check(resource, "owner", two, "a b");
        for odd in
            [json!(null), json!("x"), json!([1]), json!({ "resourceTags": { "owner": "a" } })]
        {
            check(resource, "owner", odd, "");
        }
        check(resource, "owner", json!({ "resourceTags": [of(json!({ "owner": 1 })), 2] }), "");
        check(resource, "owner", json!({ "resourceTags": [of(json!({ "omitted": true }))] }), "?");
    }
}
