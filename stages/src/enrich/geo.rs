//! Where addresses are and whose they are, as databases in MaxMind's form tell.
//!
//! A database comes as bytes; where they are read from, and when they are replaced, is not its concern.
//! Which address of a record is asked about is told in `source`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use maxminddb::{PathElement, Reader, WithinOptions};
use serde::Deserialize;

use crate::model::{Address, bounded};

/// Networks of a database that are looked at before it is said to know nothing of what it is for.
const LOOKED_AT: usize = 10_000;

/// Longest name that is taken over, in bytes. Those in use have a third of it.
const MAX_NAME: usize = 256;

const COUNTRY: [PathElement<'_>; 2] = [PathElement::Key("country"), PathElement::Key("iso_code")];
const CITY: [PathElement<'_>; 3] =
    [PathElement::Key("city"), PathElement::Key("names"), PathElement::Key("en")];
const ASN: [PathElement<'_>; 1] = [PathElement::Key("autonomous_system_number")];
const AS_NAME: [PathElement<'_>; 1] = [PathElement::Key("autonomous_system_organization")];

/// What a database is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeoKind {
    /// Countries, and cities if it has them.
    City,
    /// Autonomous systems.
    Asn,
}

/// Why a database cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GeoError {
    /// It is packed.
    #[error("it is packed with gzip: unpack it first")]
    Packed,
    /// It is none, or damaged.
    #[error("it is no MaxMind DB, or damaged ({why}): download it again")]
    NotADatabase {
        /// What was found.
        why: String,
    },
    /// It is one of something else.
    #[error("it is of the type {of_type:?} and tells no {}", wanted(*kind))]
    OfSomethingElse {
        /// What it was to be for.
        kind: GeoKind,
        /// What it says of itself.
        of_type: String,
    },
}

fn wanted(kind: GeoKind) -> &'static str {
    match kind {
        GeoKind::City => "countries: a City or Country database is needed here",
        GeoKind::Asn => "autonomous systems: an ASN or ISP database is needed here",
    }
}

/// One database; immutable.
#[derive(Debug)]
pub struct GeoDb {
    reader: Reader<Vec<u8>>,
}

/// The place in the database that an answer would stand at is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

/// `None` where nothing is known.
pub(super) type Answer<T> = Result<Option<T>, Damaged>;

impl GeoDb {
    /// Takes a database over. The whole of it is not checked, which would take seconds: an answer from a
    /// place that is damaged counts as one that cannot be told.
    ///
    /// # Errors
    /// What is wrong with it; the caller knows its name.
    pub fn read(bytes: Vec<u8>, kind: GeoKind) -> Result<Self, GeoError> {
        if bytes.starts_with(&[0x1f, 0x8b]) {
            return Err(GeoError::Packed);
        }
        let failed = |error: maxminddb::MaxMindDbError| {
            // Its own first words say what is said here already.
            let told = error.to_string();
            let why = told.strip_prefix("invalid database: ").unwrap_or(&told).to_owned();
            GeoError::NotADatabase { why }
        };
        let reader = Reader::from_source(bytes).map_err(failed)?;
        let networks = reader.networks(WithinOptions::default()).map_err(failed)?;
        for network in networks.take(LOOKED_AT) {
            let network = network.map_err(failed)?;
            // Databases of other makers may have something else of that name.
            let is_known = match kind {
                GeoKind::City => network.decode_path::<&str>(&COUNTRY).is_ok_and(|it| it.is_some()),
                GeoKind::Asn => network.decode_path::<u32>(&ASN).is_ok_and(|it| it.is_some()),
            };
            if is_known {
                return Ok(Self { reader });
            }
        }
        Err(GeoError::OfSomethingElse { kind, of_type: reader.metadata().database_type.clone() })
    }

    fn look<'d, T: Deserialize<'d>>(
        &'d self,
        address: IpAddr,
        path: &[PathElement<'_>],
    ) -> Answer<T> {
        // A database of IPv4 alone knows nothing of others, which is no damage.
        if address.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return Ok(None);
        }
        let found = self.reader.lookup(address).and_then(|found| found.decode_path(path));
        found.map_err(|_| Damaged)
    }

    fn name(&self, address: IpAddr, path: &[PathElement<'_>]) -> Answer<String> {
        let name: Option<&str> = self.look(address, path)?;
        Ok(name.filter(|name| !name.is_empty()).map(|name| bounded(name, MAX_NAME).into_owned()))
    }
}

/// All that is known of addresses; empty by default.
#[derive(Debug, Default)]
pub struct Geo {
    /// Tells countries and cities.
    pub city: Option<GeoDb>,
    /// Tells autonomous systems.
    pub asn: Option<GeoDb>,
    /// What is known of single addresses, as examples for rules have it. It comes before the databases.
    pub written: BTreeMap<IpAddr, Address>,
}

impl Geo {
    /// True if nothing is known of any address.
    pub(super) fn is_empty(&self) -> bool {
        self.city.is_none() && self.asn.is_none() && self.written.is_empty()
    }

    pub(super) fn country(&self, address: IpAddr) -> Answer<String> {
        self.answer(
            address,
            |known| known.country.clone(),
            |geo| geo.city.as_ref().map(|city| city.name(address, &COUNTRY)),
        )
    }

    pub(super) fn city(&self, address: IpAddr) -> Answer<String> {
        self.answer(
            address,
            |known| known.city.clone(),
            |geo| geo.city.as_ref().map(|city| city.name(address, &CITY)),
        )
    }

    pub(super) fn asn(&self, address: IpAddr) -> Answer<u32> {
        self.answer(
            address,
            |known| known.asn,
            |geo| geo.asn.as_ref().map(|asn| asn.look(address, &ASN)),
        )
    }

    pub(super) fn as_name(&self, address: IpAddr) -> Answer<String> {
        self.answer(
            address,
            |known| known.as_name.clone(),
            |geo| geo.asn.as_ref().map(|asn| asn.name(address, &AS_NAME)),
        )
    }

    fn answer<T>(
        &self,
        address: IpAddr,
        written: impl FnOnce(&Address) -> Option<T>,
        looked_up: impl FnOnce(&Self) -> Option<Answer<T>>,
    ) -> Answer<T> {
        match self.written.get(&address) {
            Some(known) => Ok(written(known)),
            None => looked_up(self).unwrap_or(Ok(None)),
        }
    }

    /// All of it, for people; `None` if nothing is known. What is damaged is left out.
    pub(super) fn of(&self, ip: &str, address: IpAddr) -> Option<Address> {
        let known = Address {
            ip: ip.to_owned(),
            country: self.country(address).unwrap_or_default(),
            city: self.city(address).unwrap_or_default(),
            asn: self.asn(address).unwrap_or_default(),
            as_name: self.as_name(address).unwrap_or_default(),
        };
        let nothing = Address { ip: ip.to_owned(), ..Address::default() };
        (known != nothing).then_some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_database_is_told_with_what_to_do() {
        for (bytes, expected) in [
            (&b""[..], "it is no MaxMind DB, or damaged ("),
            (b"country,JP\n", "it is no MaxMind DB, or damaged ("),
            (b"\xab\xcd\xefMaxMind.com", "it is no MaxMind DB, or damaged ("),
            (b"\x1f\x8b\x08rest", "it is packed with gzip: unpack it first"),
        ] {
            for kind in [GeoKind::City, GeoKind::Asn] {
                let told = GeoDb::read(bytes.to_vec(), kind).unwrap_err().to_string();
                assert!(told.starts_with(expected), "{told}");
            }
        }
    }
}
