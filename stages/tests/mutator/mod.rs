//! Makes new inputs of saved ones: flips, cuts, splices, repeats and tokens of the formats at hand.
//!
//! Small and without coverage; `cargo fuzz` is for the long hunt.

/// Longest input that is made.
const MAX_INPUT: usize = 4096;

/// What is put in whole.
const TOKENS: [&str; 44] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    ",",
    ":",
    "\n",
    " ",
    "\\u0045",
    "\\ud800",
    "\\/",
    "\\\"",
    "null",
    "true",
    "-0",
    "05",
    "1e400",
    "18446744073709551616",
    "0.1",
    "\u{feff}",
    "{\"Records\":[",
    "\"eventName\":\"StopLogging\"",
    "\"eventName\"",
    "\"omitted\":true",
    "\"CloudTrailEvent\":\"{}\"",
    "{\"eventVersion\"",
    "\"detail\":{}",
    "\"detail-type\":\"x\"",
    "\u{212a}",
    "\u{130}",
    "\0",
    "|contains",
    "|all",
    "|re",
    "|cidr",
    "|neq",
    "*",
    "?",
    "  - ",
    ": ",
    "1 of ",
    " and not ",
];

/// A source of inputs; the same ones each time.
pub struct Mutator {
    seeds: Vec<Vec<u8>>,
    state: u64,
}

impl Mutator {
    /// Begins with these.
    pub fn new(seeds: Vec<Vec<u8>>) -> Self {
        Self { seeds, state: 0x9e37_79b9_7f4a_7c15 }
    }

    /// Makes the next input.
    pub fn next(&mut self) -> Vec<u8> {
        let pick = self.below(self.seeds.len());
        let mut input = self.seeds[pick].clone();
        for _ in 0..=self.below(5) {
            self.change(&mut input);
        }
        input.truncate(MAX_INPUT);
        input
    }

    /// Xorshift: enough to choose places.
    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        // The bound is a length, at least 1 here.
        (self.state % bound.max(1) as u64) as usize
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match self.below(12) {
            0 | 1 => {
                let bit = self.below(8);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            2 => input.truncate(at),
            3 => {
                let end = (at + self.below(20)).min(input.len());
                input.drain(at..end);
            }
            4 => {
                let end = (at + self.below(200)).min(input.len());
                let piece = input[at..end].repeat(1 + self.below(4));
                input.splice(at..at, piece);
            }
            5 => {
                let pick = self.below(self.seeds.len());
                let from = self.below(self.seeds[pick].len() + 1);
                input.truncate(at);
                input.extend_from_slice(&self.seeds[pick][from..]);
            }
            6 => {
                let byte = self.below(256);
                input.insert(at, byte.to_le_bytes()[0]);
            }
            _ => {
                let token = TOKENS[self.below(TOKENS.len())];
                input.splice(at..at, token.bytes());
            }
        }
    }
}
