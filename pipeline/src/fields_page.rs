//! Holds `docs/fields.md` against the fields that askance works out; `UPDATE_EXPECT=1` writes it.

use std::fmt::Write as _;

use askance_stages::model::Field;
use expect_test::expect_file;

const HEAD: &str = "\
# Fields that askance works out

Besides what stands in a record, rules may name these fields. They are worked out when a rule looks at
them; a field that has nothing to say of a record is absent, as `exists: false` sees it. Any modifier may
be used. A name under `askance.` that is not here is an error, so that a slip of the pen never makes a
rule silent. Other tools of Sigma do not know these fields.

This page is made from the program; a test holds the two together.

";

#[test]
fn the_page_of_fields_is_current() {
    let mut page = HEAD.to_owned();
    page.push_str("| field | what it holds |\n|---|---|\n");
    for field in Field::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{}` | {} |", field.name(), field.holds());
    }
    expect_file!["../../docs/fields.md"].assert_eq(&page);
}
