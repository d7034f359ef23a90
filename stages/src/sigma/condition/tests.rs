//! Tests of conditions.

use super::*;

const NAMES: [&str; 6] = ["sel", "sel_a", "sel_b", "filter.x", "_hidden", "all-good"];

fn show(expr: &Expr, names: &[&str]) -> String {
    let join = |parts: &[Expr], with: &str| {
        let parts: Vec<String> = parts.iter().map(|part| show(part, names)).collect();
        format!("({})", parts.join(with))
    };
    match expr {
        Expr::And(parts) => join(parts, " & "),
        Expr::Or(parts) => join(parts, " | "),
        Expr::Not(inner) => format!("!{}", show(inner, names)),
        Expr::AtLeast(least, parts) => format!("{least}{}", join(parts, ", ")),
        Expr::Selection(index) => names[*index].to_owned(),
    }
}

fn read(text: &str, names: &[&str]) -> String {
    match parse(text, names, &mut vec![false; names.len()]) {
        Ok(expr) => show(&expr, names),
        Err(Refusal { message, hint: None }) => format!("error: {message}"),
        Err(Refusal { message, hint: Some(hint) }) => format!("error: {message} ({hint})"),
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(read(text, &NAMES), expected, "{text}");
}

#[test]
fn operators_bind_or_and_not_quantifier_bracket() {
    check("sel", "sel");
    check("sel or sel_a and sel_b", "(sel | (sel_a & sel_b))");
    check("sel and sel_a or sel_b", "((sel & sel_a) | sel_b)");
    check("not sel and sel_a", "(!sel & sel_a)");
    check("not (sel and sel_a)", "!(sel & sel_a)");
    check("not not sel", "!!sel");
    check("(sel or sel_a) and sel_b", "((sel | sel_a) & sel_b)");
    check("sel and not 1 of filter.*", "(sel & !filter.x)");
    check("sel and sel_a and sel_b", "(sel & sel_a & sel_b)");
    check("sel AND NOT sel_a Or sel_b", "((sel & !sel_a) | sel_b)");
    check("  sel\n  and(sel_a)\n", "(sel & sel_a)");
}

#[test]
fn quantifiers_count_selections() {
    check("1 of sel_*", "(sel_a | sel_b)");
    check("any of sel_*", "(sel_a | sel_b)");
    check("all of sel_*", "(sel_a & sel_b)");
    check("2 of sel*", "2(sel, sel_a, sel_b)");
    check("1 of them", "(sel | sel_a | sel_b | filter.x | all-good)");
    check("ALL OF THEM", "(sel & sel_a & sel_b & filter.x & all-good)");
    check("1 of *_*", "(sel_a | sel_b)");
    check("all of *", "(sel & sel_a & sel_b & filter.x & all-good)");
    check("1 of _*", "_hidden");
    check("1 of *hidden", "error: \"1 of *hidden\" matches no selection (there is \"_hidden\")");
    check("1 of s*a", "sel_a");
    check("all of sel", "sel");
    check("all-good", "all-good");
}

#[test]
fn keywords_may_be_names() {
    let names = ["not", "them", "all", "of", "and", "1"];
    assert_eq!(read("not", &names), "not");
    assert_eq!(read("all and and", &names), "(all & and)");
    assert_eq!(read("1 of them", &names), "them");
    assert_eq!(read("1 of THEM", &names), "(not | them | all | of | and | 1)");
    assert_eq!(read("1 or of", &names), "(1 | of)");
}

#[test]
fn wrong_conditions_are_told_by_name() {
    check("", "error: the condition is empty");
    check("sle", "error: the condition names an unknown selection \"sle\" (did you mean \"sel\"?)");
    check(
        "nothing",
        "error: the condition names an unknown selection \"nothing\" (selections: sel, sel_a, \
         sel_b, filter.x, _hidden, all-good)",
    );
    check("sel and", "error: the condition ends where a selection is expected");
    check("and sel", "error: the condition has \"and\" where a selection is expected");
    check("sel sel_a", "error: the condition lacks an operator before \"sel_a\"");
    check(
        "sel adn sel_a",
        "error: the condition lacks an operator before \"adn\" (did you mean \"and\"?)",
    );
    check("(sel", "error: the condition has a ( without )");
    check("sel)", "error: the condition has a ) without (");
    check("()", "error: the condition has a ) where a selection is expected");
    check("1 of foo*", "error: \"1 of foo*\" matches no selection");
    check("1 of filtre*", "error: \"1 of filtre*\" matches no selection (there is \"filter.x\")");
    check("4 of sel*", "error: \"4 of sel*\" never holds: it matches 3 selections");
    check("0 of sel*", "error: \"0 of sel*\" always holds (write 1 of, or not 1 of)");
    check(
        "1 of",
        "error: \"1 of\" without what it is of (write them, or a pattern such as selection_*)",
    );
    check("sel*", "error: \"sel*\" without a quantifier (write 1 of sel* or all of sel*)");
    check("them", "error: \"them\" without a quantifier (write 1 of them or all of them)");
    check(
        "sel | count() by x > 5",
        "error: unsupported aggregation \"count() by x > 5\" (use a correlation document)",
    );
    check("sel near sel_a", "error: unsupported operator \"near\" (use a correlation document)");
    check("sel && sel_a", "error: the condition has an unexpected '&' (write and)");
    check("sel || sel_a", "error: the condition has an unexpected \"||\" (write or)");
    check("sel and !sel_a", "error: the condition has an unexpected '!' (write not)");
    check(
        "sel and count > 5",
        "error: the condition has an unexpected '>' (to count events, use a correlation document)",
    );
    check(
        "sel, sel_a",
        "error: the condition has an unexpected ',' (it is made of selections, and, or, not, 1 of, all of, brackets)",
    );
    check(&"(".repeat(70), "error: the condition is nested deeper than 64 levels");
    check(&"not ".repeat(70), "error: the condition is nested deeper than 64 levels");
    check(
        &"1 of sel* or ".repeat(4000),
        "error: the condition refers to more than 10000 selections",
    );
}

#[test]
fn what_is_used_is_marked() {
    let mut used = vec![false; NAMES.len()];
    parse("sel and not 1 of sel_*", &NAMES, &mut used).unwrap();
    assert_eq!(used, [true, true, true, false, false, false]);
}
