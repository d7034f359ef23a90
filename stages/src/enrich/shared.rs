//! With whom a call shares something: the fields under `askance.shared.`.
//!
//! Calls that name whom they share with, or whose bucket, registry or log takes what they write, are read
//! here, each by its own keys. Sharing by a policy document is read in `policy`. Calls that end sharing share nothing.

use super::principal::Principal;
use super::request::{self, each, text, texts};
use super::tables::Own;
use crate::model::{Facts, Field, Record};

/// Groups of S3 that anybody can be in.
const PUBLIC_GROUPS: [&str; 2] = [
    "acs.amazonaws.com/groups/global/AllUsers",
    "acs.amazonaws.com/groups/global/AuthenticatedUsers",
];

/// Ready-made access lists of S3 that let anybody in.
const PUBLIC_LISTS: [&str; 3] = ["public-read", "public-read-write", "authenticated-read"];

/// Headers of S3 by which rights are given.
const GRANT_HEADERS: [&str; 5] = [
    "x-amz-grant-read",
    "x-amz-grant-write",
    "x-amz-grant-read-acp",
    "x-amz-grant-write-acp",
    "x-amz-grant-full-control",
];

/// With whom.
#[derive(Debug, Default)]
struct Sharing<'r> {
    is_public: bool,
    accounts: Vec<&'r str>,
    organizations: Vec<&'r str>,
    units: Vec<&'r str>,
    organizations_of_units: Vec<&'r str>,
    canonical_users: Vec<&'r str>,
}

/// All fields of the family.
pub(super) fn facts(record: &Record<'_>, own: Own<'_>, facts: &mut Facts) {
    let Some(sharing) = sharing(record) else { return };
    let is_cut = request::is_cut(record);
    facts.judge(Field::SharedIsPublic, sharing.is_public, is_cut);
    let strangers = sharing.accounts.iter().filter(|account| !own.has_account(account));
    facts.texts(Field::SharedForeignAccounts, strangers, is_cut);
    facts.texts(Field::SharedAccounts, &sharing.accounts, is_cut);
    let organizations = sharing.organizations.iter().chain(&sharing.organizations_of_units);
    let strangers = organizations.filter(|id| !own.has_organization(id));
    facts.texts(Field::SharedForeignOrganizations, strangers, is_cut);
    facts.texts(Field::SharedOrganizations, &sharing.organizations, is_cut);
    facts.texts(Field::SharedOrganizationalUnits, &sharing.units, is_cut);
    facts.texts(Field::SharedCanonicalUsers, &sharing.canonical_users, is_cut);
}

/// With whom the call shares; `None` if it is no call of this kind.
fn sharing<'r>(record: &Record<'r>) -> Option<Sharing<'r>> {
    let (source, name) = request::call(record)?;
    let at = request::parameters(record).unwrap_or_default();
    let mut sharing = Sharing::default();
    if source == "s3" && name != "PutBucketReplication" {
        return sharing.s3(record, at).then_some(sharing);
    }
    for path in paths(source, name)? {
        for named in texts(record, at, path) {
            sharing.add(named);
        }
    }
    // A layer that is given to everyone in an organisation is not public.
    sharing.is_public &= sharing.organizations.is_empty() || source != "lambda";
    Some(sharing)
}

/// Where a call names those it shares with; `None` if it does not share.
fn paths(source: &str, name: &str) -> Option<&'static [&'static [&'static str]]> {
    Some(match (source, name) {
        ("ec2", "ModifySnapshotAttribute") => &[
            &["createVolumePermission", "add", "userId"],
            &["createVolumePermission", "add", "group"],
        ],
        ("ec2", "ModifyImageAttribute") => &[
            &["launchPermission", "add", "userId"],
            &["launchPermission", "add", "group"],
            &["launchPermission", "add", "organizationArn"],
            &["launchPermission", "add", "organizationalUnitArn"],
        ],
        ("ec2", "ModifyVpcEndpointServicePermissions") => &[
            &["ModifyVpcEndpointServicePermissionsRequest", "AddAllowedPrincipals"],
            &["ModifyVpcEndpointServicePermissionsRequest", "AddAllowedPrincipals", "content"],
        ],
        ("rds", "ModifyDBSnapshotAttribute" | "ModifyDBClusterSnapshotAttribute") => {
            &[&["valuesToAdd"]]
        }
        ("redshift", "AuthorizeSnapshotAccess") => &[&["accountWithRestoreAccess"]],
        ("redshift", "AuthorizeDataShare") => &[&["consumerIdentifier"]],
        ("redshift" | "es", "AuthorizeEndpointAccess" | "AuthorizeVpcEndpointAccess") => {
            &[&["account"]]
        }
        ("ssm", "ModifyDocumentPermission") => &[&["accountIdsToAdd"]],
        ("ram", "CreateResourceShare" | "AssociateResourceShare") => &[&["principals"]],
        ("lambda", "AddLayerVersionPermission") => &[&["principal"], &["organizationId"]],
        ("kms", "CreateGrant") => &[&["granteePrincipal"]],
        ("servicecatalog", "CreatePortfolioShare") => {
            &[&["accountId"], &["organizationNode", "value"]]
        }
        ("ds", "ShareDirectory") => &[&["shareTarget", "id"]],
        // What these write goes on to be written elsewhere.
        ("dynamodb", "ExportTableToPointInTime") => &[&["s3BucketOwner"]],
        ("ecr", "PutReplicationConfiguration") => {
            &[&["replicationConfiguration", "rules", "destinations", "registryId"]]
        }
        ("logs", "PutSubscriptionFilter") => &[&["destinationArn"]],
        ("s3", "PutBucketReplication") => {
            &[&["ReplicationConfiguration", "Rule", "Destination", "Account"]]
        }
        ("lakeformation", "GrantPermissions") => &[&["principal", "dataLakePrincipalIdentifier"]],
        _ => return None,
    })
}

impl<'r> Sharing<'r> {
    fn add(&mut self, named: &'r str) {
        match Principal::of(named) {
            Principal::Everyone => self.is_public = true,
            Principal::Account(account) => self.accounts.push(account),
            Principal::Organization(id) => self.organizations.push(id),
            Principal::Unit(id, organization) => {
                self.units.push(id);
                self.organizations_of_units.extend(organization);
            }
            // EC2, RDS and Systems Manager say it in a word.
            Principal::Other(word) => self.is_public |= word.eq_ignore_ascii_case("all"),
            Principal::Service(_) => {}
        }
    }

    /// Reads access lists of buckets and objects; false if the request has none.
    fn s3(&mut self, record: &Record<'r>, at: usize) -> bool {
        let list = ["AccessControlPolicy", "AccessControlList", "Grant", "Grantee"];
        let owner = text(record, at, &["AccessControlPolicy", "Owner", "ID"]);
        let grantees = each(record, at, &list);
        let mut has_list = !grantees.is_empty();
        for grantee in grantees {
            let groups = texts(record, grantee, &["URI"]);
            self.is_public |= groups.into_iter().any(is_public_group);
            let users = texts(record, grantee, &["ID"]).into_iter();
            self.canonical_users.extend(users.filter(|user| Some(*user) != owner));
        }
        // Some requests have the headers one level deeper.
        for at in [at].into_iter().chain(each(record, at, &["accessControlList"])) {
            let ready = texts(record, at, &["x-amz-acl"]);
            has_list |= !ready.is_empty();
            self.is_public |= ready.iter().any(|name| PUBLIC_LISTS.contains(name));
            for header in GRANT_HEADERS.iter().flat_map(|header| texts(record, at, &[header])) {
                has_list = true;
                self.header(header);
            }
        }
        has_list
    }

    /// One header: `uri="..."`, `id="..."` or `emailAddress="..."`, with commas between.
    fn header(&mut self, header: &'r str) {
        for part in header.split(',') {
            let Some((kind, value)) = part.split_once('=') else { continue };
            let value = value.trim().trim_matches('"');
            if kind.trim().eq_ignore_ascii_case("uri") {
                self.is_public |= is_public_group(value);
            } else if kind.trim().eq_ignore_ascii_case("id") {
                self.canonical_users.push(value);
            }
        }
    }
}

fn is_public_group(uri: &str) -> bool {
    PUBLIC_GROUPS.iter().any(|group| uri.ends_with(group))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{derive_with, show};
    use super::super::{Account, Enrich, Tables, TablesConfig};
    use crate::model::Field;

    /// One line: public, accounts, foreign accounts, organisations, foreign ones, units, canonical users.
    #[track_caller]
    fn check(enrich: &Enrich, (source, name): (&str, &str), parameters: &Value, expected: &str) {
        let event = json!({
            "eventSource": format!("{source}.amazonaws.com"),
            "eventName": name,
            "recipientAccountId": "111122223333",
            "userIdentity": { "accountId": "999988887777" },
            "requestParameters": parameters,
        });
        let line = [
            Field::SharedIsPublic,
            Field::SharedAccounts,
            Field::SharedForeignAccounts,
            Field::SharedOrganizations,
            Field::SharedForeignOrganizations,
            Field::SharedOrganizationalUnits,
            Field::SharedCanonicalUsers,
        ]
        .map(|field| show(&derive_with(enrich, field, "", &event)))
        .join("|");
        assert_eq!(line, expected, "{event}");
    }

    fn without() -> Enrich {
        Enrich::default()
    }

    fn with_tables() -> Enrich {
        let account = Account { id: "444455556666".to_owned(), ..Account::default() };
        let config = TablesConfig {
            accounts: vec![account],
            organizations: vec!["o-exampleorgid".to_owned()],
            ..TablesConfig::default()
        };
        Enrich { tables: Tables::from_config(config).unwrap() }
    }

    const SNAPSHOT: (&str, &str) = ("ec2", "ModifySnapshotAttribute");

    #[test]
    fn snapshots_and_images_are_shared_by_what_is_added() {
        let add = |items: Value| json!({ "createVolumePermission": { "add": { "items": items } } });
        let stranger = add(json!([{ "userId": "444455556666" }, { "userId": "111122223333" }]));
        check(&without(), SNAPSHOT, &stranger, "false|444455556666 111122223333|444455556666||||");
        check(&with_tables(), SNAPSHOT, &stranger, "false|444455556666 111122223333|||||");
        check(&without(), SNAPSHOT, &add(json!([{ "group": "all" }])), "true||||||");
        let taken =
            json!({ "createVolumePermission": { "remove": { "items": [{ "group": "all" }] } } });
        check(&without(), SNAPSHOT, &taken, "false||||||");
        let image = json!({ "launchPermission": { "add": { "items": [
            { "organizationArn": "arn:aws:organizations::123456789012:organization/o-exampleorgid" },
            { "organizationalUnitArn":
                "arn:aws:organizations::123456789012:ou/o-exampleorgid/ou-ab12-cd345678" },
        ] } } });
        let call = ("ec2", "ModifyImageAttribute");
        check(&without(), call, &image, "false|||o-exampleorgid|o-exampleorgid|ou-ab12-cd345678|");
        check(&with_tables(), call, &image, "false|||o-exampleorgid||ou-ab12-cd345678|");
        let unit = "arn:aws:organizations::123456789012:ou/o-other/ou-ab12-cd345678";
        let image = json!({ "launchPermission": { "add": { "items": [{ "organizationalUnitArn": unit }] } } });
        check(&with_tables(), call, &image, "false||||o-other|ou-ab12-cd345678|");
    }

    #[test]
    fn the_caller_is_a_stranger_once_own_accounts_are_listed() {
        let items = json!([{ "userId": "999988887777" }]);
        let add = json!({ "createVolumePermission": { "add": { "items": items } } });
        check(&without(), SNAPSHOT, &add, "false|999988887777|||||");
        check(&with_tables(), SNAPSHOT, &add, "false|999988887777|999988887777||||");
    }

    #[test]
    fn each_service_has_its_own_words() {
        for (call, parameters, expected) in [
            (("rds", "ModifyDBSnapshotAttribute"), json!({ "valuesToAdd": ["all"] }), "true||||||"),
            (
                ("rds", "ModifyDBClusterSnapshotAttribute"),
                json!({ "attributeName": "restore", "valuesToAdd": ["123456789012"] }),
                "false|123456789012|123456789012||||",
            ),
            (
                ("redshift", "AuthorizeSnapshotAccess"),
                json!({ "accountWithRestoreAccess": "123456789012" }),
                "false|123456789012|123456789012||||",
            ),
            (
                ("ssm", "ModifyDocumentPermission"),
                json!({ "permissionType": "Share", "accountIdsToAdd": ["All"] }),
                "true||||||",
            ),
            (
                ("ram", "CreateResourceShare"),
                json!({ "principals": ["123456789012", "arn:aws:iam::210987654321:role/r"] }),
                "false|123456789012 210987654321|123456789012 210987654321||||",
            ),
            (
                ("lambda", "AddLayerVersionPermission20181031"),
                json!({ "principal": "*" }),
                "true||||||",
            ),
            (
                ("lambda", "AddLayerVersionPermission20181031"),
                json!({ "principal": "*", "organizationId": "o-exampleorgid" }),
                "false|||o-exampleorgid|o-exampleorgid||",
            ),
            (
                ("kms", "CreateGrant"),
                json!({ "granteePrincipal": "dynamodb.us-east-1.amazonaws.com" }),
                "false||||||",
            ),
            (("kms", "Encrypt"), json!({ "principal": "*" }), "||||||"),
            (
                ("dynamodb", "ExportTableToPointInTime"),
                json!({ "s3BucketOwner": "123456789012" }),
                "false|123456789012|123456789012||||",
            ),
            (
                ("ecr", "PutReplicationConfiguration"),
                json!({ "replicationConfiguration": { "rules": [{ "destinations": [
                    { "region": "us-east-1", "registryId": "111122223333" },
                    { "region": "us-east-1", "registryId": "123456789012" },
                ] }] } }),
                "false|111122223333 123456789012|123456789012||||",
            ),
            (
                ("logs", "PutSubscriptionFilter"),
                json!({ "destinationArn": "arn:aws:logs:us-east-1:123456789012:destination:d" }),
                "false|123456789012|123456789012||||",
            ),
            (
                ("logs", "PutSubscriptionFilter"),
                json!({ "destinationArn": "arn:aws:lambda:us-east-1:111122223333:function:f" }),
                "false|111122223333|||||",
            ),
            (
                ("s3", "PutBucketReplication"),
                json!({ "ReplicationConfiguration": { "Rule": [
                    { "Destination": { "Account": "111122223333", "Bucket": "arn:aws:s3:::a" } },
                    { "Destination": { "Account": "123456789012", "Bucket": "arn:aws:s3:::b" } },
                ] } }),
                "false|111122223333 123456789012|123456789012||||",
            ),
        ] {
            check(&without(), call, &parameters, expected);
        }
    }

    #[test]
    fn access_lists_of_buckets_are_read_in_each_form() {
        let group = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
        let grant = |grantee: Value| {
            let grants = json!({ "Grant": { "Grantee": grantee, "Permission": "READ" } });
            json!({ "AccessControlPolicy": { "AccessControlList": grants, "Owner": { "ID": "own" } } })
        };
        let call = ("s3", "PutBucketAcl");
        check(&without(), call, &grant(json!({ "URI": group })), "true||||||");
        check(&without(), call, &grant(json!({ "ID": "own" })), "false||||||");
        check(
            &without(),
            call,
            &grant(json!([{ "ID": "other" }, { "ID": "own" }])),
            "false||||||other",
        );
        let header = format!("id=\"other\", uri=\"{group}\"");
        check(&without(), call, &json!({ "x-amz-grant-read": header }), "true||||||other");
        check(&without(), call, &json!({ "x-amz-acl": "public-read" }), "true||||||");
        check(
            &without(),
            call,
            &json!({ "accessControlList": { "x-amz-acl": "private" } }),
            "false||||||",
        );
        check(&without(), call, &json!({ "bucketName": "b" }), "||||||");
    }

    #[test]
    fn what_was_cut_is_not_called_private() {
        check(&without(), SNAPSHOT, &json!({ "omitted": true }), "?|?|?|?|?|?|?");
    }
}
