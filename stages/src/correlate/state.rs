//! The state of a group as bytes, for whoever keeps it.

use super::compile::Correlation;
use super::given_up::{GivenUp, Run, Shared};
use super::group::{Episode, Group, Kept, Told};
use super::packed::{Reader, Writer};
use crate::model::{Summary, TextsIter, Who};

/// Most bytes of a group's state.
pub const MAX_STATE: usize = 256 << 10;

/// Bytes of a state that entries may fill. The rest (values of the group, what is told, what is given
/// up) is bounded too, by less than what this leaves.
const ENTRIES: usize = 160 << 10;

/// The first number of a state. Another form has another one.
const VERSION: u64 = 2;

/// Writes a group's state.
pub(super) fn write(rule: &Correlation, group: &Group) -> Vec<u8> {
    let mut out = Writer::default();
    out.number(VERSION);
    out.text(&rule.fingerprint);
    out.texts(&group.values);
    out.number(u64::from(group.next));
    out.list(&group.told, write_told);
    out.flag(group.given_up.is_some());
    if let Some(given_up) = &group.given_up {
        write_given_up(&mut out, given_up);
    }
    let mut before = 0;
    out.list(&group.entries, |out, entry| write_entry(out, entry, &mut before));
    out.finish()
}

/// Reads a group's state; `None` if it is of another definition, or no state.
pub(super) fn read(rule: &Correlation, bytes: &[u8]) -> Option<Group> {
    let mut from = Reader::new(bytes)?;
    if from.number()? != VERSION || from.text()? != rule.fingerprint {
        return None;
    }
    let mut group = Group {
        values: from.texts()?,
        next: u32::try_from(from.number()?).ok()?,
        told: from.list(read_told)?,
        given_up: None,
        entries: Vec::new(),
    };
    if from.flag()? {
        group.given_up = Some(read_given_up(&mut from)?);
    }
    let mut before = 0;
    let entries = from.list(|from| read_entry(from, &mut before))?;
    let is_known = entries.iter().all(|entry| usize::from(entry.source) < rule.sources.len());
    if !is_known || !from.is_at_end() || group.values.iter().count() != rule.group_by.len() {
        return None;
    }
    group.add(entries);
    Some(group)
}

/// How many of the newest entries of a group there is room for in a state.
pub(super) fn room(entries: &[Kept]) -> usize {
    let mut size = 0;
    let mut newer: Option<&Summary> = None;
    let fits = entries.iter().rev().take_while(|entry| {
        size += size_of(entry, newer);
        newer = Some(&entry.detail);
        size <= ENTRIES
    });
    fits.count()
}

/// No less than the bytes of an entry, which shares texts with the next newer one.
fn size_of(entry: &Kept, newer: Option<&Summary>) -> usize {
    // Its length, and its place among all texts.
    let of = |text: &str| text.len() + 9;
    let all = |texts: TextsIter<'_>| texts.map(|text| text.map_or(6, of)).sum::<usize>();
    let detail = &entry.detail;
    let mut size = 80 + all(entry.values.iter());
    size += detail.event_id.as_deref().map_or(0, of);
    if newer.is_none_or(|newer| newer.path != detail.path) {
        size += detail.path.as_deref().map_or(0, of);
    }
    if newer.is_none_or(|newer| newer.who != detail.who) {
        size += all(detail.who.0.iter());
    }
    if newer.is_none_or(|newer| newer.resource != detail.resource) {
        size += all(detail.resource.iter());
    }
    // Places of the texts that are shared.
    size + 6 * (Who::TEXTS + detail.resource.iter().count())
}

fn write_entry<'w>(out: &mut Writer<'w>, entry: &'w Kept, before: &mut i64) {
    out.signed(entry.time.wrapping_sub(*before));
    *before = entry.time;
    out.signed(entry.arrived.wrapping_sub(entry.time));
    out.wide(entry.identity);
    out.number(u64::from(entry.source));
    out.flag(entry.is_judged);
    out.texts(&entry.values);
    write_detail(out, &entry.detail);
}

fn read_entry(from: &mut Reader<'_>, before: &mut i64) -> Option<Kept> {
    let time = before.wrapping_add(from.signed()?);
    *before = time;
    Some(Kept {
        time,
        arrived: time.wrapping_add(from.signed()?),
        identity: from.wide()?,
        source: u16::try_from(from.number()?).ok()?,
        is_judged: from.flag()?,
        values: from.texts()?,
        detail: read_detail(from)?,
    })
}

fn write_detail<'w>(out: &mut Writer<'w>, detail: &'w Summary) {
    out.texts(&detail.who.0);
    out.texts(&detail.resource);
    out.optional(detail.path.as_deref());
    out.number(detail.index);
    out.optional(detail.event_id.as_deref());
}

fn read_detail(from: &mut Reader<'_>) -> Option<Summary> {
    Some(Summary {
        who: Who(from.texts()?),
        resource: from.texts()?,
        path: from.optional()?.map(Into::into),
        index: from.number()?,
        event_id: from.optional()?.map(Into::into),
    })
}

fn write_told<'w>(out: &mut Writer<'w>, told: &'w Told) {
    out.text(&told.id);
    out.number(u64::from(told.number));
    out.signed(told.first_hold);
    out.signed(told.last_hold);
    out.text(&told.digest);
    out.flag(told.is_settled);
    out.optional(told.merged_into.as_deref());
    out.flag(told.handed_on.is_some());
    out.signed(told.handed_on.unwrap_or_default());
}

fn read_told(from: &mut Reader<'_>) -> Option<Told> {
    Some(Told {
        id: from.text()?.to_owned(),
        number: u32::try_from(from.number()?).ok()?,
        first_hold: from.signed()?,
        last_hold: from.signed()?,
        digest: from.text()?.to_owned(),
        is_settled: from.flag()?,
        merged_into: from.optional()?.map(str::to_owned),
        handed_on: {
            let (is_handed_on, mark) = (from.flag()?, from.signed()?);
            is_handed_on.then_some(mark)
        },
    })
}

fn write_given_up<'w>(out: &mut Writer<'w>, given_up: &'w GivenUp) {
    out.signed(given_up.until);
    out.list(&given_up.times, |out, (time, count)| {
        out.signed(*time);
        out.number(*count);
    });
    out.flag(given_up.run.is_some());
    let Some(run) = &given_up.run else { return };
    let Episode { from, first_hold, last_hold, measured, follows, is_open } = run.episode;
    for time in [from, first_hold, last_hold, run.first, run.arrived] {
        out.signed(time);
    }
    out.float(measured);
    out.flag(follows);
    out.flag(is_open);
    out.number(run.count);
    out.list(&run.by_source, |out, count| out.number(*count));
    out.list(&run.values, |out, value| out.text(value));
    let mut before = 0;
    out.list(&run.samples, |out, entry| write_entry(out, entry, &mut before));
    out.flag(run.shared.of.is_some());
    if let Some(of) = &run.shared.of {
        write_detail(out, of);
    }
    flags_of(&run.shared).iter().for_each(|flag| out.flag(*flag));
}

/// In the order in which they are written.
fn flags_of(shared: &Shared) -> [bool; 6] {
    let Shared { of: _, is_one_account, is_one_region, is_one_actor, .. } = *shared;
    let Shared { is_one_resource, is_one_source, is_one_key, .. } = *shared;
    [is_one_account, is_one_region, is_one_actor, is_one_resource, is_one_source, is_one_key]
}

fn read_given_up(from: &mut Reader<'_>) -> Option<GivenUp> {
    let until = from.signed()?;
    let times = from.list(|from| Some((from.signed()?, from.number()?)))?;
    let run = if from.flag()? { Some(read_run(from)?) } else { None };
    Some(GivenUp { until, times, run })
}

fn read_run(from: &mut Reader<'_>) -> Option<Run> {
    let (begin, first_hold, last_hold) = (from.signed()?, from.signed()?, from.signed()?);
    let (first, arrived) = (from.signed()?, from.signed()?);
    let episode = Episode {
        from: begin,
        first_hold,
        last_hold,
        measured: from.float()?,
        follows: from.flag()?,
        is_open: from.flag()?,
    };
    let (count, by_source) = (from.number()?, from.list(Reader::number)?);
    let values = from.list(|from| from.text().map(Into::into))?;
    let mut before = 0;
    let samples = from.list(|from| read_entry(from, &mut before))?;
    let of = if from.flag()? { Some(read_detail(from)?) } else { None };
    let shared = Shared {
        of,
        is_one_account: from.flag()?,
        is_one_region: from.flag()?,
        is_one_actor: from.flag()?,
        is_one_resource: from.flag()?,
        is_one_source: from.flag()?,
        is_one_key: from.flag()?,
    };
    Some(Run { episode, first, arrived, count, by_source, values, samples, shared })
}
