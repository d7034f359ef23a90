//! What a rule or correlation says, wherever it stands: to tell whether two of them are the same.

use std::sync::Arc;

use super::ast::{Correlation, Detection, Place, Rule, Search};

impl Rule {
    /// Everything that the rule says, as text, without where it is written. Two rules with the same
    /// wording find the same and tell it in the same words. Not for people, nor to be kept between
    /// versions of the program.
    #[must_use]
    pub fn wording(&self) -> String {
        let mut rule = self.clone();
        let nowhere = nowhere();
        unplace(&mut rule.detection, &nowhere);
        for filter in &mut rule.filters {
            unplace(&mut filter.detection, &nowhere);
        }
        rule.place = nowhere;
        format!("{rule:?}")
    }
}

impl Correlation {
    /// As [`Rule::wording`]. What the rules say that feed it is not in it.
    #[must_use]
    pub fn wording(&self) -> String {
        let correlation = Self { place: nowhere(), ..self.clone() };
        format!("{correlation:?}")
    }
}

fn nowhere() -> Place {
    Place { file: Arc::from(""), line: 0, column: 0 }
}

fn unplace(detection: &mut Detection, nowhere: &Place) {
    for selection in &mut detection.selections {
        selection.place = nowhere.clone();
        unplace_search(&mut selection.search, nowhere);
    }
}

fn unplace_search(search: &mut Search, nowhere: &Place) {
    match search {
        Search::All(parts) | Search::Any(parts) => {
            parts.iter_mut().for_each(|part| unplace_search(part, nowhere));
        }
        Search::Item(item) => item.place = nowhere.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use crate::sigma::{ReadOptions, SourceFile, read};

    fn wording(path: &str, text: &'static str) -> String {
        let file = SourceFile { path: path.into(), text: Cow::Borrowed(text) };
        let reading = read(&[file], &ReadOptions::default());
        assert!(reading.problems.is_empty(), "{:?}", reading.problems);
        reading.rules[0].wording()
    }

    #[test]
    fn the_same_rule_elsewhere_has_the_same_wording() {
        const RULE: &str = "title: a\nlogsource: {product: aws, service: cloudtrail}\n\
            detection:\n  x:\n    - eventName: [A, 'B*']\n    - k|re: 'a+'\n  condition: not x\nlevel: low\n";
        const MOVED: &str = "# moved\n\ntitle: a\nlogsource:\n  product: aws\n  service: cloudtrail\n\
            detection:\n    x:\n        - eventName:\n            - A\n            - B*\n        - k|re: a+\n    condition: not x\nlevel: low\n";
        const OTHER: &str = "title: a\nlogsource: {product: aws, service: cloudtrail}\n\
            detection:\n  x:\n    - eventName: [A, 'B?']\n    - k|re: 'a+'\n  condition: not x\nlevel: low\n";
        assert_eq!(wording("a.yml", RULE), wording("b/c.yml", MOVED));
        assert_ne!(wording("a.yml", RULE), wording("a.yml", OTHER));
    }

    #[test]
    fn the_same_correlation_elsewhere_has_the_same_wording() {
        const RULE: &str = "title: a\nlogsource: {product: aws, service: cloudtrail}\n\
            detection: {x: {eventName: A}, condition: x}\n---\n";
        const BODY: &str = "title: b\ncorrelation:\n  type: event_count\n  rules: [a]\n  \
            timespan: 5m\n  condition: {gte: 3}\n";
        let wording = |text: String| {
            let file = SourceFile { path: "a.yml".into(), text: text.into() };
            let reading = read(&[file], &ReadOptions::default());
            assert!(reading.problems.is_empty(), "{:?}", reading.problems);
            reading.correlations[0].wording()
        };
        let here = wording(format!("{RULE}{BODY}"));
        assert_eq!(wording(format!("# moved\n{RULE}\n{BODY}")), here);
        assert_ne!(wording(format!("{RULE}{}", BODY.replace("5m", "6m"))), here);
        assert_ne!(wording(format!("{RULE}{BODY}level: low\n")), here);
    }
}
