//! Lists of networks by name, such as one's own offices or addresses that others warn of, and which of
//! them an address is in. Made for long lists: a look-up takes as many steps as their length has digits.

use std::collections::BTreeMap;

use super::cidr::Network;

/// Networks of a list: disjoint and in order.
#[derive(Debug, Default)]
struct Ranges {
    v4: Vec<(u128, u128)>,
    v6: Vec<(u128, u128)>,
}

/// Lists of networks; immutable.
#[derive(Debug, Default)]
pub(super) struct Networks(BTreeMap<String, Ranges>);

impl Networks {
    /// Reads lists; what is no network is answered with its list's name.
    pub(super) fn new(lists: BTreeMap<String, Vec<String>>) -> Result<Self, Vec<(String, String)>> {
        let (mut all, mut wrong) = (BTreeMap::new(), Vec::new());
        for (name, texts) in lists {
            let mut ranges = Ranges::default();
            for text in texts {
                match Network::parse(&text) {
                    Some(network) => ranges.put(network),
                    None => wrong.push((name.clone(), text)),
                }
            }
            ranges.settle();
            all.insert(name, ranges);
        }
        if wrong.is_empty() { Ok(Self(all)) } else { Err(wrong) }
    }

    /// True if there is no list.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names of all lists.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Names of the lists that an address is in.
    pub(super) fn of(&self, address: Network) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(_, ranges)| ranges.has(address)).map(|(name, _)| name.as_str())
    }
}

impl Ranges {
    fn put(&mut self, network: Network) {
        let (is_v4, first, last) = network.range();
        if is_v4 { &mut self.v4 } else { &mut self.v6 }.push((first, last));
    }

    fn settle(&mut self) {
        for ranges in [&mut self.v4, &mut self.v6] {
            ranges.sort_unstable();
            let mut joined: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
            for (first, last) in ranges.drain(..) {
                match joined.last_mut() {
                    Some(before) if first <= before.1 => before.1 = before.1.max(last),
                    Some(_) | None => joined.push((first, last)),
                }
            }
            joined.shrink_to_fit();
            *ranges = joined;
        }
    }

    fn has(&self, address: Network) -> bool {
        let (is_v4, address, _) = address.range();
        let ranges = if is_v4 { &self.v4 } else { &self.v6 };
        let behind = ranges.partition_point(|(first, _)| *first <= address);
        behind.checked_sub(1).is_some_and(|at| ranges[at].1 >= address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Result<Networks, Vec<(String, String)>> {
        let texts = texts.iter().map(|&text| text.to_owned()).collect();
        Networks::new(BTreeMap::from([("list".to_owned(), texts)]))
    }

    #[test]
    fn a_look_up_answers_what_looking_at_each_does() {
        let texts = [
            "10.0.0.0/8",
            "10.1.0.0/16",
            "192.0.2.7",
            "192.0.2.8/29",
            "0.0.0.0/32",
            "255.255.255.255",
            "2001:db8::/32",
            "2001:db8:1::/48",
            "::1",
        ];
        let all = networks(&texts).unwrap();
        let addresses = [
            "9.255.255.255",
            "10.0.0.0",
            "10.1.2.3",
            "10.255.255.255",
            "11.0.0.0",
            "192.0.2.6",
            "192.0.2.7",
            "192.0.2.8",
            "192.0.2.15",
            "192.0.2.16",
            "0.0.0.0",
            "0.0.0.1",
            "255.255.255.255",
            "2001:db8::1",
            "2001:db9::",
            "::1",
            "::2",
            "::ffff:10.0.0.1",
        ];
        for text in addresses {
            let address = Network::parse(text).unwrap();
            let slowly = texts.iter().any(|network| {
                let (is_v4, first, last) = Network::parse(network).unwrap().range();
                let (same, at, _) = address.range();
                is_v4 == same && (first..=last).contains(&at)
            });
            assert_eq!(all.of(address).next().is_some(), slowly, "{text}");
        }
    }

    #[test]
    fn what_is_no_network_is_named() {
        let wrong = networks(&["10.0.0.0/8", "ten"]).unwrap_err();
        assert_eq!(wrong, [("list".to_owned(), "ten".to_owned())]);
    }
}
