//! Reads the databases of addresses that the configuration names.
//!
//! What is looked up in them, and when, is the engine's.

use std::path::Path;

use askance_stages::enrich::{Geo, GeoDb, GeoKind};

use crate::config::GeoConfig;
use crate::sources::files::plain_words;

/// Largest file. It is held in memory, twice while it is replaced; the largest of MaxMind's that
/// has countries or systems in it is a fifth of this.
const MAX_BYTES: u64 = 1 << 30;

/// Reads what is named.
///
/// # Errors
/// A line for each file that cannot be used: which, why, and what to do.
pub fn read(config: &GeoConfig) -> Result<Geo, Vec<String>> {
    let one = |path: &Option<_>, kind| path.as_deref().map(|path| database(path, kind)).transpose();
    match (one(&config.city, GeoKind::City), one(&config.asn, GeoKind::Asn)) {
        (Ok(city), Ok(asn)) => Ok(Geo { city, asn, ..Geo::default() }),
        (city, asn) => Err(city.err().into_iter().chain(asn.err()).collect()),
    }
}

fn database(path: &Path, kind: GeoKind) -> Result<GeoDb, String> {
    let key = match kind {
        GeoKind::City => "enrich.geo.city",
        GeoKind::Asn => "enrich.geo.asn",
    };
    let told = |why: &str| format!("cannot use {} for {key}: {why}", path.display());
    let unread = |error: std::io::Error| {
        let why = plain_words(&error);
        told(&format!("{why} (put the file there, for example by geoipupdate, or leave {key} out)"))
    };
    let length = std::fs::metadata(path).map_err(unread)?.len();
    if length > MAX_BYTES {
        return Err(told(&format!("it is larger than {MAX_BYTES} bytes")));
    }
    let bytes = std::fs::read(path).map_err(unread)?;
    GeoDb::read(bytes, kind).map_err(|error| told(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use askance_benches::mmdb::mmdb;
    use askance_stages::enrich::{Enrich, Tables};
    use askance_stages::model::{Address, Derive as _, Derived, DerivedValues, Field, Memo};
    use askance_stages::parse::Parser;
    use serde_json::{Value, json};

    use super::*;

    fn city() -> Vec<(&'static str, Value)> {
        let city = |country: &str, city: &str| json!({ "city": { "names": { "de": "x", "en": city } }, "country": { "iso_code": country } });
        vec![
            ("81.2.69.128/26", city("GB", "London")),
            ("81.2.69.192/32", city("IT", "")),
            (
                "133.1.0.0/16",
                json!({ "country": { "iso_code": "JP" }, "location": { "radius": 5 } }),
            ),
            ("2001:218::/32", city("JP", "Tokyo")),
        ]
    }

    fn asn() -> Vec<(&'static str, Value)> {
        let long = "L".repeat(200);
        let system = |number: u32, name: &str| json!({ "autonomous_system_number": number, "autonomous_system_organization": name });
        vec![
            ("81.2.0.0/16", system(64_500, "Example")),
            ("133.1.2.0/24", system(u32::MAX, &long)),
            ("2001:218:5::/48", system(64_501, "日本 Example")),
        ]
    }

    /// The file of a database; `None` leaves its key out.
    fn read_from(city: Option<&[u8]>, asn: Option<&[u8]>) -> Result<Geo, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: Option<&[u8]>| {
            let path = folder.path().join(name);
            bytes.map(|bytes| std::fs::write(&path, bytes).map(|()| path).unwrap())
        };
        read(&GeoConfig { city: file("city.mmdb", city), asn: file("asn.mmdb", asn) })
    }

    fn told(geo: Geo, addresses: &[&str]) -> Vec<String> {
        let enrich = Enrich { tables: Tables::default().with_geo(geo) };
        let of = |source: &str| {
            let record = json!({ "sourceIPAddress": source }).to_string();
            let found = Parser::default()
                .parse(record.as_bytes(), |record, _| enrich.source(&record))
                .unwrap();
            let Some(Address { ip, country, city, asn, as_name }) = found else {
                return "-".to_owned();
            };
            assert_eq!(ip, source);
            let asn = asn.map(|asn| asn.to_string());
            let parts = [country, city, asn, as_name.map(|name| name.chars().take(10).collect())];
            parts.map(Option::unwrap_or_default).join("|")
        };
        addresses.iter().map(|source| of(source)).collect()
    }

    #[test]
    fn addresses_are_found_in_both_databases() {
        let addresses = [
            "81.2.69.127",
            "81.2.69.128",
            "81.2.69.191",
            "81.2.69.192",
            "133.1.2.3",
            "133.1.3.3",
            "2001:218::1",
            "2001:218:5::1",
            "2001:219::1",
            "8.8.8.8",
        ];
        let expected = [
            "||64500|Example",
            "GB|London|64500|Example",
            "GB|London|64500|Example",
            "IT||64500|Example",
            "JP||4294967295|LLLLLLLLLL",
            "JP|||",
            "JP|Tokyo||",
            "JP|Tokyo|64501|日本 Example",
            "-",
            "-",
        ];
        let (city, asn) = (mmdb("X-City", true, &city()), mmdb("X-ASN", true, &asn()));
        let geo = read_from(Some(&city), Some(&asn)).unwrap();
        assert_eq!(told(geo, &addresses), expected);
    }

    #[test]
    fn a_database_of_ipv4_alone_knows_nothing_of_others() {
        let networks = &city()[..3];
        let geo = read_from(Some(&mmdb("X-Country", false, networks)), None).unwrap();
        assert_eq!(told(geo, &["81.2.69.142", "2001:218::1"]), ["GB|London||", "-"]);
    }

    #[test]
    fn files_that_cannot_be_used_are_told_with_what_to_do() {
        let city = mmdb("X-City", true, &city());
        let asn = mmdb("X-ASN", true, &asn());
        let cut = &city[..city.len() / 2];
        let lines = read_from(Some(&asn), Some(cut)).unwrap_err();
        let check = |line: &str, parts: &[&str]| {
            assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        };
        check(
            &lines[0],
            &[
                "city.mmdb for enrich.geo.city: it is of the type \"X-ASN\" and tells no countries",
                "a City or Country database is needed",
            ],
        );
        check(
            &lines[1],
            &["asn.mmdb for enrich.geo.asn: it is no MaxMind DB", "download it again"],
        );
        let missing = GeoConfig { city: Some("/nowhere/c.mmdb".into()), asn: None };
        let lines = read(&missing).unwrap_err();
        check(
            &lines[0],
            &[
                "cannot use /nowhere/c.mmdb for enrich.geo.city: no such file or directory",
                "geoipupdate",
                "leave enrich.geo.city out",
            ],
        );
    }

    #[test]
    fn a_damaged_place_cannot_be_told_and_takes_nothing_else_with_it() {
        let mut city = mmdb("X-City", true, &city());
        // The text becomes a pointer to nowhere.
        let at = city.windows(7).position(|bytes| bytes == b"\x46London").unwrap();
        city[at] = 0x3f;
        let geo = read_from(Some(&city), None).unwrap();
        let enrich = Enrich { tables: Tables::default().with_geo(geo) };
        for (source, expected) in [("81.2.69.142", None), ("133.1.2.3", Some("JP"))] {
            let mut values = DerivedValues::default();
            let record = json!({ "sourceIPAddress": source }).to_string();
            Parser::default()
                .parse(record.as_bytes(), |record, _| {
                    let field = (Field::SourceCountry, "");
                    enrich.derive(field, &record, &mut Memo::default(), &mut values);
                })
                .unwrap();
            let found: Vec<_> =
                expected.map(|it| Derived::Text(it.to_owned())).into_iter().collect();
            assert_eq!((values.found, values.is_cut), (found, expected.is_none()), "{source}");
        }
    }

    #[test]
    fn any_damage_is_an_error_or_an_answer() {
        let whole = mmdb("X-City", true, &city());
        for at in 0..whole.len() {
            for byte in [0, 0x5f, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                if let Ok(city) = GeoDb::read(bytes, GeoKind::City) {
                    let geo = Geo { city: Some(city), ..Geo::default() };
                    told(geo, &["81.2.69.142", "133.1.2.3", "2001:218::1"]);
                }
            }
        }
    }
}
