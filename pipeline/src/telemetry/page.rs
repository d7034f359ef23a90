//! Holds `docs/metrics.md` against the metrics that there are; `UPDATE_EXPECT=1` writes it.

use std::fmt::Write as _;

use expect_test::expect_file;

use super::Families;

const HEAD: &str = "\
# Metrics

`askance run` shows them at `/metrics` of `metrics.listen`. This page is made from the program; a test
holds the two together. Label values come from closed sets: names in the configuration, reasons,
levels, rules, and accounts up to 10,000. Besides these there are Prometheus' usual `process_*`
metrics.

What to watch first: `askance_source_up`, `askance_outbox_oldest_seconds`, `askance_raise_alert_age_seconds`,
and `askance_stage_rejected_total`: \"no alert\" must never mean \"could not read\". For each stage
`in = passed + dropped + rejected` holds. Alert rules and a dashboard are in
[`dashboards/`](../dashboards/).

";

#[test]
fn the_page_of_metrics_is_current() {
    let mut page = HEAD.to_owned();
    page.push_str("| metric | kind | labels | what it is |\n|---|---|---|---|\n");
    for family in Families::ALL {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            family.name,
            family.kind,
            labels.join(", "),
            family.help
        );
    }
    expect_file!["../../../docs/metrics.md"].assert_eq(&page);
}
