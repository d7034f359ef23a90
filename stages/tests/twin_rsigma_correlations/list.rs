//! The departures.

use crate::departures::{Departure, Example, wants_all};
use crate::slow::is_within;

/// All of them. "Specification" is Sigma's on correlation rules.
pub(crate) const DEPARTURES: &[Departure] = &[
    Departure {
        name: "episodes",
        reason: "a hundred failures in a row are one thing to tell; rsigma tells at each event in \
                 whose window the condition holds, and so its times are joined before they are compared",
        may_show: |_| false,
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: event_count, rules: [rule-a], \
                        timespan: 10s, condition: {gte: 2}}",
            events: &[("a", "0", ""), ("a", "5", ""), ("a", "9", ""), ("a", "18", "")],
            askance: Some(&[5]),
            rsigma: Some(&[5, 9, 18]),
        },
    },
    Departure {
        name: "events of the same time",
        reason: "nobody can tell in which order they happened, so a window holds all events of the \
                 time at which it ends; rsigma looks after each",
        may_show: |look| !look.is_monotone() && look.has_equal_times(),
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: event_count, rules: [rule-a], \
                        timespan: 10s, condition: {eq: 1}}",
            events: &[("a", "0", ""), ("a", "0", "")],
            askance: Some(&[]),
            rsigma: Some(&[0]),
        },
    },
    Departure {
        name: "events that are read late",
        reason: "windows are on the events' own time, however files come; rsigma's are on the order \
                 in which events come",
        // Events are generated in order.
        may_show: |_| false,
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: event_count, rules: [rule-a], \
                        timespan: 10s, condition: {gte: 2}}",
            events: &[("a", "50", ""), ("a", "0", "")],
            askance: Some(&[]),
            rsigma: Some(&[0]),
        },
    },
    Departure {
        name: "events that are read twice",
        reason: "CloudTrail delivers at least once: an event counts once",
        // Each has its own id.
        may_show: |_| false,
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: event_count, rules: [rule-a], \
                        timespan: 10s, condition: {gte: 2}}",
            events: &[("a", "0", r#""eventID": "one""#), ("a", "0", r#""eventID": "one""#)],
            askance: Some(&[]),
            rsigma: Some(&[0]),
        },
    },
    Departure {
        name: "parts of a second",
        reason: "times are as the events have them; rsigma cuts them to seconds",
        // Events are generated at whole seconds.
        may_show: |_| false,
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: event_count, rules: [rule-a], \
                        timespan: 10s, condition: {gte: 2}}",
            events: &[("a", "0", ""), ("a", "10.5", "")],
            askance: Some(&[]),
            rsigma: Some(&[10]),
        },
    },
    Departure {
        name: "temporal without a condition",
        reason: "all rules must be there (Specification, temporal); for rsigma one is enough",
        may_show: |look| {
            look.it.kind == "temporal" && look.it.bounds.is_empty() && look.it.expression.is_none()
        },
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: temporal, rules: [rule-a, rule-b], \
                        timespan: 10s}",
            events: &[("a", "0", ""), ("b", "5", "")],
            askance: Some(&[5]),
            rsigma: Some(&[0, 5]),
        },
    },
    Departure {
        name: "bounds of temporal_ordered",
        reason: "the order is asked for whatever is counted (Specification, temporal_ordered); \
                 rsigma counts 0 where it is missing, and 0 may be within the bounds",
        may_show: |look| {
            look.it.kind == "temporal_ordered"
                && look.it.bounds.iter().any(|(how, bound)| {
                    matches!(*how, "lt" | "lte" | "eq") || *how == "gte" && *bound == 0
                })
        },
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: temporal_ordered, \
                        rules: [rule-a, rule-b], timespan: 10s, condition: {lt: 2}}",
            events: &[("b", "0", "")],
            askance: Some(&[]),
            rsigma: Some(&[0]),
        },
    },
    Departure {
        name: "order among some",
        reason: "a condition says which rules are wanted, and those must be in order; rsigma wants \
                 all of the list in order, those that must not be there too",
        may_show: |look| {
            let expression = look.it.expression.as_ref();
            look.it.kind == "temporal_ordered"
                && expression.is_some_and(|it| !wants_all(look.it, it))
        },
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: temporal_ordered, \
                        rules: [rule-a, rule-b, rule-c], timespan: 10s, \
                        condition: rule-a and rule-b and not rule-c}",
            events: &[("a", "0", ""), ("b", "5", "")],
            askance: Some(&[5]),
            rsigma: Some(&[]),
        },
    },
    Departure {
        name: "rules that are listed twice",
        reason: "different rules are counted (Specification, condition); rsigma counts how often \
                 one is listed",
        may_show: |look| look.it.is_temporal() && look.is_listed_twice(),
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: temporal, \
                        rules: [rule-a, rule-a, rule-b], timespan: 10s, condition: {gte: 2}}",
            events: &[("a", "0", "")],
            askance: Some(&[]),
            rsigma: Some(&[0]),
        },
    },
    Departure {
        name: "some of them",
        reason: "a condition over rules is read as one over selections; rsigma takes `1 of them` for \
                 false",
        // Conditions are generated without.
        may_show: |_| false,
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: temporal, rules: [rule-a, rule-b], \
                        timespan: 10s, condition: 1 of them}",
            events: &[("a", "0", "")],
            askance: Some(&[0]),
            rsigma: Some(&[]),
        },
    },
    Departure {
        name: "lists",
        reason: "each element of a list is a value, and a list of one is that one; rsigma knows \
                 neither the values nor the group of a list",
        may_show: |look| look.has_lists,
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: value_count, rules: [rule-a], \
                        timespan: 10s, condition: {field: v, gte: 2}}",
            events: &[("a", "0", r#""v": ["x", "y"]"#)],
            askance: Some(&[0]),
            rsigma: Some(&[]),
        },
    },
    Departure {
        name: "whole numbers with a fraction",
        reason: "values are told apart as JSON writes them: 4.0 is not the text 4",
        may_show: |look| look.has_whole_fractions && look.it.kind == "value_count",
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: value_count, rules: [rule-a], \
                        timespan: 10s, condition: {field: v, gte: 2}}",
            events: &[("a", "0", r#""v": 4.0"#), ("a", "1", r#""v": 4"#)],
            askance: Some(&[1]),
            rsigma: Some(&[]),
        },
    },
    Departure {
        name: "what only Rust takes for a number",
        reason: "numbers are finite",
        // Texts are generated without.
        may_show: |_| false,
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: value_sum, rules: [rule-a], \
                        timespan: 10s, condition: {field: v, gte: 5}}",
            events: &[("a", "0", r#""v": "inf""#)],
            askance: Some(&[]),
            rsigma: Some(&[0]),
        },
    },
    Departure {
        name: "sums and averages of nothing",
        reason: "a window without a number has neither; rsigma takes 0 for both",
        may_show: |look| {
            let is_one = matches!(look.it.kind, "value_sum" | "value_avg");
            is_one && look.has_no_numbers() && is_within(look.it, 0.0)
        },
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: value_sum, rules: [rule-a], \
                        timespan: 10s, condition: {field: v, lt: 1}}",
            events: &[("a", "0", "")],
            askance: Some(&[]),
            rsigma: Some(&[0]),
        },
    },
    Departure {
        name: "bounds of percentiles",
        reason: "a percentile is held against the bounds; rsigma tells it wherever there is one, and \
                 so its percentiles are held against the bounds before they are compared",
        may_show: |_| false,
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: value_percentile, rules: [rule-a], \
                        timespan: 10s, condition: {field: v, gte: 5}}",
            events: &[("a", "0", r#""v": 1"#)],
            askance: Some(&[]),
            rsigma: Some(&[0]),
        },
    },
    Departure {
        name: "fractions in bounds",
        reason: "an average may be compared with 2.5; rsigma refuses it",
        // Bounds are generated whole.
        may_show: |_| false,
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: value_avg, rules: [rule-a], \
                        timespan: 10s, condition: {field: v, gte: 2.5}}",
            events: &[("a", "0", r#""v": 3"#)],
            askance: Some(&[0]),
            rsigma: None,
        },
    },
    Departure {
        name: "negative bounds",
        reason: "a sum may be negative; rsigma takes -1 for the largest number",
        // Bounds are generated without a sign.
        may_show: |_| false,
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: value_sum, rules: [rule-a], \
                        timespan: 10s, condition: {field: v, gte: -1}}",
            events: &[("a", "0", r#""v": 3"#)],
            askance: Some(&[0]),
            rsigma: Some(&[]),
        },
    },
    Departure {
        name: "months and years",
        reason: "neither is in the specification; here a month is 30 days, for rsigma 30.44",
        // Time spans are generated in seconds.
        may_show: |_| false,
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: event_count, rules: [rule-a], \
                        timespan: 1M, condition: {gte: 2}}",
            events: &[("a", "0", ""), ("a", "2600000", "")],
            askance: Some(&[]),
            rsigma: Some(&[2_600_000]),
        },
    },
    Departure {
        name: "not equal",
        reason: "the specification has no `neq`, so it is an unknown key",
        // Bounds are generated without.
        may_show: |_| false,
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: event_count, rules: [rule-a], \
                        timespan: 10s, condition: {neq: 2}}",
            events: &[("a", "0", "")],
            askance: None,
            rsigma: Some(&[0]),
        },
    },
    Departure {
        name: "temporal_extended",
        reason: "other tools write conditions over rules under a type of their own; rsigma knows it \
                 as temporal alone",
        // Types are generated without.
        may_show: |_| false,
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: temporal_extended, \
                        rules: [rule-a, rule-b], timespan: 10s, condition: rule-a or rule-b}",
            events: &[("a", "0", "")],
            askance: Some(&[0]),
            rsigma: None,
        },
    },
    Departure {
        name: "rules without an id",
        reason: "a rule may be referred to by its name (Specification, related rules); rsigma finds \
                 the name by the id only",
        // Rules are generated with ids.
        may_show: |_| false,
        example: Example {
            documents: "title: No id\nname: no_id\nlogsource: {product: aws, service: cloudtrail}\n\
                        detection: {s: {eventName: d}, condition: s}\n---\n\
                        id: it\ntitle: It\ncorrelation: {type: event_count, rules: [no_id], \
                        timespan: 10s, condition: {gte: 1}}",
            events: &[("d", "0", "")],
            askance: Some(&[0]),
            rsigma: Some(&[]),
        },
    },
    Departure {
        name: "rules that speak for one of two",
        reason: "a correlation with `generate: true` wants its rules to be told (Specification, \
                 generate); for rsigma another one silences them",
        // Looked at apart.
        may_show: |_| false,
        example: Example {
            documents: "id: one\ntitle: One\ngenerate: true\ncorrelation: {type: event_count, \
                        rules: [it], timespan: 10s, condition: {gte: 9}}\n---\n\
                        id: two\ntitle: Two\ncorrelation: {type: event_count, \
                        rules: [it], timespan: 10s, condition: {gte: 9}}\n---\n\
                        title: It\nid: it\nlogsource: {product: aws, service: cloudtrail}\n\
                        detection: {s: {eventName: d}, condition: s}",
            events: &[("d", "0", "")],
            askance: Some(&[0]),
            rsigma: Some(&[]),
        },
    },
    Departure {
        name: "rules that are silent by name",
        reason: "what feeds a correlation is not told by itself (Specification, generate), by \
                 whatever word it is referred to; rsigma looks for ids",
        // Looked at apart.
        may_show: |_| false,
        example: Example {
            documents: "id: one\ntitle: One\ncorrelation: {type: event_count, \
                        rules: [by_name], timespan: 10s, condition: {gte: 9}}\n---\n\
                        title: It\nid: it\nname: by_name\n\
                        logsource: {product: aws, service: cloudtrail}\n\
                        detection: {s: {eventName: d}, condition: s}",
            events: &[("d", "0", "")],
            askance: Some(&[]),
            rsigma: Some(&[0]),
        },
    },
    Departure {
        name: "aliases of values",
        reason: "an alias stands for a field wherever a correlation names one; rsigma knows it in \
                 `group-by` alone",
        // Values are generated of fields.
        may_show: |_| false,
        example: Example {
            documents: "id: it\ntitle: It\ncorrelation: {type: value_count, rules: [rule-a, rule-b], \
                        timespan: 10s, condition: {field: it, gte: 2}, \
                        aliases: {it: {rule-a: u, rule-b: v}}}",
            events: &[("a", "0", r#""u": "x""#), ("b", "1", r#""v": "y""#)],
            askance: Some(&[1]),
            rsigma: Some(&[]),
        },
    },
    Departure {
        name: "chains of episodes",
        reason: "an episode is one event for what it feeds, at the time when its condition first \
                 held; rsigma feeds at each event in whose window it holds",
        may_show: |look| look.has_long_episodes() || look.is_fed_by_percentiles(),
        example: Example {
            documents: "id: inner\ntitle: Inner\ncorrelation: {type: event_count, rules: [rule-a], \
                        timespan: 10s, condition: {gte: 2}}\n---\n\
                        id: it\ntitle: It\ncorrelation: {type: event_count, rules: [inner], \
                        timespan: 60s, condition: {gte: 2}}",
            events: &[("a", "0", ""), ("a", "1", ""), ("a", "2", "")],
            askance: Some(&[]),
            rsigma: Some(&[2]),
        },
    },
    Departure {
        name: "values of chains",
        reason: "an episode has the values of the fields that it groups by; for rsigma it has none",
        may_show: |look| look.inner.is_some() && look.it.kind.starts_with("value"),
        example: Example {
            documents: "id: inner\ntitle: Inner\ncorrelation: {type: event_count, rules: [rule-a], \
                        group-by: [u], timespan: 10s, condition: {gte: 1}}\n---\n\
                        id: it\ntitle: It\ncorrelation: {type: value_count, rules: [inner], \
                        timespan: 60s, condition: {field: u, gte: 2}}",
            events: &[("a", "0", r#""u": "x""#), ("a", "1", r#""u": "y""#)],
            askance: Some(&[1]),
            rsigma: Some(&[]),
        },
    },
    Departure {
        name: "aliases in chains",
        reason: "an alias may name a field that the inner correlation groups by; rsigma looks for \
                 the alias itself",
        // Aliases are generated for rules only.
        may_show: |_| false,
        example: Example {
            documents: "id: inner\ntitle: Inner\ncorrelation: {type: event_count, rules: [rule-a], \
                        group-by: [u], timespan: 10s, condition: {gte: 1}}\n---\n\
                        id: it\ntitle: It\ncorrelation: {type: temporal, rules: [inner, rule-b], \
                        group-by: [who], timespan: 60s, condition: {gte: 2}, \
                        aliases: {who: {inner: u, rule-b: w}}}",
            events: &[("a", "0", r#""u": "x""#), ("b", "1", r#""w": "x""#)],
            askance: Some(&[1]),
            rsigma: Some(&[]),
        },
    },
    Departure {
        name: "chains of several groups",
        reason: "one event may complete episodes of two groups, by two rules; rsigma hands on one",
        may_show: |look| look.inner_has_equal_times(),
        example: Example {
            documents: "id: inner\ntitle: Inner\ncorrelation: {type: event_count, \
                        rules: [rule-a, rule-b], group-by: [who], timespan: 10s, \
                        condition: {gte: 1}, aliases: {who: {rule-a: u, rule-b: w}}}\n---\n\
                        id: it\ntitle: It\ncorrelation: {type: event_count, rules: [inner], \
                        timespan: 60s, condition: {gte: 2}}",
            events: &[("ab", "0", r#""u": "x", "w": "y""#)],
            askance: Some(&[0]),
            rsigma: Some(&[]),
        },
    },
];
