//! The IAM policy in `deploy/iam` is a policy, allows what the code calls, and nothing else.
//!
//! Operations are found by the names of the SDK's methods, in the source files without their tests.
#![allow(clippy::unwrap_used, reason = "a test ends there")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Methods of the SDK's clients, with the action that each needs; also of operations that nobody
/// calls yet, so that a new call without a permission is seen.
const OPERATIONS: [(&str, &str); 54] = [
    ("receive_message", "sqs:ReceiveMessage"),
    ("delete_message", "sqs:DeleteMessage"),
    ("delete_message_batch", "sqs:DeleteMessage"),
    ("change_message_visibility", "sqs:ChangeMessageVisibility"),
    ("change_message_visibility_batch", "sqs:ChangeMessageVisibility"),
    ("get_queue_attributes", "sqs:GetQueueAttributes"),
    ("get_queue_url", "sqs:GetQueueUrl"),
    ("list_queues", "sqs:ListQueues"),
    ("purge_queue", "sqs:PurgeQueue"),
    ("send_message", "sqs:SendMessage"),
    ("send_message_batch", "sqs:SendMessage"),
    ("get_object", "s3:GetObject"),
    ("get_object_attributes", "s3:GetObjectAttributes"),
    ("get_object_tagging", "s3:GetObjectTagging"),
    ("head_object", "s3:GetObject"),
    ("head_bucket", "s3:ListBucket"),
    ("get_bucket_location", "s3:GetBucketLocation"),
    ("list_objects_v2", "s3:ListBucket"),
    ("list_object_versions", "s3:ListBucketVersions"),
    ("put_object", "s3:PutObject"),
    ("create_multipart_upload", "s3:PutObject"),
    ("upload_part", "s3:PutObject"),
    ("copy_object", "s3:PutObject"),
    ("delete_object", "s3:DeleteObject"),
    ("delete_objects", "s3:DeleteObject"),
    ("publish", "sns:Publish"),
    ("publish_batch", "sns:Publish"),
    ("get_topic_attributes", "sns:GetTopicAttributes"),
    ("send_email", "ses:SendEmail"),
    ("send_bulk_email", "ses:SendBulkEmail"),
    ("batch_import_findings", "securityhub:BatchImportFindings"),
    ("batch_update_findings", "securityhub:BatchUpdateFindings"),
    ("describe_hub", "securityhub:DescribeHub"),
    ("put_events", "events:PutEvents"),
    ("describe_event_bus", "events:DescribeEventBus"),
    ("get_secret_value", "secretsmanager:GetSecretValue"),
    ("get_parameter", "ssm:GetParameter"),
    ("get_parameters", "ssm:GetParameters"),
    ("describe_stream_summary", "kinesis:DescribeStreamSummary"),
    ("list_shards", "kinesis:ListShards"),
    ("get_shard_iterator", "kinesis:GetShardIterator"),
    ("get_records", "kinesis:GetRecords"),
    ("register_stream_consumer", "kinesis:RegisterStreamConsumer"),
    ("describe_stream_consumer", "kinesis:DescribeStreamConsumer"),
    ("subscribe_to_shard", "kinesis:SubscribeToShard"),
    ("describe_table", "dynamodb:DescribeTable"),
    ("create_table", "dynamodb:CreateTable"),
    ("scan", "dynamodb:Scan"),
    ("get_item", "dynamodb:GetItem"),
    ("put_item", "dynamodb:PutItem"),
    ("update_item", "dynamodb:UpdateItem"),
    ("delete_item", "dynamodb:DeleteItem"),
    ("assume_role", "sts:AssumeRole"),
    ("get_caller_identity", "sts:GetCallerIdentity"),
];

/// As [`OPERATIONS`], of the policy for a store on DynamoDB. A transaction needs what it does.
const OF_TABLES: [(&str, &str); 11] = [
    ("batch_get_item", "dynamodb:BatchGetItem"),
    ("batch_write_item", "dynamodb:BatchWriteItem"),
    ("create_table", "dynamodb:CreateTable"),
    ("describe_table", "dynamodb:DescribeTable"),
    ("describe_time_to_live", "dynamodb:DescribeTimeToLive"),
    ("put_item", "dynamodb:PutItem"),
    ("query", "dynamodb:Query"),
    ("scan", "dynamodb:Scan"),
    ("transact_write_items", "dynamodb:DeleteItem"),
    ("update_item", "dynamodb:UpdateItem"),
    ("update_time_to_live", "dynamodb:UpdateTimeToLive"),
];

/// As [`OPERATIONS`], of the policy for the role that AWS Organizations is asked with.
const OF_ACCOUNTS: [(&str, &str); 8] = [
    ("describe_account", "organizations:DescribeAccount"),
    ("describe_organization", "organizations:DescribeOrganization"),
    ("list_accounts", "organizations:ListAccounts"),
    ("list_accounts_for_parent", "organizations:ListAccountsForParent"),
    ("list_organizational_units_for_parent", "organizations:ListOrganizationalUnitsForParent"),
    ("list_parents", "organizations:ListParents"),
    ("list_roots", "organizations:ListRoots"),
    ("list_tags_for_resource", "organizations:ListTagsForResource"),
];

/// Needed without a call of their own: versions of objects, encrypted objects (to read and to write
/// them), 404 for what is missing, and the role that [`aws_config`](https://docs.rs/aws-config) assumes.
const IMPLIED: [&str; 5] = [
    "s3:GetObjectVersion",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "s3:ListBucket",
    "sts:AssumeRole",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Files that call what `askance replay` alone needs, and the service does not.
const OF_REPLAY: [&str; 2] = ["list.rs", "enqueue.rs"];

fn policy() -> Value {
    read("askance-run.json")
}

fn read(name: &str) -> Value {
    let text = fs::read_to_string(root().join("deploy/iam").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The policy of a source of its own stands in a file of its own: whoever has none needs none of it.
fn whole() -> Value {
    let mut whole = policy();
    let statements = whole["Statement"].as_array_mut().unwrap();
    for name in ["askance-kinesis.json", "askance-baseline.json"] {
        statements.extend(read(name)["Statement"].as_array().unwrap().clone());
    }
    whole
}

fn actions(statement: &Value) -> Vec<String> {
    let actions = &statement["Action"];
    let list = actions.as_array().cloned().unwrap_or_else(|| vec![actions.clone()]);
    list.iter().map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// Actions that the code needs, with the files that call them.
fn called() -> BTreeMap<&'static str, BTreeSet<String>> {
    called_of("pipeline/src", &OPERATIONS)
}

fn called_of(
    folder: &str,
    operations: &[(&'static str, &'static str)],
) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut called = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_test = ["tests", "contract"]
                .iter()
                .any(|word| name.trim_end_matches(".rs").ends_with(word));
            if path.is_dir() && !is_test {
                folders.push(path);
            } else if name.ends_with(".rs") && !is_test {
                let text = fs::read_to_string(&path).unwrap();
                let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                for &(method, action) in operations {
                    if own.contains(&format!(".{method}()")) {
                        called.entry(action).or_insert_with(BTreeSet::new).insert(name.clone());
                    }
                }
            }
        }
    }
    called
}

#[test]
fn the_policy_of_a_table_allows_what_its_store_calls_and_nothing_else() {
    let policy = read("askance-dynamodb.json");
    is_a_policy(&policy);
    let statements = policy["Statement"].as_array().unwrap();
    let allowed: BTreeSet<String> = statements.iter().flat_map(actions).collect();
    let called = called_of("pipeline/src/store/dynamodb", &OF_TABLES);
    let called: BTreeSet<String> = called.into_keys().map(str::to_owned).collect();
    assert_eq!(allowed, called);
}

#[test]
fn the_policy_of_accounts_allows_what_is_asked_and_nothing_else() {
    let policy = read("askance-accounts.json");
    let statements = policy["Statement"].as_array().unwrap();
    let allowed: BTreeSet<String> = statements.iter().flat_map(actions).collect();
    let called = called_of("pipeline/src/organization", &OF_ACCOUNTS);
    let called: BTreeSet<String> = called.into_keys().map(str::to_owned).collect();
    assert_eq!(allowed, called);
    // Listing the root is allowed on everything or not at all.
    assert!(statements.iter().all(|statement| statement["Resource"] == "*"));
}

#[test]
fn the_policy_of_a_baseline_names_its_key_and_nothing_beside_it() {
    let policy = read("askance-baseline.json");
    for statement in policy["Statement"].as_array().unwrap() {
        let resource = statement["Resource"].as_str().unwrap();
        for action in actions(statement) {
            let writes = ["s3:PutObject", "s3:DeleteObject"].contains(&action.as_str());
            assert!(
                !writes || resource.contains("/askance/first-seen.bin"),
                "{action} on {resource}"
            );
            // The current one is replaced, and never taken away.
            assert!(
                action != "s3:DeleteObject" || resource.ends_with("first-seen.bin.*"),
                "{resource}"
            );
        }
    }
    let called = called_of("pipeline/src/baseline", &OPERATIONS);
    let allowed: BTreeSet<String> =
        policy["Statement"].as_array().unwrap().iter().flat_map(actions).collect();
    for action in called.keys() {
        assert!(allowed.contains(*action), "{action} is called: add it to the policy");
    }
}

#[test]
fn the_policies_are_policies() {
    is_a_policy(&whole());
    is_a_policy(&read("askance-replay.json"));
}

#[track_caller]
fn is_a_policy(policy: &Value) {
    assert_eq!(policy["Version"], "2012-10-17");
    let mut names = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        let name = statement["Sid"].as_str().unwrap();
        assert!(names.insert(name), "{name} stands twice");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
        assert_eq!(statement["Effect"], "Allow", "{name}");
        let resource = statement["Resource"].as_str().unwrap();
        assert!(resource.starts_with("arn:aws:"), "{name} names a resource, not {resource}");
        for action in actions(statement) {
            let service = action.split(':').next().unwrap();
            assert!(!action.contains('*'), "{name}: {action}");
            // An assumed role is a resource of IAM.
            let of = if service == "sts" { "iam" } else { service };
            assert_eq!(resource.split(':').nth(2), Some(of), "{name}: {action} on {resource}");
        }
    }
}

#[test]
fn the_policy_allows_what_the_code_calls_and_nothing_else() {
    let policy = whole();
    let statements = policy["Statement"].as_array().unwrap();
    let allowed: BTreeSet<String> = statements.iter().flat_map(actions).collect();
    let called = called();
    assert!(called.contains_key("sqs:ReceiveMessage"), "calls are found: {called:?}");
    for (action, files) in &called {
        let is_of_replay = files.iter().all(|file| OF_REPLAY.contains(&file.as_str()));
        let is_allowed = is_of_replay || allowed.contains(*action);
        assert!(is_allowed, "{action} is called in {files:?}: add it to the policy");
    }
    for name in IMPLIED {
        assert!(allowed.contains(name), "{name} is needed: add it to the policy");
    }
    // Sinks come one by one: what is allowed is called or known here.
    let known: BTreeSet<&str> = OPERATIONS.iter().map(|(_, action)| *action).collect();
    for action in &allowed {
        let is_known = known.contains(action.as_str()) || IMPLIED.contains(&action.as_str());
        assert!(is_known, "{action} is allowed, and nothing calls it");
    }
    // What the source needs is needed today.
    let sources = statements.iter().filter(|s| s["Sid"].as_str().unwrap().starts_with("Source"));
    for action in sources.flat_map(actions) {
        let is_used = called.contains_key(action.as_str()) || IMPLIED.contains(&action.as_str());
        assert!(is_used, "{action} is allowed, and nothing calls it");
    }
}

#[test]
fn the_policy_of_a_replay_allows_what_it_calls_and_nothing_else() {
    let policy = read("askance-replay.json");
    let allowed: BTreeSet<String> =
        policy["Statement"].as_array().unwrap().iter().flat_map(actions).collect();
    let needed =
        ["s3:ListBucket", "s3:GetObject", "kms:Decrypt", "sts:AssumeRole", "sqs:SendMessage"];
    assert_eq!(allowed, needed.map(str::to_owned).into());
    let called = called();
    for action in ["s3:ListBucket", "s3:GetObject", "sqs:SendMessage"] {
        assert!(called.contains_key(action), "{action} is allowed, and nothing calls it");
    }
    let of_replay = called
        .iter()
        .filter(|(_, files)| files.iter().any(|file| OF_REPLAY.contains(&file.as_str())));
    for (action, files) in of_replay {
        assert!(allowed.contains(*action), "{action} is called in {files:?}: add it to the policy");
    }
}

#[test]
fn the_policy_in_the_readme_is_a_part_of_the_whole_one() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme.split("**5. What the role may do**").nth(1).expect("the step is there");
    let shown = section.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
    let shown: Value = serde_json::from_str(shown.expect("the policy is there")).unwrap();
    let whole = policy();
    let statements = shown["Statement"].as_array().unwrap();
    assert!(statements.len() >= 4, "{shown}");
    for statement in statements {
        assert!(whole["Statement"].as_array().unwrap().contains(statement), "{statement}");
    }
}
