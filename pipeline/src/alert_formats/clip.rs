//! Makes alerts small enough for places that have a limit, the least needed parts first.

use askance_stages::model::{Actor, Address, Alert, Resource};

/// Longest text that is left when everything must be short, in characters.
const SHORT: usize = 200;

/// Most resources, and most tags, that are left when everything must be short.
const FEW: usize = 10;

/// The text cut to so many characters; what is cut ends in `…`.
pub fn clip(text: &str, max_chars: usize) -> String {
    if text.chars().nth(max_chars).is_none() {
        return text.to_owned();
    }
    let kept = text.chars().take(max_chars.saturating_sub(1));
    kept.chain(std::iter::once('…')).collect()
}

/// Leaves something out.
type Step = fn(&mut Alert);

/// Renders the alert in at most `max_bytes`, as far as leaving parts out can bring it there.
///
/// `render` is given the alert, and what was left out of it so far: the event first, then the fields
/// that matched, then the ends of long texts.
pub fn fit(
    alert: &Alert,
    max_bytes: usize,
    render: impl Fn(&Alert, &[&'static str]) -> String,
) -> String {
    let whole = render(alert, &[]);
    if whole.len() <= max_bytes {
        return whole;
    }
    let steps: [(&'static str, Step); 3] = [
        ("event", |alert| alert.event = None),
        ("matched", |alert| alert.matched.clear()),
        ("long texts", shorten),
    ];
    let mut smaller = alert.clone();
    let (mut left_out, mut text) = (Vec::new(), whole);
    for (name, step) in steps {
        step(&mut smaller);
        left_out.push(name);
        text = render(&smaller, &left_out);
        if text.len() <= max_bytes {
            break;
        }
    }
    text
}

fn shorten(alert: &mut Alert) {
    let short = |text: &mut String| *text = clip(text, SHORT);
    let Alert { time, rule, account, region, actor, source, resource, origin, behind, .. } = alert;
    [&mut rule.id, &mut rule.title, &mut origin.path].into_iter().for_each(short);
    rule.tags.truncate(FEW);
    rule.tags.iter_mut().for_each(short);
    [time, account, region].into_iter().flatten().for_each(short);
    let shorten_actor = |actor: &mut Actor| {
        let Actor { kind, name, arn, account, session } = actor;
        [kind, name, arn, account, session].into_iter().flatten().for_each(short);
    };
    shorten_actor(actor);
    for hop in behind.iter_mut().flat_map(|it| it.via.iter_mut().chain([&mut it.first])) {
        shorten_actor(&mut hop.actor);
        short(&mut hop.at);
    }
    if let Some(source) = source {
        let Address { ip, country, city, asn: _, as_name } = &mut **source;
        [country, city, as_name].into_iter().flatten().chain([ip]).for_each(short);
    }
    resource.truncate(FEW);
    for Resource { kind, id, arn, name } in resource {
        kind.iter_mut().chain(name).for_each(short);
        short(id);
        // The beginning of an ARN is the ARN of something else.
        arn.take_if(|arn| arn.chars().count() > SHORT);
    }
}
