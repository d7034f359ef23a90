//! A small seeded source of numbers (splitmix64). Not for secrets.

/// Draws numbers; the same seed gives the same row of numbers on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Starts a row of numbers from `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.0)
    }

    /// Returns a number below `limit`, or 0 when `limit` is 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        scale(self.next(), limit)
    }

    /// Answers yes `parts` times in a million.
    pub(crate) fn chance(&mut self, parts: u64) -> bool {
        self.below(1_000_000) < parts
    }

    /// Picks one of `items`, each as often as the others.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }
}

/// Joins two numbers to one seed, so that neighbours get unlike rows.
pub(crate) fn mix(left: u64, right: u64) -> u64 {
    scramble(left ^ scramble(right.wrapping_add(0x9e37_79b9_7f4a_7c15)))
}

/// Turns a hash to an index below `length` that favours the first items, as real use does.
pub(crate) fn skewed(hash: u64, length: usize) -> usize {
    let inner = scale(scramble(hash ^ 0x5bd1_e995), length as u64) + 1;
    scale(hash, inner) as usize
}

fn scale(value: u64, limit: u64) -> u64 {
    ((u128::from(value) * u128::from(limit)) >> 64) as u64
}

fn scramble(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_row() {
        let mut one = Random::new(7);
        let mut two = Random::new(7);
        assert!((0..100).all(|_| one.next() == two.next()));
    }

    #[test]
    fn below_stays_below() {
        let mut random = Random::new(1);
        assert!((0..1000).all(|_| random.below(10) < 10));
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn skewed_favours_the_first() {
        let firsts = (0..1000).filter(|&n| skewed(mix(3, n), 20) < 5).count();
        assert!(firsts > 400, "{firsts}");
    }
}
