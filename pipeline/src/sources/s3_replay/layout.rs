//! How CloudTrail lays out a bucket, and which of its folders are worth going into.
//!
//! `[prefix/]AWSLogs/[o-organisation/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/file`. Partitions differ in
//! nothing but the names of regions. Keys of a day are in no order of time and come late, so a day is
//! always looked at whole. Pure: nothing here calls S3.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// So many months of a region are asked for without looking which are there.
const FEW_MONTHS: usize = 3;

/// What a replay wants of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The first day that is looked at.
    pub first: Date,
    /// The last day that is looked at.
    pub last: Date,
    /// Accounts; empty for all.
    pub accounts: Vec<String>,
    /// Regions; empty for all.
    pub regions: Vec<String>,
}

/// What is done with a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Its folders are looked at, each by itself.
    Enter,
    /// These folders of it are looked at, whether they are there or not.
    EnterThese(Vec<String>),
    /// Its objects are looked at in their order, from one key on up to another: few regions have
    /// more than an answer holds, and then one request does for all of its days.
    Glance {
        /// Keys up to this one are of days before.
        after: String,
        /// Keys from this one on are of days behind.
        before: String,
    },
    /// All objects in it are taken.
    Take,
    /// It is not of the trail, or not asked for.
    PassBy,
}

/// Where in the tree a folder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place<'k> {
    /// Above `AWSLogs`.
    Outside,
    /// `AWSLogs`, or an organisation in it.
    Accounts,
    /// An account.
    Account(&'k str),
    /// `CloudTrail` of an account.
    Trail,
    /// A region.
    Region(&'k str),
    Year(i16),
    Month(i16, i8),
    Day(Date),
    /// Something else that AWS puts there.
    Other,
}

impl Wanted {
    /// Of events between two times, to look at: files are named for the time of their delivery, which
    /// is some minutes to hours after their events, so a day more is looked at on each side.
    pub fn between(
        from: Timestamp,
        to: Timestamp,
        accounts: Vec<String>,
        regions: Vec<String>,
    ) -> Self {
        let day = |time: Timestamp| TimeZone::UTC.to_datetime(time).date();
        let one = Span::new().days(1);
        Self {
            first: day(from).checked_sub(one).unwrap_or(Date::MIN),
            last: day(to).checked_add(one).unwrap_or(Date::MAX),
            accounts,
            regions,
        }
    }

    /// What is done with a folder (empty, or ending with `/`). Days up to `done` are not looked at: a
    /// glance at the region saw them.
    pub fn step(&self, folder: &str, done: Option<Date>) -> Step {
        let first = match done.map(Date::tomorrow) {
            None => self.first,
            Some(Ok(next)) if next <= self.last => next.max(self.first),
            Some(_) => return Step::PassBy,
        };
        let is_asked =
            |wanted: &[String], name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
        let enter_if = |is_so: bool| if is_so { Step::Enter } else { Step::PassBy };
        match place(folder) {
            Place::Outside | Place::Accounts | Place::Trail => Step::Enter,
            Place::Account(account) => enter_if(is_asked(&self.accounts, account)),
            Place::Region(region) if !is_asked(&self.regions, region) => Step::PassBy,
            Place::Region(_) if done.is_none() => Step::Glance {
                after: format!("{folder}{}", self.first.strftime("%Y/%m/%d")),
                // `0` is what follows `/`.
                before: format!("{folder}{}0", self.last.strftime("%Y/%m/%d")),
            },
            // Asking for each month of years, in every region, would cost more than looking.
            Place::Region(_) if self.months(first).nth(FEW_MONTHS).is_some() => Step::Enter,
            Place::Region(_) => Step::EnterThese(
                self.months(first).map(|(y, m)| format!("{folder}{y:04}/{m:02}/")).collect(),
            ),
            Place::Other => Step::PassBy,
            Place::Year(year) => {
                let months = self.months(first).filter(|(y, _)| *y == year);
                let months: Vec<String> = months.map(|(_, m)| format!("{folder}{m:02}/")).collect();
                match months.len() {
                    0 => Step::PassBy,
                    1..=FEW_MONTHS => Step::EnterThese(months),
                    _ => Step::Enter,
                }
            }
            Place::Month(year, month) => {
                enter_if(self.months(first).any(|(y, m)| (y, m) == (year, month)))
            }
            Place::Day(day) if first <= day && day <= self.last => Step::Take,
            Place::Day(_) => Step::PassBy,
        }
    }

    /// True if a folder is above what CloudTrail lays out.
    pub fn is_outside(folder: &str) -> bool {
        place(folder) == Place::Outside
    }

    /// The day in whose folder an object stands, and whether it is looked at.
    pub fn day(&self, key: &str) -> Option<(Date, bool)> {
        let folder = key.rfind('/').map_or("", |at| &key[..=at]);
        match place(folder) {
            Place::Day(day) => Some((day, self.is_in(day))),
            _ => None,
        }
    }

    /// True if an object is taken by its name alone, where folders tell nothing:
    /// `ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_...json.gz`.
    pub fn takes_by_name(&self, key: &str) -> bool {
        let name = key.rsplit('/').next().unwrap_or(key);
        let mut parts = name.split('_');
        let (Some(account), Some(kind), Some(region), Some(time)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let is_asked =
            |wanted: &[String], name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
        is_account(account)
            && is_trail(kind)
            && is_asked(&self.accounts, account)
            && is_asked(&self.regions, region)
            && time.get(..8).and_then(day_of).is_some_and(|day| self.is_in(day))
    }

    fn is_in(&self, day: Date) -> bool {
        self.first <= day && day <= self.last
    }

    /// The months from a day on.
    fn months(&self, first: Date) -> impl Iterator<Item = (i16, i8)> + use<> {
        let last = (self.last.year(), self.last.month());
        let first = (first.year(), first.month());
        std::iter::successors(Some(first), |(year, month)| {
            Some(if *month == 12 { (year + 1, 1) } else { (*year, month + 1) })
        })
        .take_while(move |at| *at <= last)
    }
}

fn place(folder: &str) -> Place<'_> {
    let parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    let Some(logs) = parts.iter().rposition(|part| *part == "AWSLogs") else {
        return Place::Outside;
    };
    let below = &parts[logs + 1..];
    let below = match below.first() {
        Some(first) if is_organisation(first) => &below[1..],
        _ => below,
    };
    let number = |text: &str| text.parse::<i8>().ok().filter(|_| text.len() == 2);
    let year_of = |text: &str| text.parse::<i16>().ok().filter(|_| text.len() == 4);
    match below {
        [] => Place::Accounts,
        [account, ..] if !is_account(account) => Place::Other,
        [account] => Place::Account(account),
        [_, kind, ..] if !is_trail(kind) => Place::Other,
        [_, _] => Place::Trail,
        [_, _, region] => Place::Region(region),
        [_, _, _, year] => year_of(year).map_or(Place::Other, Place::Year),
        [_, _, _, year, month] => match (year_of(year), number(month)) {
            (Some(year), Some(month)) => Place::Month(year, month),
            _ => Place::Other,
        },
        // Whatever stands below a day is of that day.
        [_, _, _, year, month, day, ..] => match (year_of(year), number(month), number(day)) {
            (Some(year), Some(month), Some(day)) => {
                Date::new(year, month, day).map_or(Place::Other, Place::Day)
            }
            _ => Place::Other,
        },
    }
}

fn is_organisation(name: &str) -> bool {
    name.strip_prefix("o-").is_some_and(|id| {
        (10..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn is_account(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// `CloudTrail`, and what it delivers beside: insights and aggregated events. Digests hold no events.
fn is_trail(name: &str) -> bool {
    name == "CloudTrail" || (name.starts_with("CloudTrail-") && name != "CloudTrail-Digest")
}

/// `YYYYMMDD`.
fn day_of(text: &str) -> Option<Date> {
    let part = |range| text.get(range);
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        let time = |text: &str| text.parse().unwrap();
        Wanted::between(time("2026-03-01T12:00:00Z"), time("2026-03-03T00:00:00Z"), vec![], vec![])
    }

    #[track_caller]
    fn check(folder: &str, expected: &Step) {
        assert_eq!(wanted().step(folder, None), *expected, "{folder}");
    }

    fn day(text: &str) -> Option<Date> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_day_is_looked_at_beyond_each_edge() {
        let wanted = wanted();
        assert_eq!(wanted.first.to_string(), "2026-02-28");
        assert_eq!(wanted.last.to_string(), "2026-03-04");
    }

    #[test]
    fn folders_of_the_trail_are_gone_into() {
        for folder in [
            "",
            "custom/prefix/",
            "AWSLogs/",
            "a/AWSLogs/o-exampleorg1/",
            "AWSLogs/111122223333/",
            "AWSLogs/o-exampleorg1/111122223333/",
            "AWSLogs/111122223333/CloudTrail/",
            "AWSLogs/111122223333/CloudTrail-Insight/",
            "AWSLogs/111122223333/CloudTrail/us-gov-west-1/2026/03/",
        ] {
            check(folder, &Step::Enter);
        }
        check(
            "AWSLogs/111122223333/CloudTrail/cn-north-1/",
            &Step::Glance {
                after: "AWSLogs/111122223333/CloudTrail/cn-north-1/2026/02/28".to_owned(),
                before: "AWSLogs/111122223333/CloudTrail/cn-north-1/2026/03/040".to_owned(),
            },
        );
        check(
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/",
            &Step::EnterThese(vec![
                "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/02/".to_owned(),
                "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/".to_owned(),
            ]),
        );
        check("x/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/02/28/", &Step::Take);
        check("x/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/04/", &Step::Take);
    }

    #[test]
    fn behind_a_glance_folders_are_gone_into() {
        let wanted = wanted();
        let region = "AWSLogs/111122223333/CloudTrail/eu-west-1/";
        let step = |folder: &str, done| wanted.step(&format!("{region}{folder}"), day(done));
        let months = |all: &[&str]| {
            Step::EnterThese(all.iter().map(|month| format!("{region}2026/{month}/")).collect())
        };
        assert_eq!(step("", "2026-02-27"), months(&["02", "03"]));
        assert_eq!(step("", "2026-02-28"), months(&["03"]));
        assert_eq!(step("2026/02/", "2026-02-28"), Step::PassBy);
        assert_eq!(step("2026/03/", "2026-03-02"), Step::Enter);
        assert_eq!(step("2026/03/02/", "2026-03-02"), Step::PassBy);
        assert_eq!(step("2026/03/03/", "2026-03-02"), Step::Take);
        assert_eq!(step("2026/03/05/", "2026-03-02"), Step::PassBy);
        assert_eq!(step("", "2026-03-04"), Step::PassBy);
    }

    #[test]
    fn the_folder_tells_the_day_of_a_key() {
        let wanted = wanted();
        let of =
            |key: &str| wanted.day(&format!("AWSLogs/111122223333/CloudTrail/eu-west-1/{key}"));
        let is = |text: &str, is_in| Some((text.parse().unwrap(), is_in));
        assert_eq!(of("2026/03/04/a.json.gz"), is("2026-03-04", true));
        assert_eq!(of("2026/03/04/deeper/a.json.gz"), is("2026-03-04", true));
        assert_eq!(of("2026/03/05/a.json.gz"), is("2026-03-05", false));
        assert_eq!(of("2026/03/a.json.gz"), None);
        assert_eq!(of("2026/03/04x/a.json.gz"), None);
    }

    #[test]
    fn of_a_long_time_only_what_is_there_is_looked_at() {
        let time = |text: &str| text.parse().unwrap();
        let (from, to) = (time("2020-11-05T00:00:00Z"), time("2026-02-10T00:00:00Z"));
        let long = Wanted::between(from, to, vec![], vec![]);
        let region = "AWSLogs/111122223333/CloudTrail/eu-west-1/";
        let step = |folder: &str| long.step(&format!("{region}{folder}"), day("2020-11-06"));
        assert_eq!(step(""), Step::Enter);
        assert_eq!(step("2023/"), Step::Enter);
        let both = ["2020/11/", "2020/12/"].map(|month| format!("{region}{month}"));
        assert_eq!(step("2020/"), Step::EnterThese(both.to_vec()));
        assert_eq!(step("2027/"), Step::PassBy);
    }

    #[test]
    fn what_is_not_asked_for_is_passed_by() {
        for folder in [
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/02/27/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/05/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/04/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2025/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/13/41/",
            "AWSLogs/111122223333/CloudTrail-Digest/",
            "AWSLogs/111122223333/Config/",
            "AWSLogs/elsewhere/",
        ] {
            check(folder, &Step::PassBy);
        }
        let mut some = wanted();
        some.accounts = vec!["111122223333".to_owned()];
        some.regions = vec!["eu-west-1".to_owned()];
        assert_eq!(some.step("AWSLogs/111122223333/", None), Step::Enter);
        assert_eq!(some.step("AWSLogs/444455556666/", None), Step::PassBy);
        let region = "AWSLogs/111122223333/CloudTrail/us-east-1/";
        assert_eq!(some.step(region, None), Step::PassBy);
        assert_eq!(some.step(region, day("2026-03-01")), Step::PassBy);
    }

    #[test]
    fn a_name_tells_what_folders_do_not() {
        let wanted = wanted();
        let name =
            |time: &str| format!("copied/111122223333_CloudTrail_eu-west-1_{time}_a.json.gz");
        assert!(wanted.takes_by_name(&name("20260302T1205Z")));
        assert!(!wanted.takes_by_name(&name("20260402T1205Z")));
        assert!(!wanted.takes_by_name("copied/111122223333_Config_eu-west-1_20260302T1205Z_a.gz"));
        assert!(!wanted.takes_by_name("copied/notes.txt"));
    }
}
