//! Networks as requests write them, and whether some of them together let in the world.
//!
//! It does not know what the networks are for, nor whose addresses they are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest text that is read as a network, in bytes. The longest address with a prefix has 49.
const MAX_TEXT: usize = 64;

/// Public IPv4 addresses up to which a set of networks is not yet the world: one network of 8 bits.
/// The largest companies have one or two of those, and 256 rules, which no security group holds
/// unless its limit was raised, would be needed to let everyone in by such networks.
const MAX_PART_V4: u128 = 1 << 24;

/// The same for IPv6: one network of 8 bits of the 32 that make up the public space.
const MAX_PART_V6: u128 = 1 << 120;

/// Where public IPv6 addresses are: `2000::/3`.
const PUBLIC_V6: (u128, u128) = (0x2 << 124, (0x4 << 124) - 1);

/// IPv4 addresses that are nobody's on the internet, in order.
const SPECIAL_V4: [(u128, u128); 13] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 3),
];

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Network {
    is_v4: bool,
    first: u128,
    last: u128,
}

impl Network {
    /// Reads `10.0.0.0/8`, `2001:db8::/32` or a bare address. Bits behind the prefix are passed over, as
    /// AWS does. `None` if it is no network.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > MAX_TEXT {
            return None;
        }
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let (is_v4, bits, address) = match address.parse().ok()? {
            IpAddr::V4(address) => (true, 32, u128::from(address.to_bits())),
            IpAddr::V6(address) => (false, 128, address.to_bits()),
        };
        let prefix = match prefix {
            None => bits,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse::<u32>().ok().filter(|prefix| *prefix <= bits)?
            }
            Some(_) => return None,
        };
        // For a single address all 128 bits are shifted out.
        let behind = u128::MAX.checked_shr(128 - (bits - prefix)).unwrap_or(0);
        Some(Self { is_v4, first: address & !behind, last: address | behind })
    }

    /// Whether it is of IPv4, its first address and its last.
    pub(super) fn range(self) -> (bool, u128, u128) {
        (self.is_v4, self.first, self.last)
    }

    /// Its first address.
    pub(super) fn first(self) -> IpAddr {
        if self.is_v4 {
            let bits = u32::try_from(self.first).expect("IPv4 addresses have 32 bits");
            Ipv4Addr::from_bits(bits).into()
        } else {
            Ipv6Addr::from_bits(self.first).into()
        }
    }

    /// True if no address of it is on the internet.
    pub(super) fn is_private(self) -> bool {
        public([self]) == (0, 0)
    }
}

/// True if these networks together let in the world: more public addresses than one network of 8 bits
/// has, of IPv4 or of IPv6. So `0.0.0.0/0` is the world, and so are its halves, and `2000::/3`.
pub(super) fn is_world(networks: impl IntoIterator<Item = Network>) -> bool {
    let (v4, v6) = public(networks);
    v4 > MAX_PART_V4 || v6 > MAX_PART_V6
}

/// How many public addresses they have, of IPv4 and IPv6.
fn public(networks: impl IntoIterator<Item = Network>) -> (u128, u128) {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for Network { is_v4, first, last } in networks {
        if is_v4 {
            v4.push((first, last));
        } else if first <= PUBLIC_V6.1 && last >= PUBLIC_V6.0 {
            v6.push((first.max(PUBLIC_V6.0), last.min(PUBLIC_V6.1)));
        }
    }
    (count(v4, &SPECIAL_V4), count(v6, &[]))
}

/// How many numbers are in one of the spans and in none of `without`, which do not overlap. Fewer than
/// all numbers of 128 bits may be counted.
fn count(mut spans: Vec<(u128, u128)>, without: &[(u128, u128)]) -> u128 {
    spans.sort_unstable();
    let mut sum = 0;
    // The first number that was not counted yet.
    let mut next = 0;
    for (first, last) in spans {
        let first = first.max(next);
        if first > last {
            continue;
        }
        sum += last - first + 1;
        for (from, to) in without {
            if *from <= last && *to >= first {
                sum -= (*to).min(last) - (*from).max(first) + 1;
            }
        }
        next = last + 1;
    }
    sum
}

const fn v4(octets: [u8; 4], prefix: u32) -> (u128, u128) {
    let first = u32::from_be_bytes(octets);
    (first as u128, (first | (u32::MAX >> prefix)) as u128)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(texts: &[&str], expected: bool) {
        let networks: Vec<_> = texts.iter().map(|text| Network::parse(text).unwrap()).collect();
        assert_eq!(is_world(networks), expected, "{texts:?}");
    }

    #[test]
    fn the_world_is_told_from_its_parts() {
        check(&["0.0.0.0/0"], true);
        check(&["203.0.113.9/0"], true);
        check(&["::/0"], true);
        check(&["2000::/3"], true);
        check(&["0.0.0.0/1"], true);
        check(&["0.0.0.0/1", "128.0.0.0/1"], true);
        check(&["2.0.0.0/7"], true);
        check(&["3.0.0.0/8", "4.0.0.0/8"], true);
        check(&["3.0.0.0/8"], false);
        check(&["3.0.0.0/8", "3.0.0.0/8", "3.128.0.0/9"], false);
        check(&["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"], false);
        check(&["224.0.0.0/3"], false);
        check(&["fc00::/7"], false);
        check(&["::/3"], false);
        check(&["2600::/8"], false);
        check(&["2600::/7"], true);
        check(&["2400::/8", "2a00::/8"], true);
        check(&[], false);
        let eighths: Vec<_> = (0..=255).map(|n| format!("54.{n}.0.0/16")).collect();
        check(&eighths.iter().map(String::as_str).collect::<Vec<_>>(), false);
    }

    #[test]
    fn only_networks_are_networks() {
        let long = "1".repeat(1 << 20);
        for text in [
            "",
            "/",
            "/0",
            "0/0",
            "0.0.0.0/",
            "0.0.0.0/-0",
            "0.0.0.0/+0",
            "0.0.0.0/33",
            "::/129",
            "1.2.3/8",
            "0.0.0.0/0/0",
            "0.0.0.0/0.0.0.0",
            "sg-1",
            "*",
            "10.*",
            "::/99999999999999",
            long.as_str(),
        ] {
            assert_eq!(Network::parse(text), None, "{text:.40}");
        }
        assert_eq!(Network::parse(" 0.0.0.0/0 "), Network::parse("9.9.9.9/0"));
        assert_eq!(Network::parse("1.2.3.4"), Network::parse("1.2.3.4/32"));
        assert_eq!(Network::parse("10.255.1.2/8"), Network::parse("10.0.0.0/8"));
        for text in ["10.255.1.2", "0.0.0.0", "255.255.255.255", "2001:db8::7"] {
            assert_eq!(Network::parse(text).unwrap().first().to_string(), text);
        }
    }

    #[test]
    fn private_networks_are_known() {
        for (text, expected) in [
            ("10.1.2.3", true),
            ("192.168.0.0/16", true),
            ("169.254.169.254", true),
            ("fd00::1", true),
            ("::1", true),
            ("8.8.8.8", false),
            ("172.32.0.1", false),
            ("10.0.0.0/7", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(Network::parse(text).unwrap().is_private(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn counting_agrees_with_trying_each_number(
            spans in prop::collection::vec((0u128..300, 0u128..60), 0..8),
            cuts in prop::collection::btree_set(0u128..350, 0..6),
        ) {
            let spans: Vec<_> = spans.iter().map(|(at, length)| (*at, at + length)).collect();
            let cuts: Vec<_> = cuts.into_iter().collect();
            let without: Vec<_> =
                cuts.chunks_exact(2).map(|pair| (pair[0], pair[1] - 1)).collect();
            let is_in = |number: u128, spans: &[(u128, u128)]| {
                spans.iter().any(|(from, to)| (*from..=*to).contains(&number))
            };
            let expected = (0..400)
                .filter(|number| is_in(*number, &spans) && !is_in(*number, &without))
                .count();
            prop_assert_eq!(count(spans, &without), expected as u128);
        }

        #[test]
        fn any_text_is_read_without_harm(text in "[0-9a-f:./ ]{0,50}|\\PC{0,70}") {
            if let Some(network) = Network::parse(&text) {
                is_world([network, network]);
                prop_assert!(network.first <= network.last);
            }
        }
    }
}
