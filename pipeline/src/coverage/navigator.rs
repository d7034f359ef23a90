//! Coverage as a layer of the ATT&CK Navigator, format 4.5: the value only, no file.

use serde_json::{Value, json};

use super::Coverage;
use super::attack::VERSION;

/// Colour of a technique with one rule, and of one with the most.
const COLOURS: [&str; 2] = ["#d6eaf8", "#1f618d"];

/// Makes the layer: the score of a technique is its number of rules, its comment their titles.
pub fn layer(coverage: &Coverage) -> Value {
    let techniques: Vec<Value> = coverage
        .techniques
        .iter()
        .map(|(id, rules)| {
            let titles: Vec<&str> =
                rules.iter().map(|index| coverage.rules[*index].title.as_str()).collect();
            json!({
                "techniqueID": id,
                "score": rules.len(),
                "comment": titles.join("\n"),
                "enabled": true,
                "showSubtechniques": true,
            })
        })
        .collect();
    let most = coverage.techniques.values().map(std::collections::BTreeSet::len).max();
    let major = VERSION.split('.').next().unwrap_or(VERSION);
    json!({
        "name": "askance rules",
        "versions": {"attack": major, "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": format!("{} rules; a score is the number of rules", coverage.rules.len()),
        "filters": {"platforms": ["IaaS"]},
        "sorting": 3,
        "layout": {
            "layout": "side", "showID": true, "showName": true, "showAggregateScores": true,
            "countUnscored": false, "aggregateFunction": "sum", "expandedSubtechniques": "annotated",
        },
        "hideDisabled": false,
        "techniques": techniques,
        // The upper bound must be above the lower one, even where nothing is covered.
        "gradient": {"colors": COLOURS, "minValue": 1, "maxValue": most.unwrap_or(0).max(2)},
        "legendItems": [],
        "metadata": [],
        "links": [],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rulebook::{self, RuleChoice};

    #[test]
    fn the_layer_has_what_the_format_asks_for() {
        let coverage = Coverage::of(&rulebook::read(&RuleChoice::default()).unwrap());
        let layer = layer(&coverage);
        assert_eq!(layer["versions"]["layer"], "4.5");
        assert_eq!(layer["domain"], "enterprise-attack");
        let techniques = layer["techniques"].as_array().unwrap();
        assert_eq!(techniques.len(), coverage.techniques.len());
        let most = layer["gradient"]["maxValue"].as_u64().unwrap();
        for technique in techniques {
            let titles = technique["comment"].as_str().unwrap().lines().count();
            let score = technique["score"].as_u64().unwrap();
            assert_eq!(titles as u64, score, "{technique}");
            assert!(score <= most);
        }
        let empty = super::layer(&Coverage::default());
        assert!(empty["gradient"]["maxValue"].as_u64() > empty["gradient"]["minValue"].as_u64());
    }
}
