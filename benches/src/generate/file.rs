//! Writes the events of one file. Each event depends on the seed of its file and its place only.

use crate::generate::{
    catalogue::{Catalogue, Duty},
    incident::{self, Incident, Who},
    plan::{FilePlan, WINDOW_SECONDS},
    random::{Random, mix},
    record::{self, Event, Failure},
    template::{Scene, uuid},
    world::World,
};

/// Parts in a million of the events that are of the other categories or truncated.
const RARITIES: u64 = 600;
/// Parts in a million of the calls that fail.
const FAILURES: u64 = 30_000;
/// Parts in a million of everyday work that bears a name which rules look for.
const EVERYDAY_CANDIDATES: u64 = 5_000;
/// Parts in a million of the events that were in an earlier file already.
const DUPLICATES: u64 = 2_500;
/// Callers at work at the same time in one file.
const SESSIONS: u64 = 16;
/// Events after which another caller takes a place.
const TURN: u64 = 300;
/// Most events that one caller makes in a row; trails come in bursts.
const BURST: u64 = 40;
/// Parts in a million of the events that break into another caller's burst.
const INTERRUPTIONS: u64 = 60_000;
/// Parts in a million of the calls that are about the thing which the session is about.
const FOCUS: u64 = 900_000;
/// Parts in a million of the calls that are one of the few which the session mostly makes.
const HABITS: u64 = 900_000;
/// How many calls a session mostly makes.
const HABIT_CALLS: u64 = 5;

/// Everything that the files of a corpus have in common.
#[derive(Debug)]
pub(crate) struct Studio {
    pub(crate) world: World,
    pub(crate) catalogue: Catalogue,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) plans: Vec<FilePlan>,
    /// Parts in a million; `None` is everyday work.
    pub(crate) candidates: Option<u64>,
    /// Parts in a million.
    pub(crate) incident_share: u64,
}

/// What an event is, beside ordinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Ordinary,
    Candidate,
    Duplicate,
    Incident { name: &'static str, id: [u8; 36] },
}

impl Studio {
    /// Appends event number `place` of file number `file`.
    pub(crate) fn event(&self, out: &mut Vec<u8>, file: usize, place: u64) -> Mark {
        let Some((other, at)) = self.repeated(file, place) else {
            return self.original(out, file, place);
        };
        match self.repeated(other, at) {
            // The event there is itself a repeat, which would make a third copy.
            Some(_) => self.original(out, file, place),
            None => {
                self.original(out, other, at);
                Mark::Duplicate
            }
        }
    }

    /// Where the event was before, when this place repeats one.
    fn repeated(&self, file: usize, place: u64) -> Option<(usize, u64)> {
        let plan = &self.plans[file];
        let mut random = Random::new(mix(plan.seed ^ 0xd0b1e, place));
        if !random.chance(DUPLICATES) {
            return None;
        }
        match plan.earlier {
            // Every file has more events than this part of its size in KiB says.
            Some(other) => {
                let sure = self.plans[other].bytes / 4096;
                (sure > 0).then(|| (other, random.below(sure)))
            }
            None => (place > 0).then(|| (file, random.below(place))),
        }
    }

    /// Appends event number `place` of file number `file`, which repeats no other.
    pub(crate) fn original(&self, out: &mut Vec<u8>, file: usize, place: u64) -> Mark {
        let plan = &self.plans[file];
        let random = &mut Random::new(mix(plan.seed, place));
        if random.chance(self.incident_share) {
            let incident = incident::draw(&self.incidents, random, plan.region);
            let id = self.incident(out, plan, incident, time(plan, place, random), random);
            return Mark::Incident { name: incident.name, id };
        }
        let account = &self.world.0[plan.account];
        if random.chance(self.candidates.unwrap_or(EVERYDAY_CANDIDATES)) {
            let menu = match self.candidates {
                Some(_) => &self.catalogue.candidates,
                None => &self.catalogue.everyday_candidates,
            };
            let duty = *random.pick(&[Duty::Deploy, Duty::Deploy, Duty::Console]);
            let session = mix(plan.seed, random.below(SESSIONS));
            let call = menu.draw(random, plan.region);
            let actor = account.caller_of(duty, session);
            let seat = Seat { session, draw: random.next(), time: time(plan, place, random) };
            self.stage(out, plan, call, actor, seat, None, random);
            return Mark::Candidate;
        }
        let burst = mix(plan.seed ^ 0xb, place / BURST);
        let chair = if random.chance(INTERRUPTIONS) { random.next() } else { burst } % SESSIONS;
        let session = mix(mix(plan.seed, chair), (place + chair * 13) / TURN);
        let actor = account.caller(session);
        let menu = match random.chance(RARITIES) {
            true => &self.catalogue.rarities,
            false => self.catalogue.menu(actor.duty),
        };
        let call = if random.chance(HABITS) {
            let habit = mix(session, 16 + random.below(HABIT_CALLS));
            menu.draw(&mut Random::new(habit), plan.region)
        } else {
            menu.draw(random, plan.region)
        };
        let draw = if random.chance(FOCUS) { mix(session, 1) } else { random.next() };
        let failure = random.chance(FAILURES).then(|| Failure::draw(random));
        let seat = Seat { session, draw, time: time(plan, place, random) };
        self.stage(out, plan, call, actor, seat, failure, random);
        Mark::Ordinary
    }

    /// Appends a planted incident at `time` and returns its event id.
    pub(crate) fn incident(
        &self,
        out: &mut Vec<u8>,
        plan: &FilePlan,
        incident: &Incident,
        time: u64,
        random: &mut Random,
    ) -> [u8; 36] {
        let account = &self.world.0[plan.account];
        let session = random.next();
        let actor = match incident.who {
            Who::Person => account.caller_of(Duty::Console, session),
            Who::Pipeline => account.caller_of(Duty::Deploy, session),
            Who::Root => &account.root,
        };
        let seat = Seat { session, draw: random.next(), time };
        self.stage(out, plan, &incident.call, actor, seat, None, random)
    }

    /// Appends a call by a caller and returns its event id.
    #[expect(clippy::too_many_arguments, reason = "call, caller and the moment of one event")]
    pub(crate) fn stage(
        &self,
        out: &mut Vec<u8>,
        plan: &FilePlan,
        call: &crate::generate::catalogue::Call,
        actor: &crate::generate::actor::Actor,
        seat: Seat,
        failure: Option<Failure>,
        random: &mut Random,
    ) -> [u8; 36] {
        let account = &self.world.0[plan.account];
        let mut request = Vec::with_capacity(52);
        request_id(&mut request, call.source, random);
        let mut id = [0; 36];
        let mut text = Vec::with_capacity(36);
        uuid(&mut text, random);
        id.copy_from_slice(&text);
        let scene = Scene {
            account: &account.id,
            partner: &account.partner,
            region: plan.region,
            pools: &account.pools,
            draw: seat.draw,
            time: seat.time,
            created: seat.time - 60 - mix(seat.session, 3) % 3000,
            session: seat.session,
            caller_name: &actor.name,
            request: &request,
        };
        record::write(out, &Event { call, actor, scene, id: &id, failure }, random);
        id
    }
}

/// Whose session, about which things, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    pub(crate) session: u64,
    pub(crate) draw: u64,
    /// Seconds since 1970.
    pub(crate) time: u64,
}

/// Rising over the file, with a minute of disorder.
fn time(plan: &FilePlan, place: u64, random: &mut Random) -> u64 {
    let expected = plan.bytes / 1250 + 1;
    let steady = place.min(expected) * (WINDOW_SECONDS - 60) / expected;
    plan.from + steady + random.below(60)
}

fn request_id(out: &mut Vec<u8>, source: &str, random: &mut Random) {
    let length = match source {
        "s3" => 16,
        "dynamodb" | "kinesis" => 52,
        _ => return uuid(out, random),
    };
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    out.extend((0..length).map(|_| *random.pick(letters)));
}
