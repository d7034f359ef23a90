//! Which files a corpus has: account, Region, five minutes, size and name of each.

use std::path::PathBuf;

use crate::generate::{
    calendar::{Moment, START},
    random::{Random, mix, skewed},
    world::World,
};

/// Seconds that one file covers.
pub(crate) const WINDOW_SECONDS: u64 = 300;

/// Regions, the busiest first.
const REGIONS: [&str; 6] =
    ["us-east-1", "ap-northeast-1", "eu-west-1", "us-west-2", "eu-central-1", "ap-southeast-2"];

/// One file of a corpus.
#[derive(Clone, Debug)]
pub(crate) struct FilePlan {
    pub(crate) seed: u64,
    /// Index of the account in the world.
    pub(crate) account: usize,
    pub(crate) region: &'static str,
    /// Start of its five minutes, seconds since 1970.
    pub(crate) from: u64,
    /// How long it may get, uncompressed.
    pub(crate) bytes: u64,
    /// Where it goes below the corpus folder, without extension.
    pub(crate) stem: PathBuf,
    /// Another file of the same account and Region, whose events may come again in this one.
    pub(crate) earlier: Option<usize>,
}

/// Plans `files` files of `bytes` in total over `days`, and says which of them share account and Region.
pub(crate) fn plan(world: &World, seed: u64, files: usize, bytes: u64, days: u64) -> Vec<FilePlan> {
    let mut random = Random::new(mix(seed, 0xf11e));
    let weights: Vec<u64> = (0..files).map(|_| 60 + random.below(80)).collect();
    let total: u64 = weights.iter().sum();
    let slots = days.max(1) * 86_400 / WINDOW_SECONDS;
    let mut plans: Vec<FilePlan> = Vec::with_capacity(files);
    for (index, weight) in weights.into_iter().enumerate() {
        let account = skewed(random.next(), world.0.len());
        let region = if index == 0 { REGIONS[0] } else { REGIONS[skewed(random.next(), 6)] };
        let slot = index as u64 * slots / files as u64;
        let from = START + slot * WINDOW_SECONDS;
        let size = u128::from(bytes) * u128::from(weight) / u128::from(total.max(1));
        let is_same = |other: &FilePlan| other.account == account && other.region == region;
        let earlier = plans.iter().rposition(is_same);
        plans.push(FilePlan {
            seed: mix(seed, index as u64),
            account,
            region,
            from,
            bytes: size as u64,
            stem: stem(&world.0[account].id, region, from, &mut random),
            earlier,
        });
    }
    plans
}

/// Returns the path of a file as CloudTrail names it.
pub(crate) fn stem(account: &str, region: &str, from: u64, random: &mut Random) -> PathBuf {
    let Moment { year, month, day, hour, minute, .. } = Moment::new(from + WINDOW_SECONDS);
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let tail: String = (0..16).map(|_| char::from(*random.pick(letters))).collect();
    let name = format!(
        "{account}_CloudTrail_{region}_{year}{month:02}{day:02}T{hour:02}{minute:02}Z_{tail}"
    );
    let folder = format!("AWSLogs/{account}/CloudTrail/{region}/{year}/{month:02}/{day:02}");
    PathBuf::from(folder).join(name)
}
