//! Works out what a record means: the fields under `askance.` that rules may name.
//!
//! A function of the record and of [`Tables`], which never change while they are in use: neither the
//! order of records nor what came before changes a value. What came before is in [`Sessions`] alone,
//! which no rule sees. Each family of fields has a file; their
//! names are in `model::fields`. Fields are worked out when a rule looks at them, once for each record.

mod baseline;
mod sessions;
mod tables;

mod cidr;
mod log_writers;
mod principal;
mod request;

mod account;
mod actor;
mod geo;
mod network;
mod networks;
mod openings;
mod policy;
mod resource;
mod shared;
mod source;
mod tags;
mod user_agents;
mod via;

use baseline::Seen;

use crate::model::{Address, Alert, Derive, DerivedValues, Field, Memo, Record};

pub use baseline::{Baseline, BaselineBuilder, BaselineError};
pub use geo::{Geo, GeoDb, GeoError, GeoKind};
pub use sessions::{MAX_HOPS, Sessions};
pub use tables::{Account, TableError, Tables, TablesConfig};

/// Works out the fields.
#[derive(Debug, Default)]
pub struct Enrich {
    /// What is known.
    pub tables: Tables,
}

impl Enrich {
    /// Where a record's call came from, for people: if it came from an address on the internet and
    /// something is known of that.
    #[must_use]
    pub fn source(&self, record: &Record<'_>) -> Option<Address> {
        source::known(record, &self.tables.geo)
    }

    /// What the alert of a record is about, by type, ARN and name, as far as that is known.
    pub fn resources(&self, alert: &mut Alert, record: &Record<'_>) {
        resource::complete(alert, Some(record));
    }

    /// The same for the alert of an episode, and the place of the address that all of its calls came from.
    pub fn place(&self, alert: &mut Alert) {
        resource::complete(alert, None);
        if let Some(address) = alert.address.as_deref().filter(|_| alert.source.is_none()) {
            alert.source = source::known_of(address, &self.tables.geo).map(Box::new);
        }
    }
}

impl Derive for Enrich {
    fn derive(
        &self,
        (field, rest): (Field, &str),
        record: &Record<'_>,
        memo: &mut Memo,
        into: &mut DerivedValues,
    ) {
        let tables = &self.tables;
        if let Some(key) = field.sole_key() {
            let text = record.text(&[key]);
            return text.into_iter().for_each(|text| self.derive_of_texts(field, &[text], into));
        }
        match field {
            Field::AccountName => {
                account::property(record, tables, into, |account| account.name.as_deref());
            }
            Field::AccountOwner => {
                account::property(record, tables, into, |account| account.owner.as_deref());
            }
            Field::AccountEnvironment => {
                account::property(record, tables, into, |account| account.environment.as_deref());
            }
            Field::AccountOu => {
                account::property(record, tables, into, |account| account.ou.as_deref());
            }
            Field::AccountTag => {
                account::property(record, tables, into, |account| {
                    account.tags.get(rest).map(String::as_str)
                });
            }
            Field::ActorKind => actor::kind(record, into),
            Field::ActorName => actor::name(record, into),
            Field::ActorHuman => actor::human(record, into),
            Field::ActorIsAwsService => actor::is_aws_service(record, into),
            Field::ActorVia => via::via(record, into),
            Field::ActorHasMfa => actor::has_mfa(record, into),
            Field::ActorSessionAge => actor::session_age(record, into),
            Field::ActorIsForeign => actor::is_foreign(record, tables.own(record), into),
            Field::ActorTag => tags::of_actor(record, rest, into),
            Field::ResourceTag => tags::of_resources(record, rest, into),
            // They are of a single text.
            Field::SourceKind
            | Field::SourceIsPrivate
            | Field::SourceVpcEndpoint
            | Field::SourceNetworks
            | Field::SourceUserAgents
            | Field::SourceCountry
            | Field::SourceCity
            | Field::SourceAsn
            | Field::SourceAsName => {}
            Field::FirstSeenActor => tables.first_seen(Seen::Actor, record, into),
            Field::FirstSeenActorCall => tables.first_seen(Seen::ActorCall, record, into),
            Field::FirstSeenActorNetwork => tables.first_seen(Seen::ActorNetwork, record, into),
            Field::FirstSeenAccountRegion => tables.first_seen(Seen::AccountRegion, record, into),
            Field::FirstSeenAccountService => tables.first_seen(Seen::AccountService, record, into),
            Field::FirstSeenBaseline => {
                tables.baseline.iter().for_each(|baseline| into.text(baseline.version()));
            }
            Field::NetworkIsOpenToWorld
            | Field::NetworkIsAllPortsOpen
            | Field::NetworkWorldAdminPorts
            | Field::NetworkWorldDatabasePorts
            | Field::NetworkWorldRanges
            | Field::NetworkWorldCidrs
            | Field::NetworkCidrs
            | Field::NetworkPrefixLists => {
                let of_family = (Field::NetworkIsOpenToWorld, field);
                memo.give(of_family, into, |facts| network::facts(record, facts));
            }
            Field::PolicyIsPublic
            | Field::PolicyPublicActions
            | Field::PolicyHasNotPrincipal
            | Field::PolicyPrincipalAccounts
            | Field::PolicyForeignAccounts
            | Field::PolicyForeignPrincipals
            | Field::PolicyServices
            | Field::PolicyFederated
            | Field::PolicyTrustOpenProviders
            | Field::PolicyIsAdmin
            | Field::PolicyAllowsActions
            | Field::PolicyAllowsActionsOnAll
            | Field::PolicyNotActions
            | Field::PolicyDeniesActions => {
                let own = tables.own(record);
                let of_family = (Field::PolicyIsPublic, field);
                memo.give(of_family, into, |facts| policy::facts(record, own, facts));
            }
            Field::SharedIsPublic
            | Field::SharedAccounts
            | Field::SharedForeignAccounts
            | Field::SharedOrganizations
            | Field::SharedForeignOrganizations
            | Field::SharedOrganizationalUnits
            | Field::SharedCanonicalUsers => {
                let own = tables.own(record);
                let of_family = (Field::SharedIsPublic, field);
                memo.give(of_family, into, |facts| shared::facts(record, own, facts));
            }
        }
    }

    fn derive_of_texts(&self, field: Field, texts: &[&str], into: &mut DerivedValues) {
        let tables = &self.tables;
        let Some(text) = texts.first() else { return };
        match field {
            Field::FirstSeenActor => tables.first_seen_of(Seen::Actor, texts, into),
            Field::FirstSeenActorCall => tables.first_seen_of(Seen::ActorCall, texts, into),
            Field::FirstSeenActorNetwork => tables.first_seen_of(Seen::ActorNetwork, texts, into),
            Field::FirstSeenAccountRegion => tables.first_seen_of(Seen::AccountRegion, texts, into),
            Field::FirstSeenAccountService => {
                tables.first_seen_of(Seen::AccountService, texts, into);
            }
            Field::SourceKind => source::kind(text, into),
            Field::SourceIsPrivate => source::is_private(text, into),
            Field::SourceVpcEndpoint => into.text(text),
            Field::SourceNetworks => source::networks(text, &tables.networks, into),
            Field::SourceUserAgents => source::user_agents(text, &tables.user_agents, into),
            Field::SourceCountry => source::name(text, into, |it| tables.geo.country(it)),
            Field::SourceCity => source::name(text, into, |it| tables.geo.city(it)),
            Field::SourceAsn => source::asn(text, &tables.geo, into),
            Field::SourceAsName => source::name(text, into, |it| tables.geo.as_name(it)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Derived;
    use crate::parse::Parser;

    /// Values as text, with `?` where there may be more.
    pub(super) fn show(values: &DerivedValues) -> String {
        let written = values.found.iter().map(|value| match value {
            Derived::Text(text) => text.clone(),
            Derived::Number(number) => number.to_string(),
            Derived::Bool(value) => value.to_string(),
        });
        let cut = values.is_cut.then(|| "?".to_owned());
        written.chain(cut).collect::<Vec<_>>().join(" ")
    }

    /// A field of a record, without tables.
    pub(super) fn derive(field: Field, record: &serde_json::Value) -> DerivedValues {
        derive_with(&Enrich::default(), field, "", record)
    }

    /// A field of a record, with what is known.
    pub(super) fn derive_with(
        enrich: &Enrich,
        field: Field,
        rest: &str,
        record: &serde_json::Value,
    ) -> DerivedValues {
        let mut values = DerivedValues::default();
        let json = record.to_string();
        let parsed = Parser::default().parse(json.as_bytes(), |record, _| {
            enrich.derive((field, rest), &record, &mut Memo::default(), &mut values);
        });
        parsed.unwrap();
        values
    }
}
