//! Fields that are worked out of a record instead of standing in it: their names and what they hold.
//!
//! The list is closed, so that a rule with a name that is not here is refused. What they hold for a
//! record is worked out in `enrich`; who has to know them is `sigma` (names) and `matcher` (values).

use simd_json::StaticNode;

use super::{Lookup, Memo, Record};

/// What all names begin with.
pub const PREFIX: &str = "askance.";

macro_rules! fields {
    ($($field:ident = $name:literal: $holds:literal,)+) => {
        /// A field that is worked out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field {
            $(#[doc = $holds] $field,)+
        }

        impl Field {
            /// Every field.
            pub const ALL: &[Self] = &[$(Self::$field),+];

            /// Its name as rules write it. One that ends in `.*` is followed by any key.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name,)+
                }
            }

            /// What it holds, in words for people who write rules.
            #[must_use]
            pub fn holds(self) -> &'static str {
                match self {
                    $(Self::$field => $holds,)+
                }
            }
        }
    };
}

fields! {
    ActorKind = "askance.actor.kind": "Who acted: `root`, `user`, `role`, `federated`, `identity_center`, \
        `service`, `account` (another account, nothing more is told) or `unknown`.",
    ActorName = "askance.actor.name": "Who acted, in one readable name: `root`, a user's name, \
        `role/session` for a role, the service, or the other account.",
    ActorHuman = "askance.actor.human": "The person behind a call, where the record tells: \
        `sourceIdentity`, the session's name where IAM Identity Center gave it or it is an address, the \
        name of somebody who signed in elsewhere or in the console, or the Identity Center user's id.",
    ActorIsAwsService = "askance.actor.is_aws_service": "Whether AWS itself acted: a service, a role that \
        a service made for itself (`AWSServiceRoleFor...`), or a service by somebody's order \
        (`invokedBy`).",
    ActorVia = "askance.actor.via": "With what the call was made: `console`, `cli`, `sdk`, \
        `cloudformation`, `terraform`, `aws_service` or `other`. Programs can say of themselves what \
        they like.",
    ActorHasMfa = "askance.actor.has_mfa": "Whether the session began with MFA of AWS's own, or a sign-in \
        used it; MFA of an identity provider is not told to AWS. Absent where nothing is told.",
    ActorSessionAge = "askance.actor.session_age_seconds": "Seconds from the beginning of the session to \
        the call.",
    ActorIsForeign = "askance.actor.is_foreign": "Whether the caller's account is neither that in which \
        the call was made nor known as one's own.",
    ActorTag = "askance.actor.tag.*": "A tag of who acted, where CloudTrail adds it \
        (`eventContext.tagContext.principalTags`, which an event data store may be told to); its key \
        stands for `*`.",
    ResourceTag = "askance.resource.tag.*": "A tag of what the call was about, where CloudTrail adds it \
        (`eventContext.tagContext.resourceTags`); of several resources each value.",

    SourceKind = "askance.source.kind": "What the call came from: `ip` (an address), `aws_service` or \
        `aws_internal`. Absent for anything else.",
    SourceIsPrivate = "askance.source.is_private": "Whether the address that the call came from is not on \
        the internet. Absent if it is no address.",
    SourceVpcEndpoint = "askance.source.vpc_endpoint": "Id of the VPC endpoint through which the call came.",
    SourceNetworks = "askance.source.networks": "Names of the lists of networks (`enrich.networks`) that \
        the address is in.",
    SourceUserAgents = "askance.source.user_agents": "Names of the lists of user agents \
        (`enrich.user_agents`) that the call's `userAgent` is in. Programs can say of themselves what \
        they like.",
    SourceCountry = "askance.source.country": "The country of the address that the call came from, as two \
        letters of ISO 3166-1 (`JP`): as the database of `enrich.geo.city` says. Absent without such a \
        database, and for what is no address on the internet, as are the three below.",
    SourceCity = "askance.source.city": "The city of the address, by its English name; `enrich.geo.city`.",
    SourceAsn = "askance.source.asn": "The number of the autonomous system that the address is routed \
        by, such as a hosting company's; `enrich.geo.asn`.",
    SourceAsName = "askance.source.as_name": "Who runs that system, in the words of the database of \
        `enrich.geo.asn`.",

    FirstSeenActor = "askance.first_seen.actor": "Whether the actor (a role whatever its session, a user) \
        is not in the baseline. Absent without a baseline, as are the others of this kind.",
    FirstSeenActorCall = "askance.first_seen.actor_call": "Whether the actor never made this call before.",
    FirstSeenActorNetwork = "askance.first_seen.actor_network": "Whether the actor never called from this \
        network before (/24, or /48 of IPv6). Absent for what is no address.",
    FirstSeenAccountRegion = "askance.first_seen.account_region": "Whether nothing was done in this region \
        of the account before.",
    FirstSeenAccountService = "askance.first_seen.account_service": "Whether this service was not used in \
        the account before.",
    FirstSeenBaseline = "askance.first_seen.baseline": "The version of the baseline.",

    AccountName = "askance.account.name": "Name of the account, if it is known as one's own.",
    AccountOwner = "askance.account.owner": "Who owns the account, if that is known.",
    AccountEnvironment = "askance.account.environment": "The account's environment, such as \
        `production`, if that is known.",
    AccountOu = "askance.account.ou": "The organisational unit of the account, if that is known.",
    AccountTag = "askance.account.tag.*": "A tag of the account, if it is known; its key stands for `*`.",

    NetworkIsOpenToWorld = "askance.network.is_open_to_world": "Whether a call lets the world in by some \
        protocol: whether the networks that it lets in together have more public addresses than one \
        IPv4 or IPv6 network of 8 bits. Absent for calls that do not open networks.",
    NetworkIsAllPortsOpen = "askance.network.is_all_ports_open": "Whether a call opens every port of TCP \
        or UDP to the world.",
    NetworkWorldAdminPorts = "askance.network.world_admin_ports": "The ports that a call opens to the \
        world and by which machines are administered: 22, 23, 135, 139, 445, 2375, 2376, 2379, 3389, \
        5900, 5901, 5985, 5986, 6443, 10250 and 10255.",
    NetworkWorldDatabasePorts = "askance.network.world_database_ports": "The ports of databases, caches, \
        searches and queues that a call opens to the world: 1433, 1434, 1521, 2181, 3306, 5432, 5439, \
        5984, 6379, 7687, 8182, 9042, 9092, 9200, 9300, 11211, 27017 to 27019 and 50000.",
    NetworkWorldRanges = "askance.network.world_ranges": "All ports that a call opens to the world, as \
        `tcp/443` or `udp/0-65535`.",
    NetworkWorldCidrs = "askance.network.world_cidrs": "The networks through which a call lets the world \
        in, as they are written: those that are the world each by itself, or else all that are the \
        world together.",
    NetworkCidrs = "askance.network.cidrs": "All networks that a call lets in, as they are written.",
    NetworkPrefixLists = "askance.network.prefix_lists": "Ids of the prefix lists that a call lets in; \
        what is in them does not stand in the record.",
    PolicyIsPublic = "askance.policy.is_public": "Whether a policy in the request lets in strangers: \
        whether a statement allows something to everyone, or to everyone but some, no condition of it \
        keeps strangers out (`aws:PrincipalOrgID`, `aws:SourceArn` with a fixed account, and their \
        like), and no statement denies it to them. Absent where the request has no policy.",
    PolicyPublicActions = "askance.policy.public_actions": "What a policy allows to strangers, in lower case.",
    PolicyHasNotPrincipal = "askance.policy.has_not_principal": "Whether a policy allows something to \
        everyone but those named (`NotPrincipal`).",
    PolicyPrincipalAccounts = "askance.policy.principal_accounts": "Accounts that a policy lets in, by \
        naming them or somebody in them, or by a condition for everyone.",
    PolicyForeignAccounts = "askance.policy.foreign_accounts": "Those of \
        `askance.policy.principal_accounts` that are neither the record's own account nor among the \
        accounts that are known as one's own, nor those by which AWS writes logs of load balancers.",
    PolicyForeignPrincipals = "askance.policy.foreign_principals": "Whom of those accounts a policy \
        names, as it is written.",
    PolicyServices = "askance.policy.services": "AWS services that a policy lets in.",
    PolicyFederated = "askance.policy.federated": "Identity providers that a policy lets in.",
    PolicyTrustOpenProviders = "askance.policy.trust.open_providers": "OpenID Connect providers, such as \
        `token.actions.githubusercontent.com`, that a role trusts whoever they sign for: without a \
        condition on `sub`, or on what says as much, that names somebody.",
    PolicyIsAdmin = "askance.policy.is_admin": "Whether a policy of a user, role or group allows every \
        action, or all but some (`NotAction`), on every resource, or all but some (`NotResource`).",
    PolicyAllowsActions = "askance.policy.allows_actions": "What a policy allows, in lower case and with \
        its wildcards, whatever the resource and condition.",
    PolicyAllowsActionsOnAll = "askance.policy.allows_actions_on_all": "What a policy allows without \
        any condition on every resource, or on every resource of a service or account \
        (`arn:aws:iam::111122223333:*`), in lower case.",
    PolicyNotActions = "askance.policy.not_actions": "What a policy that allows everything else leaves \
        out (`NotAction`), in lower case.",
    PolicyDeniesActions = "askance.policy.denies_actions": "What a policy denies, in lower case, \
        whatever the resource and condition.",

    SharedIsPublic = "askance.shared.is_public": "Whether a call shares something (a snapshot, an image, \
        a document, a bucket by its access list) with everyone. Absent for calls that share nothing.",
    SharedAccounts = "askance.shared.accounts": "Accounts with which a call shares something, or with \
        somebody in them.",
    SharedForeignAccounts = "askance.shared.foreign_accounts": "Those of `askance.shared.accounts` that \
        are neither the record's own account nor among the accounts that are known as one's own.",
    SharedOrganizations = "askance.shared.organizations": "Ids of the organisations with which a call \
        shares something.",
    SharedForeignOrganizations = "askance.shared.foreign_organizations": "Organisations that are not known \
        as one's own with which, or with a unit of which, a call shares something.",
    SharedOrganizationalUnits = "askance.shared.organizational_units": "Ids of the organisational units \
        with which a call shares something.",
    SharedCanonicalUsers = "askance.shared.canonical_users": "Canonical user ids of S3, other than the \
        owner's, to which an access list gives something.",
}

impl Field {
    /// The field of a path, and what stands for `*` in its name (else nothing).
    #[must_use]
    pub fn find(path: &str) -> Option<(Self, &str)> {
        // Most paths are of records; they are asked about for every event.
        if !path.starts_with(PREFIX) {
            return None;
        }
        Self::ALL.iter().find_map(|field| match field.name().strip_suffix('*') {
            Some(stem) => {
                path.strip_prefix(stem).filter(|rest| !rest.is_empty()).map(|rest| (*field, rest))
            }
            None => (field.name() == path).then_some((*field, "")),
        })
    }

    /// The key of whose text alone the field is always worked out, if it is so.
    #[must_use]
    pub fn sole_key(self) -> Option<&'static str> {
        match self.texts() {
            [key] if !key.contains('.') => Some(key),
            _ => None,
        }
    }

    /// Paths of texts of which the field is worked out where all of them are there and not empty, if it is so:
    /// then it can be told without parsing the record.
    #[must_use]
    pub fn texts(self) -> &'static [&'static str] {
        const ROLE: &str = "userIdentity.sessionContext.sessionIssuer.arn";
        match self {
            Self::SourceKind
            | Self::SourceIsPrivate
            | Self::SourceNetworks
            | Self::SourceCountry
            | Self::SourceCity
            | Self::SourceAsn
            | Self::SourceAsName => &["sourceIPAddress"],
            Self::SourceUserAgents => &["userAgent"],
            Self::SourceVpcEndpoint => &["vpcEndpointId"],
            Self::FirstSeenActor => &[ROLE],
            Self::FirstSeenActorCall => &[ROLE, "eventSource", "eventName"],
            Self::FirstSeenActorNetwork => &[ROLE, "sourceIPAddress"],
            Self::FirstSeenAccountRegion => &["recipientAccountId", "awsRegion"],
            Self::FirstSeenAccountService => &["recipientAccountId", "eventSource"],
            _ => &[],
        }
    }
}

/// One value that was worked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Derived {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Bool(bool),
}

impl Derived {
    /// As a value of a record is seen.
    #[must_use]
    pub fn lookup(&self) -> Lookup<'_> {
        match self {
            Self::Text(text) => Lookup::Text(text),
            Self::Number(number) => Lookup::Static(StaticNode::I64(*number)),
            Self::Bool(value) => Lookup::Static(StaticNode::Bool(*value)),
        }
    }
}

/// What a derived field holds for a record: several values as an array would, none as if it were absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DerivedValues {
    /// The values, in the order of what they were worked out of.
    pub found: Vec<Derived>,
    /// What it is worked out of was cut by CloudTrail, or there is too much of it: there may be more.
    pub is_cut: bool,
}

impl DerivedValues {
    /// Forgets everything but keeps the memory.
    pub fn clear(&mut self) {
        self.found.clear();
        self.is_cut = false;
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) {
        self.found.push(Derived::Text(text.to_owned()));
    }

    /// Adds yes or no.
    pub fn bool(&mut self, value: bool) {
        self.found.push(Derived::Bool(value));
    }

    /// Adds a number.
    pub fn number(&mut self, value: i64) {
        self.found.push(Derived::Number(value));
    }
}

/// Works out derived fields. A function of the record and of tables that do not change meanwhile.
pub trait Derive {
    /// Adds the values of a field for a record; with the field comes what stands for `*` in its name.
    /// `memo` holds what was worked out of the same record before.
    fn derive(
        &self,
        field: (Field, &str),
        record: &Record<'_>,
        memo: &mut Memo,
        into: &mut DerivedValues,
    );

    /// Adds the values of a field by the texts of its [`Field::texts`], in their order; nothing for fields
    /// that have none.
    fn derive_of_texts(&self, field: Field, texts: &[&str], into: &mut DerivedValues);
}

/// Where there is no context: every derived field is absent.
impl Derive for () {
    fn derive(&self, _: (Field, &str), _: &Record<'_>, _: &mut Memo, _: &mut DerivedValues) {}

    fn derive_of_texts(&self, _: Field, _: &[&str], _: &mut DerivedValues) {}
}

/// A record, and what can be worked out of it.
#[derive(Debug)]
pub struct Enriched<'e, 'r, D> {
    /// The record.
    pub record: &'e Record<'r>,
    /// Works out the rest.
    pub derive: &'e D,
}

impl<D> Clone for Enriched<'_, '_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for Enriched<'_, '_, D> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name() {
        for field in Field::ALL {
            let (path, rest) = match field.name().strip_suffix('*') {
                Some(stem) => (format!("{stem}any.key"), "any.key"),
                None => (field.name().to_owned(), ""),
            };
            assert!(path.starts_with(PREFIX), "{path}");
            assert_eq!(Field::find(&path), Some((*field, rest)), "{path}");
        }
    }

    #[test]
    fn other_names_are_no_fields() {
        for path in ["askance.actor", "askance.actor.kinds", "actor.kind", "askance."] {
            assert_eq!(Field::find(path), None, "{path}");
        }
    }
}
