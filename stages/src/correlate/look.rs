//! A look at a group at some moment: which episodes are told, which are over, what may be forgotten.
//!
//! What a window holds is known for good once `lateness` has passed since its end, and since the last
//! of its entries was read: the second lets old files be read, however old. An episode is settled once
//! no window that could still come would belong to it.

use super::compile::Correlation;
use super::given_up::GivenUp;
use super::group::{Episode, Group, Told};
use super::tell::Telling;
use crate::model::{Alert, Correlated, Entry, Texts, alert_id, identity_of};
use crate::sigma::ast::Emit;

/// Something to be told of an episode.
#[derive(Debug, Clone)]
pub struct Tell {
    /// The alert as it is now.
    pub alert: Alert,
    /// What it is to who was told before.
    pub news: News,
}

/// What a [`Tell`] is to who was told before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It was not told yet.
    New,
    /// It corrects what was told under its id: the later one holds.
    Update,
    /// It is as it was told, and will not change any more.
    Over,
    /// It was told, and now belongs to the episode of this id, which tells of both.
    MergedInto(String),
}

/// When a look is taken, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: i64,
    pub(super) lateness: i64,
    /// The input is finite: nothing is told early, since all is told at its end.
    pub(super) is_finite: bool,
}

/// What a look gave.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) tells: Vec<Tell>,
    /// Marks of episodes for the correlations that this one feeds.
    pub(super) handed_on: Vec<Mark>,
    /// When the next look is wanted.
    pub(super) due: Option<i64>,
    /// Entries that had no room.
    pub(super) given_up: u64,
    /// Entries that came after their episode was settled.
    pub(super) too_late: u64,
}

/// An episode as those that it feeds are told of it, at one of its times.
#[derive(Debug)]
pub(super) struct Mark {
    /// For a correlation that is still to be named.
    pub(super) entry: Entry,
    /// The episode is told of for the first time; else it goes on.
    pub(super) is_first: bool,
}

/// An episode that goes on is marked anew after this part of a time span.
const MARKS: i64 = 8;

/// Most episodes that are remembered for a group.
const MAX_TOLD: usize = 64;

impl Group {
    /// Looks at the group; keeps at most `room` entries.
    pub(super) fn look(&mut self, rule: &Correlation, at: Moment, room: usize) -> Seen {
        let mut seen = Seen::default();
        let episodes = self.episodes(rule);
        let excess = self.entries.len().saturating_sub(room);
        // The time up to which entries have no room.
        let cut = excess.checked_sub(1).map(|last| self.entries[last].time);
        let mut open: Vec<Episode> = Vec::new();
        for (index, episode) in episodes.iter().enumerate() {
            let is_blocked = episode.follows && !open.is_empty();
            let next = episodes.get(index + 1);
            let has_no_room = cut.is_some_and(|cut| {
                let is_behind = episode.last_hold.saturating_add(rule.timespan) < cut;
                is_behind || next.is_some_and(|next| next.follows && next.first_hold <= cut)
            });
            let settles = self.settles(rule, episode, at);
            let is_settled = has_no_room || (!is_blocked && settles <= at.now);
            if self.is_too_late(rule, episode) {
                seen.too_late += self.judge(episode.first_hold, episode.last_hold);
                continue;
            }
            self.say(rule, episode, at, is_settled, &mut seen);
            if is_settled {
                self.judge(episode.from.min(episode.first_hold), episode.last_hold);
                if let Some(given_up) = self.given_up.as_mut().filter(|_| episode.is_open) {
                    given_up.run = None;
                }
                if at.now == i64::MAX {
                    // Nothing comes after the end: who remembers all would be slow.
                    self.told.retain(|told| !told.is_settled);
                }
            } else {
                seen.wants(settles.max(at.now));
                open.push(*episode);
            }
        }
        if excess > 0 {
            seen.given_up = excess as u64;
            self.give_up(rule, excess, &open);
        }
        self.judge_windows(rule, at, &open);
        self.forget(rule, at, &open);
        if open.is_empty() {
            let last = self.entries.iter().map(|entry| expiry(rule, entry.time, entry.arrived, at));
            if let Some(last) = last.max() {
                seen.wants(last.max(at.now));
            }
        }
        seen
    }

    /// When an episode is settled, if nothing else comes.
    fn settles(&self, rule: &Correlation, episode: &Episode, at: Moment) -> i64 {
        let end = episode.last_hold.saturating_add(rule.timespan);
        let end = end.min(episode.first_hold.saturating_add(rule.longest()));
        let from = episode.first_hold.saturating_sub(rule.timespan);
        let around = self.range(from, episode.last_hold.saturating_add(rule.timespan));
        let arrived = self.entries[around].iter().map(|entry| entry.arrived).max();
        let run = self.given_up.as_ref().and_then(|given_up| given_up.run.as_ref());
        let before = run.filter(|_| episode.is_open).map(|run| run.arrived);
        end.max(arrived.unwrap_or(i64::MIN))
            .max(before.unwrap_or(i64::MIN))
            .saturating_add(at.lateness)
    }

    /// True if all of the episode lies within one that is settled: entries that came too late.
    fn is_too_late(&self, rule: &Correlation, episode: &Episode) -> bool {
        self.told.iter().filter(|told| told.is_settled).any(|told| {
            let is_behind = told.first_hold.saturating_sub(rule.timespan) <= episode.first_hold;
            is_behind && episode.last_hold <= told.last_hold
        })
    }

    /// Tells and hands on what is due of an episode.
    fn say(
        &mut self,
        rule: &Correlation,
        episode: &Episode,
        at: Moment,
        is_settled: bool,
        seen: &mut Seen,
    ) {
        let within = |told: &Told| {
            let is_within = episode.first_hold <= told.first_hold;
            !told.is_settled && is_within && told.first_hold <= episode.last_hold
        };
        let mut known: Vec<usize> =
            (0..self.told.len()).filter(|index| within(&self.told[*index])).collect();
        // Who was told first, and is still told of, goes on.
        known.sort_by_key(|index| {
            let told = &self.told[*index];
            (told.merged_into.is_some(), told.digest.is_empty(), told.number)
        });
        let main = known.first().copied().unwrap_or_else(|| {
            self.told.push(Told { number: self.next, ..Told::default() });
            self.next = self.next.wrapping_add(1);
            self.told.len() - 1
        });
        if self.told[main].digest.is_empty() {
            // Nobody has heard its id yet: it is that of its beginning as it is known now.
            self.told[main].id.clear();
            self.told[main].id = self.new_id(rule, episode.first_hold);
        }
        let id = self.told[main].id.clone();
        let is_early = rule.emit == Emit::Early && !at.is_finite;
        let is_told = !rule.is_silent && (is_settled || is_early);
        if is_told {
            let told = self.told[main].clone();
            let telling = Telling { rule, group: self, episode };
            let alert = telling.alert(&id, !is_settled, None);
            let digest = digest(&alert);
            let news = match told.digest.as_str() {
                "" => Some(News::New),
                before if before != digest => Some(News::Update),
                _ => is_settled.then_some(News::Over),
            };
            seen.tells.extend(news.map(|news| Tell { alert, news }));
            for other in known.iter().skip(1) {
                let other = &self.told[*other];
                let is_news = other.merged_into.as_deref() != Some(&id);
                if is_news && !other.digest.is_empty() {
                    let alert = telling.alert(&other.id, !is_settled, Some(&id));
                    seen.tells.push(Tell { alert, news: News::MergedInto(id.clone()) });
                }
            }
            self.told[main].digest = digest;
            for other in known.iter().skip(1) {
                self.told[*other].merged_into = Some(id.clone());
            }
        }
        self.hand_on(rule, episode, at, (main, is_settled), seen);
        let told = &mut self.told[main];
        told.merged_into = None;
        (told.first_hold, told.last_hold) = (episode.first_hold, episode.last_hold);
        if is_settled {
            known.iter().chain([&main]).for_each(|index| self.told[*index].is_settled = true);
        }
    }

    /// Hands an episode on to what it feeds: its marks, as far as they are known for good.
    fn hand_on(
        &mut self,
        rule: &Correlation,
        episode: &Episode,
        at: Moment,
        (told, is_settled): (usize, bool),
        seen: &mut Seen,
    ) {
        if !rule.is_inner {
            return;
        }
        for mark in self.marks(rule, episode, self.told[told].handed_on) {
            let window = self.range(mark.saturating_sub(rule.timespan), mark);
            let arrived = self.entries[window].iter().map(|entry| entry.arrived).max();
            let known = mark.max(arrived.unwrap_or(i64::MIN)).saturating_add(at.lateness);
            if !is_settled && known > at.now {
                seen.wants(known);
                return;
            }
            let is_first = self.told[told].handed_on.is_none();
            self.told[told].handed_on = Some(mark);
            let entry = Telling { rule, group: self, episode }.entry(mark, is_first);
            seen.handed_on.extend(entry.map(|entry| Mark { entry, is_first }));
        }
    }

    /// The marks of an episode behind the last one that was handed on: its beginning, and then each time
    /// at which the condition holds and the mark before is a [part](MARKS) of a time span ago.
    fn marks(&self, rule: &Correlation, episode: &Episode, handed_on: Option<i64>) -> Vec<i64> {
        let mut marks = Vec::new();
        let mut last = handed_on.unwrap_or_else(|| {
            marks.push(episode.first_hold);
            episode.first_hold
        });
        if rule.is_marked {
            let step = (rule.timespan / MARKS).max(1);
            self.holds(rule, |time, _| {
                if time <= episode.last_hold && time.saturating_sub(last) >= step {
                    marks.push(time);
                    last = time;
                }
            });
        }
        marks
    }

    /// An id of the episode's beginning that no other episode was told under.
    fn new_id(&self, rule: &Correlation, first_hold: i64) -> String {
        let identity = |number: u32| {
            let mut identity = identity_of_episode(&self.values, first_hold);
            if number > 0 {
                identity.push_str(&format!("/{number}"));
            }
            alert_id(&rule.rule.id, &identity)
        };
        let is_free = |id: &String| !self.told.iter().any(|told| told.id == *id);
        (0..).map(identity).find(is_free).unwrap_or_default()
    }

    /// Marks all entries of a span of time as judged; answers how many were not.
    fn judge(&mut self, from: i64, to: i64) -> u64 {
        let range = self.range(from, to);
        let mut count = 0;
        for entry in self.entries[range].iter_mut().filter(|entry| !entry.is_judged) {
            entry.is_judged = true;
            count += 1;
        }
        count
    }

    /// Judges the windows that are known for good and in no open episode.
    fn judge_windows(&mut self, rule: &Correlation, at: Moment, open: &[Episode]) {
        let is_past = |time: i64| time.saturating_add(at.lateness) <= at.now;
        // The newest entry so far that was read too lately for others of its time to be all there.
        let mut unsure: Option<i64> = None;
        let mut open = open.iter().peekable();
        let mut index = 0;
        while let Some(entry) = self.entries.get(index) {
            let time = entry.time;
            let end = index + self.entries[index..].iter().take_while(|it| it.time == time).count();
            let same = &mut self.entries[index..end];
            if same.iter().any(|entry| !is_past(entry.arrived)) {
                unsure = Some(time);
            }
            while open.next_if(|episode| episode.last_hold < time).is_some() {}
            let is_open = open.peek().is_some_and(|episode| episode.from <= time);
            let begin = time.saturating_sub(rule.timespan);
            let is_sure = unsure.is_none_or(|unsure| unsure < begin);
            if is_past(time) && is_sure && !is_open {
                same.iter_mut().for_each(|entry| entry.is_judged = true);
            }
            index = end;
        }
    }

    /// Forgets entries that no window needs that is still asked for, and episodes without entries.
    fn forget(&mut self, rule: &Correlation, at: Moment, open: &[Episode]) {
        let unjudged = self.entries.iter().find(|entry| !entry.is_judged).map(|entry| entry.time);
        let asked = open.iter().map(|episode| episode.from.min(episode.first_hold)).chain(unjudged);
        let needed = asked.min().map_or(i64::MAX, |time| time.saturating_sub(rule.timespan));
        self.entries.retain(|entry| {
            let is_old = expiry(rule, entry.time, entry.arrived, at) <= at.now;
            !(entry.is_judged && entry.time < needed && is_old)
        });
        let first = self.entries.first().map_or(i64::MAX, |entry| entry.time);
        let begin = first.saturating_sub(rule.timespan);
        self.told.retain(|told| {
            let is_of =
                |it: &Episode| it.first_hold <= told.first_hold && told.first_hold <= it.last_hold;
            let is_open = !told.is_settled && open.iter().any(is_of);
            let was_said = !told.digest.is_empty() || told.handed_on.is_some() || told.is_settled;
            was_said && (is_open || told.last_hold >= begin)
        });
        let excess = self.told.len().saturating_sub(MAX_TOLD);
        let mut left = excess;
        self.told.retain(|told| {
            let goes = left > 0 && (told.is_settled || told.merged_into.is_some());
            left -= usize::from(goes);
            !goes
        });
        if let Some(given_up) = &mut self.given_up {
            given_up.forget_before(begin);
            if given_up.run.is_none() && given_up.times.is_empty() {
                self.given_up = None;
            }
        }
    }

    /// Gives up the oldest entries; their numbers stay.
    fn give_up(&mut self, rule: &Correlation, count: usize, open: &[Episode]) {
        let given_up: Vec<_> = self.entries.drain(..count).collect();
        let until = given_up.last().map_or(i64::MIN, |entry| entry.time);
        let going_on = open.iter().rfind(|episode| episode.first_hold <= until).copied();
        let kept =
            self.given_up.get_or_insert_with(|| GivenUp { until: i64::MIN, ..GivenUp::default() });
        kept.take(&given_up, going_on, rule.sources.len());
    }
}

impl Seen {
    fn wants(&mut self, due: i64) {
        self.due = Some(self.due.map_or(due, |other| other.min(due)));
    }
}

/// What makes an episode the same: its group and when the condition first held.
pub(super) fn identity_of_episode(values: &Texts, first_hold: i64) -> String {
    format!("{}/{first_hold}", crate::model::group_key("", values))
}

/// When an entry may go, if no open episode needs it.
fn expiry(rule: &Correlation, time: i64, arrived: i64, at: Moment) -> i64 {
    time.saturating_add(rule.timespan).max(arrived).saturating_add(at.lateness)
}

/// Of everything but whether more may come: that alone is no news.
fn digest(alert: &Alert) -> String {
    let Alert { account, region, actor, address, resource, correlation, .. } = alert;
    let told = correlation.as_deref();
    let told = told.map(|told| Correlated { is_ongoing: false, ..told.clone() });
    let told = (told, account, region, actor, address, resource);
    let text = serde_json::to_vec(&told).unwrap_or_default();
    identity_of(&text)[..16].to_owned()
}
