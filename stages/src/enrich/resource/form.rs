//! ARNs made of a form and read by it; the forms are in [`kinds`](super::kinds).
//!
//! Ids come from logs, and ARNs are believed by other systems. So nothing is made of what could be read as something
//! else: a name with the sign that parts the ARN there, with a control character, with a wildcard.

use super::super::principal::Arn;
use super::super::tables::is_account;
use super::kinds::KINDS;

/// Longest ARN, in bytes; IAM takes none that is longer.
pub(super) const MAX_ARN: usize = 2048;

/// Where a call was made, as ARNs tell it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) partition: &'a str,
    pub(super) region: &'a str,
    pub(super) account: Option<&'a str>,
}

/// The ARN of what has this type and name, in the first of the type's forms that all is known of.
///
/// `other` tells what else the request says, by key.
pub(super) fn make(
    kind: &str,
    name: &str,
    place: Place<'_>,
    other: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let forms = KINDS.iter().filter(|(known, _)| *known == kind);
    forms.filter_map(|(_, form)| fill(form, name, place, &other)).next()
}

fn fill(
    form: &str,
    name: &str,
    place: Place<'_>,
    other: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let form = Arn::parts(form)?;
    let account = match form.account.split_once('=') {
        Some((_, key)) => other(key).or_else(|| place.account.map(str::to_owned)),
        None if form.account.is_empty() => None,
        None => place.account.map(str::to_owned),
    };
    let account = match (form.account, account) {
        ("", _) => String::new(),
        (_, account) => account.filter(|account| is_account(account))?,
    };
    let region = if form.region.is_empty() { "" } else { place.region };
    let mut arn = format!("arn:{}:{}:{region}:{account}:", place.partition, form.service);
    let mut rest = form.resource;
    while let Some(step) = Step::next(rest) {
        let value = match step.key {
            "" => name.to_owned(),
            "?" => return None,
            key => other(key)?,
        };
        let is_fit = !value.is_empty() && value.chars().all(|one| step.takes(one) && is_plain(one));
        if !is_fit || arn.len() + value.len() > MAX_ARN {
            return None;
        }
        arn.push_str(step.before);
        arn.push_str(&value);
        rest = step.behind;
    }
    arn.push_str(rest);
    (arn.len() <= MAX_ARN).then_some(arn)
}

/// What may stand in a name: a wildcard would make the ARN one of many things.
fn is_plain(one: char) -> bool {
    !one.is_control() && !matches!(one, '*' | '?')
}

/// The type of what an ARN is of, and its name there; by the form that says most of it.
pub(super) fn read<'t>(arn: &Arn<'t>) -> Option<(&'static str, &'t str)> {
    let of_form = |(kind, form): &(&'static str, &'static str)| {
        // Most forms are of other services.
        form.strip_prefix(arn.service).filter(|rest| rest.starts_with(':'))?;
        let form = Arn::parts(form)?;
        let is_alike = form.region.is_empty() == arn.region.is_empty();
        let (name, literal) = fits(form.resource, arn.resource).filter(|_| is_alike)?;
        Some((*kind, name, literal))
    };
    let best = KINDS.iter().filter_map(of_form).max_by_key(|(_, _, literal)| *literal);
    best.map(|(kind, name, _)| (kind, name))
}

/// The name in a text of this form, and how much of it the form says itself.
fn fits<'t>(form: &str, text: &'t str) -> Option<(&'t str, usize)> {
    let (mut form, mut text) = (form, text);
    let (mut name, mut literal, mut is_named) = (None, 0, false);
    while let Some(step) = Step::next(form) {
        text = text.strip_prefix(step.before)?;
        literal += step.before.len();
        form = step.behind;
        // What stands behind is wanted for itself: a step that takes anything leaves it.
        let ends = |text: &str| text.strip_suffix(form).map(str::len);
        let end = match Step::next(form) {
            None => ends(text)?,
            // As far as it can go where it may hold the sign that parts it from the next.
            Some(next) if next.before.chars().next().is_some_and(|one| step.takes(one)) => {
                text.rfind(next.before)?
            }
            Some(next) => text.find(next.before)?,
        };
        let value = &text[..end];
        if value.is_empty() || !value.chars().all(|one| step.takes(one)) {
            return None;
        }
        if !is_named {
            (name, is_named) = (Some(value), step.key.is_empty());
        }
        text = &text[end..];
    }
    (text == form).then_some(())?;
    Some((name?, literal + form.len()))
}

/// A `{...}` of a form, what stands before it and what behind.
struct Step<'f> {
    before: &'f str,
    key: &'f str,
    has_slashes: bool,
    has_colons: bool,
    behind: &'f str,
}

impl<'f> Step<'f> {
    fn next(form: &'f str) -> Option<Self> {
        let (before, rest) = form.split_once('{')?;
        let (inner, behind) = rest.split_once('}')?;
        let has_colons = inner.ends_with('*');
        let has_slashes = has_colons || inner.ends_with(':');
        let key = inner.trim_end_matches(['*', ':']);
        Some(Self { before, key, has_slashes, has_colons, behind })
    }

    fn takes(&self, one: char) -> bool {
        match one {
            '/' => self.has_slashes,
            ':' => self.has_colons,
            _ => true,
        }
    }
}
