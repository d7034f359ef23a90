//! What the program says of itself when asked for help.
//!
//! Completions and the manual page are `generated`.

use crate::sandbox::Sandbox;

/// The help of one command, as it looks in a pipe.
#[track_caller]
fn check(args: &[&str], expected: expect_test::Expect) {
    let run = Sandbox::new().run(&[args, &["--help"]].concat());
    assert_eq!(run.exits(0).err, "");
    let text: String = run.out.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    expected.assert_eq(&text);
}

#[test]
fn help_of_the_program() {
    check(
        &[],
        expect_test::expect![[r#"
            Reads AWS CloudTrail, finds dangerous settings as they are made, and asks whether they were meant

            Usage: askance <COMMAND>

            Commands:
              scan         Read CloudTrail files and tell what is dangerous in them
              run          Run as a service: read what comes, keep alerts, tell people
              replay       Read the past from S3: into a report, to people, or by a fleet
              backtest     Tell what a change of rules would have done, on files or on the past in S3
              config       Check a configuration, show its schema, write an example
              explain      Tell why a rule did or did not match an event
              rules        Check, test or list rules, and tell what they cover
              baseline     Make or show a baseline: who did what from where until now
              alerts       List, show, export or acknowledge alerts in the store
              outbox       List, retry or drop messages that wait to be sent
              rejects      List what could not be read
              store        Look into the store, compact it, back it up or restore it
              kinesis      Show leases and shards of the Kinesis sources
              completions  Write a completion script for a shell
              man          Write the manual page
              help         Print this message or the help of the given subcommand(s)

            Options:
              -h, --help     Print help
              -V, --version  Print version
        "#]],
    );
}

#[test]
fn help_of_scan() {
    check(
        &["scan"],
        expect_test::expect![[r#"
            Read CloudTrail files and tell what is dangerous in them

            Usage: askance scan [OPTIONS] <PATH>...

            Arguments:
              <PATH>...
                      Files, folders (with everything below them) or - for standard input

            Options:
              -h, --help
                      Print help (see a summary with '-h')

              -V, --version
                      Print version

            Rules:
                  --rules <PATH>
                      Rule file or folder, instead of the built-in rules; may be repeated

                  --builtin
                      The built-in rules as well as those of --rules

                  --placeholders <FILE>
                      File with values for %placeholders%, as `name: [values]`; may be repeated

                  --keep-going
                      Leave out rules with errors instead of stopping

            What is looked at:
                  --own-accounts <FILE>
                      A file of your accounts, so that rules can tell strangers from them

                  --baseline <FILE>
                      What was seen before, from `askance baseline build`

                  --from <TIME>
                      Only events at this time or later: 24h, 2026-11-24, 2026-11-24T09:30:00Z

                  --to <TIME>
                      Only events before this time

                  --account <ID>
                      Only events of this account (the one it happened in); may be repeated

                  --region <REGION>
                      Only events of this region; may be repeated

                  --level <LEVEL>
                      Only rules of this level and above

                      Possible values:
                      - informational: For enrichment
                      - low:           Notable
                      - medium:        To be reviewed
                      - high:          To be reviewed promptly
                      - critical:      Borders on certainty

                      [default: informational]

            Output:
                  --format <FORMAT>
                      How alerts are written

                      Possible values:
                      - table: For people
                      - jsonl: One JSON object a line
                      - json:  One JSON array
                      - csv:   Comma-separated, safe for spreadsheets

                      [default: table]

                  --output <FILE>
                      Write alerts to this file

                  --no-event
                      Leave the whole record out of JSON alerts

                  --stats
                      Count records by day and region in the summary (reads every record closely: slower)

                  --show-unknown
                      List records about which a rule could not be decided, since CloudTrail cut them

              -q, --quiet
                      No progress bar and no summary

            How it is run:
                  --fail-on <LEVEL>
                      Exit with 1 if something at this level or above was found

                      Possible values:
                      - informational: For enrichment
                      - low:           Notable
                      - medium:        To be reviewed
                      - high:          To be reviewed promptly
                      - critical:      Borders on certainty

                  --allow-unreadable
                      Don't exit with 3 because of input that could not be read

                  --threads <N>
                      Worker threads [default: one for each processor]

                  --config <FILE>
                      Configuration file: rules, filter and limits

            Exit codes, the first that applies:
              130  ended by Ctrl-C
              2  wrong use, or rules that cannot be used
              3  some input could not be read or was damaged; everything else was read
              1  something at the level of --fail-on or above
              0  otherwise

            Examples:
              askance scan trail/
              zcat *.json.gz | askance scan - --format jsonl
              askance scan trail/ --from 24h --level high --fail-on critical
              askance scan trail/ --rules sigma/rules/cloud/aws --builtin
        "#]],
    );
}

#[test]
fn help_of_explain() {
    check(
        &["explain"],
        expect_test::expect![[r#"
            Tell why a rule did or did not match an event

            Usage: askance explain [OPTIONS] --event <ID> <FILE>

            Arguments:
              <FILE>  File that holds the event, or - for standard input

            Options:
                  --event <ID>     The event's eventID
                  --rule <RULE>    Id, name or title of a rule
                  --config <FILE>  A configuration: tells whether its filter.drop drops the event, and knows
                                   what it knows
              -h, --help           Print help
              -V, --version        Print version

            Rules:
                  --rules <PATH>         Rule file or folder, instead of the built-in rules; may be repeated
                  --builtin              The built-in rules as well as those of --rules
                  --placeholders <FILE>  File with values for %placeholders%, as `name: [values]`; may be
                                         repeated
                  --keep-going           Leave out rules with errors instead of stopping

            Without --rule: which rules match the event, and why.
            Exit codes: 0 explained, 2 wrong use, or no such event or rule.
        "#]],
    );
}

#[test]
fn help_of_rules() {
    check(
        &["rules"],
        expect_test::expect![[r#"
            Check, test or list rules, and tell what they cover

            Usage: askance rules <COMMAND>

            Commands:
              check     Tell every error and warning of every rule file
              test      Run the cases beside each rule: examples that it must hit or miss
              list      List rules, correlations and what is skipped
              coverage  Tell what the rules cover: ATT&CK techniques, services, controls, and what has no rule
              help      Print this message or the help of the given subcommand(s)

            Options:
              -h, --help     Print help
              -V, --version  Print version
        "#]],
    );
}

#[test]
fn help_of_rules_coverage() {
    check(
        &["rules", "coverage"],
        expect_test::expect![[r#"
        Tell what the rules cover: ATT&CK techniques, services, controls, and what has no rule

        Usage: askance rules coverage [OPTIONS] [PATHS]...

        Arguments:
          [PATHS]...
                  Rule files and folders [default: the built-in rules]

        Options:
              --format <FORMAT>
                  How it is written

                  Possible values:
                  - table:    For people
                  - json:     One object, for programs
                  - markdown: A page

                  [default: table]

              --navigator <FILE>
                  Write a layer for the ATT&CK Navigator to this file, too

          -h, --help
                  Print help (see a summary with '-h')

          -V, --version
                  Print version

        Rules:
              --rules <PATH>
                  Rule file or folder, instead of the built-in rules; may be repeated

              --builtin
                  The built-in rules as well as those of --rules

              --placeholders <FILE>
                  File with values for %placeholders%, as `name: [values]`; may be repeated

              --keep-going
                  Leave out rules with errors instead of stopping

        Exit codes: 0 told, 2 errors in rules or wrong use.
    "#]],
    );
}

#[test]
fn help_of_rules_check() {
    check(
        &["rules", "check"],
        expect_test::expect![[r#"
            Tell every error and warning of every rule file

            Usage: askance rules check [OPTIONS] [PATHS]...

            Arguments:
              [PATHS]...  Rule files and folders [default: the built-in rules]

            Options:
              -h, --help     Print help
              -V, --version  Print version

            Rules:
                  --rules <PATH>         Rule file or folder, instead of the built-in rules; may be repeated
                  --builtin              The built-in rules as well as those of --rules
                  --placeholders <FILE>  File with values for %placeholders%, as `name: [values]`; may be
                                         repeated
                  --keep-going           Leave out rules with errors instead of stopping

            Exit codes: 0 no errors, 2 errors or wrong use.
        "#]],
    );
}

#[test]
fn help_of_rules_test() {
    check(
        &["rules", "test"],
        expect_test::expect![[r#"
            Run the cases beside each rule: examples that it must hit or miss

            Usage: askance rules test [OPTIONS] [PATHS]...

            Arguments:
              [PATHS]...  Rule files and folders [default: the built-in rules]

            Options:
              -h, --help     Print help
              -V, --version  Print version

            Rules:
                  --rules <PATH>         Rule file or folder, instead of the built-in rules; may be repeated
                  --builtin              The built-in rules as well as those of --rules
                  --placeholders <FILE>  File with values for %placeholders%, as `name: [values]`; may be
                                         repeated
                  --keep-going           Leave out rules with errors instead of stopping

            Exit codes: 0 all cases pass, 1 some fail, 2 wrong use or bad files.
        "#]],
    );
}

#[test]
fn help_of_rules_list() {
    check(
        &["rules", "list"],
        expect_test::expect![[r#"
            List rules, correlations and what is skipped

            Usage: askance rules list [OPTIONS] [PATHS]...

            Arguments:
              [PATHS]...  Rule files and folders [default: the built-in rules]

            Options:
              -h, --help     Print help
              -V, --version  Print version

            Rules:
                  --rules <PATH>         Rule file or folder, instead of the built-in rules; may be repeated
                  --builtin              The built-in rules as well as those of --rules
                  --placeholders <FILE>  File with values for %placeholders%, as `name: [values]`; may be
                                         repeated
                  --keep-going           Leave out rules with errors instead of stopping

            Exit codes: 0 listed, 2 wrong use.
        "#]],
    );
}

#[test]
fn help_of_completions() {
    check(
        &["completions"],
        expect_test::expect![[r#"
        Write a completion script for a shell

        Usage: askance completions <SHELL>

        Arguments:
          <SHELL>  The shell [possible values: bash, elvish, fish, powershell, zsh]

        Options:
          -h, --help     Print help
          -V, --version  Print version
    "#]],
    );
}

#[test]
fn help_of_man() {
    check(
        &["man"],
        expect_test::expect![[r#"
        Write the manual page

        Usage: askance man

        Options:
          -h, --help     Print help
          -V, --version  Print version
    "#]],
    );
}

#[test]
fn a_misspelled_option_or_command_gets_a_hint() {
    let sandbox = Sandbox::new();
    sandbox.run(&["sacn", "x"]).exits(2).says("scan");
    sandbox.run(&["scan", "x", "--fomrat", "json"]).exits(2).says("--format");
    sandbox.run(&["scan", "x", "--format", "jsno"]).exits(2).says("json");
}

#[test]
fn help_of_alerts() {
    check(
        &["alerts"],
        expect_test::expect![[r#"
        List, show, export or acknowledge alerts in the store

        Usage: askance alerts <COMMAND>

        Commands:
          list    List alerts with what became of them, the latest first
          show    Show everything that is known of an alert
          export  Write alerts for other programs, as `askance scan` writes them or as OCSF
          ack     Note that somebody took note of alerts
          help    Print this message or the help of the given subcommand(s)

        Options:
          -h, --help     Print help
          -V, --version  Print version
    "#]],
    );
    check(
        &["alerts", "list"],
        expect_test::expect![[r#"
        List alerts with what became of them, the latest first

        Usage: askance alerts list [OPTIONS]

        Options:
              --format <FORMAT>
                  How they are written

                  Possible values:
                  - table: For people
                  - jsonl: One JSON object a line: the alert, and what became of it
                  - ocsf:  One OCSF Detection Finding a line

                  [default: table]

          -h, --help
                  Print help (see a summary with '-h')

          -V, --version
                  Print version

        Which alerts:
              --from <TIME>
                  Only events at this time or later: 24h, 2026-11-24, 2026-11-24T09:30:00Z

              --to <TIME>
                  Only events before this time

              --level <LEVEL>
                  Only alerts of this level and above

                  Possible values:
                  - informational: For enrichment
                  - low:           Notable
                  - medium:        To be reviewed
                  - high:          To be reviewed promptly
                  - critical:      Borders on certainty

              --rule <ID>
                  Only alerts of this rule, by its id

              --account <ID>
                  Only alerts of this account (the one it happened in)

              --fate <FATE>
                  Only alerts of which this became

                  Possible values:
                  - told:       Sent to people
                  - merged:     Joined with an earlier one
                  - suppressed: Told to nobody, by a suppression of the configuration
                  - capped:     Held back, since too many of its rule came

              --open
                  Only alerts that nobody took note of

              --limit <N>
                  At most so many

                  [default: 100]

        Which store:
              --config <FILE>
                  Configuration that names the store [default: $ASKANCE_CONFIG or askance.yaml]

              --store <FILE>
                  The store's file, instead of the one that a configuration names

        A time without a zone is UTC. An event without a time counts as of when its alert was raised.

        Exit codes: 0 listed, 2 wrong use or no store that can be read.

        Examples:
          askance alerts list --open --level high
          askance alerts list --from 24h --account 111122223333 --format jsonl
    "#]],
    );
    check(
        &["alerts", "ack"],
        expect_test::expect![[r#"
        Note that somebody took note of alerts

        Usage: askance alerts ack [OPTIONS] --by <NAME> <ID>...

        Arguments:
          <ID>...  Ids of alerts, or the beginnings of them

        Options:
              --by <NAME>    Who takes note
              --note <TEXT>  What they say about it
          -h, --help         Print help
          -V, --version      Print version

        Which store:
              --config <FILE>  Configuration that names the store [default: $ASKANCE_CONFIG or askance.yaml]
              --store <FILE>   The store's file, instead of the one that a configuration names

        An alert is named by its id or the beginning of it, as far as no other begins so. If a name is
        wrong, none is acknowledged.

        Exit codes: 0 acknowledged, 2 wrong use, or no such alert.

        Example:
          askance alerts ack 3fa4b2c1 90d17e --by mika --note 'planned, change 4711'
    "#]],
    );
}

#[test]
fn help_of_outbox_and_rejects() {
    check(
        &["outbox"],
        expect_test::expect![[r#"
        List, retry or drop messages that wait to be sent

        Usage: askance outbox <COMMAND>

        Commands:
          list   List messages that wait, and dead letters
          retry  Have messages sent now, dead letters too
          drop   Take messages out: they will not be sent
          help   Print this message or the help of the given subcommand(s)

        Options:
          -h, --help     Print help
          -V, --version  Print version
    "#]],
    );
    check(
        &["outbox", "drop"],
        expect_test::expect![[r#"
        Take messages out: they will not be sent

        Usage: askance outbox drop [OPTIONS] [NUMBER]...

        Arguments:
          [NUMBER]...  Numbers of messages [default: all]

        Options:
              --sink <NAME>  Only messages for this sink
              --dead         Only dead letters
              --yes          They are really to be dropped
          -h, --help         Print help
          -V, --version      Print version

        Which store:
              --config <FILE>  Configuration that names the store [default: $ASKANCE_CONFIG or askance.yaml]
              --store <FILE>   The store's file, instead of the one that a configuration names

        The alerts stay in the store. Without --yes nothing is dropped, and the number of messages that
        would be is told.

        Exit codes: 0 dropped, 2 wrong use, or --yes is missing.

        Example:
          askance outbox drop --sink people --dead --yes
    "#]],
    );
    check(
        &["rejects", "list"],
        expect_test::expect![[r#"
        List what could not be read, with the reason and its first bytes

        Usage: askance rejects list [OPTIONS]

        Options:
              --after <NUMBER>
                  Only those behind this number

                  [default: 0]

              --limit <N>
                  At most so many

                  [default: 100]

              --format <FORMAT>
                  How they are written

                  Possible values:
                  - table: For people
                  - jsonl: One JSON object a line

                  [default: table]

          -h, --help
                  Print help (see a summary with '-h')

          -V, --version
                  Print version

        Which store:
              --config <FILE>
                  Configuration that names the store [default: $ASKANCE_CONFIG or askance.yaml]

              --store <FILE>
                  The store's file, instead of the one that a configuration names

        Exit codes: 0 listed, 2 wrong use or no store that can be read.
    "#]],
    );
}

#[test]
fn help_of_store() {
    check(
        &["store"],
        expect_test::expect![[r#"
        Look into the store, compact it, back it up or restore it

        Usage: askance store <COMMAND>

        Commands:
          stats    Tell what is in the store
          compact  Let go of what is older or more than it is kept, and give the room back
          backup   Copy the store as it is at this moment, while the service runs
          restore  Put a backup in the store's place, while no service runs
          help     Print this message or the help of the given subcommand(s)

        Options:
          -h, --help     Print help
          -V, --version  Print version
    "#]],
    );
    check(
        &["store", "compact"],
        expect_test::expect![[r#"
        Let go of what is older or more than it is kept, and give the room back

        Usage: askance store compact [OPTIONS]

        Options:
          -h, --help     Print help
          -V, --version  Print version

        Which store:
              --config <FILE>  Configuration that names the store [default: $ASKANCE_CONFIG or askance.yaml]
              --store <FILE>   The store's file, instead of the one that a configuration names

        How long things are kept stands in the configuration: alerts.keep, store.keep_ledger,
        store.max_size. The service does the same once an hour; alerts that wait to be sent are never let go
        of.

        Exit codes: 0 done, 2 wrong use or no store that can be written.
    "#]],
    );
    check(
        &["store", "backup"],
        expect_test::expect![[r#"
        Copy the store as it is at this moment, while the service runs

        Usage: askance store backup [OPTIONS] <FILE>

        Arguments:
          <FILE>  The copy

        Options:
          -h, --help     Print help
          -V, --version  Print version

        Which store:
              --config <FILE>  Configuration that names the store [default: $ASKANCE_CONFIG or askance.yaml]
              --store <FILE>   The store's file, instead of the one that a configuration names

        The copy is one file. It is checked before it gets its name, and a backup of that name from before
        is replaced.

        Exit codes: 0 copied, 2 wrong use, no store, or no room for the copy.

        Examples:
          askance store backup /backup/askance.db
          askance store backup --store /var/lib/askance/askance.db /backup/askance.db
    "#]],
    );
    check(
        &["store", "restore"],
        expect_test::expect![[r#"
        Put a backup in the store's place, while no service runs

        Usage: askance store restore [OPTIONS] <FILE>

        Arguments:
          <FILE>  The backup

        Options:
          -h, --help     Print help
          -V, --version  Print version

        Which store:
              --config <FILE>  Configuration that names the store [default: $ASKANCE_CONFIG or askance.yaml]
              --store <FILE>   The store's file, instead of the one that a configuration names

        The backup is checked first. What was in its place is kept beside it, under a name that ends in
        .before-TIME.

        Exit codes: 0 restored, 2 wrong use, a service runs, or the backup is damaged.

        Example:
          systemctl stop askance && askance store restore /backup/askance.db && systemctl start askance
    "#]],
    );
}

#[test]
fn help_of_replay() {
    check(
        &["replay"],
        expect_test::expect![[r#"
        Read the past from S3: into a report, to people, or by a fleet

        Usage: askance replay [OPTIONS] [S3_URL]
               askance replay <COMMAND>

        Commands:
          jobs  List jobs, or show one: what it was asked, how far it is, what it found
          help  Print this message or the help of the given subcommand(s)

        Arguments:
          [S3_URL]
                  What is read: s3://BUCKET or s3://BUCKET/PREFIX; may be left out to go on with --job

        Options:
          -h, --help
                  Print help (see a summary with '-h')

          -V, --version
                  Print version

        What is looked at:
              --from <TIME>
                  Only events at this time or later: 30d, 2026-11-24, 2026-11-24T09:30:00Z

              --to <TIME>
                  Only events before this time [default: now]

              --account <ID>
                  Only this account: its folders, and events that happened in it; may be repeated

              --region <REGION>
                  Only this region: its folders, and events that happened in it; may be repeated

        Rules:
              --rules <PATH>
                  Rule file or folder, instead of the built-in rules; may be repeated

              --builtin
                  The built-in rules as well as those of --rules

              --placeholders <FILE>
                  File with values for %placeholders%, as `name: [values]`; may be repeated

              --keep-going
                  Leave out rules with errors instead of stopping

        Where it goes:
              --to-sinks
                  Tell people: alerts go to the store, routes and sinks of --config, marked as historic

              --dry-run
                  Say what would be read and what it would cost, and read nothing

              --enqueue <QUEUE_URL>
                  Put the objects into this queue, for `askance run` to read (replay_queue_url of its
                  source)

              --format <FORMAT>
                  How alerts are written

                  Possible values:
                  - table: For people
                  - jsonl: One JSON object a line
                  - json:  One JSON array
                  - csv:   Comma-separated, safe for spreadsheets

                  [default: table]

              --output <FILE>
                  Write alerts to this file

              --no-event
                  Leave the whole record out of JSON alerts

          -q, --quiet
                  No plan, no progress bar and no summary

        How it is run:
              --job <NAME>
                  The job's name, to go on with it or to look at it later [default: made of what is asked
                  for]

              --restart
                  Begin the job anew, and forget what it found

              --jobs-dir <DIR>
                  Folder of jobs [default: askance/replay in $XDG_STATE_HOME or ~/.local/state]

                  [env: ASKANCE_REPLAY_DIR=]

              --bucket-region <REGION>
                  The bucket's region, if it is not the one of AWS's environment

              --role-arn <ARN>
                  A role to read the bucket with

              --requester-pays
                  Pay for the requests to a bucket whose reader pays

              --concurrency <N>
                  Most downloads at once; S3 is asked for fewer when it says so

                  [default: 128]

              --threads <N>
                  Worker threads [default: one for each processor]

              --allow-unreadable
                  Don't exit with 3 because of what could not be listed or read

              --config <FILE>
                  Configuration file: rules, limits, aws, the bucket's role; with --to-sinks all of it

              --log-format <LOG_FORMAT>
                  How lines of the log look; ASKANCE_LOG chooses what is told (askance=debug,warn)

                  Possible values:
                  - text: For people
                  - json: A JSON object a line

                  [env: ASKANCE_LOG_FORMAT=]
                  [default: text]

        A replay that was interrupted, however it ended, goes on where it was when it is started again. Jobs
        are kept below --jobs-dir; two replays of the same job are refused.

        Exit codes, the first that applies:
          130  ended by a signal; start it again to go on
          2  wrong use, nothing to read, or no way to go on
          3  some of it could not be listed or read; everything else was
          0  otherwise

        Examples:
          askance replay s3://org-trail/AWSLogs/ --from 2026-03-01 --to 2026-04-01 --dry-run
          askance replay s3://org-trail/AWSLogs/ --from 30d --account 111122223333 --rules new/ --format
          jsonl
          askance replay s3://org-trail/ --from 2025-01-01 --job year --config askance.yaml --to-sinks
          askance replay jobs
    "#]],
    );
}

#[test]
fn help_of_replay_jobs() {
    check(
        &["replay", "jobs"],
        expect_test::expect![[r#"
        List jobs, or show one: what it was asked, how far it is, what it found

        Usage: askance replay jobs [OPTIONS] [NAME]

        Arguments:
          [NAME]  The job to show

        Options:
              --json     Write JSON, a job a line
          -h, --help     Print help
          -V, --version  Print version

        How it is run:
              --jobs-dir <DIR>  Folder of jobs [default: askance/replay in $XDG_STATE_HOME or
                                ~/.local/state] [env: ASKANCE_REPLAY_DIR=]
    "#]],
    );
}

#[test]
fn help_of_backtest() {
    check(
        &["backtest"],
        expect_test::expect![[r#"
        Tell what a change of rules would have done, on files or on the past in S3

        Usage: askance backtest [OPTIONS] <PATH>...

        Arguments:
          <PATH>...
                  Files and folders, or one s3://BUCKET/PREFIX

        Options:
          -h, --help
                  Print help (see a summary with '-h')

          -V, --version
                  Print version

        Rules:
              --rules <PATH>
                  Rule file or folder, instead of the built-in rules; may be repeated

              --builtin
                  The built-in rules as well as those of --rules

              --placeholders <FILE>
                  File with values for %placeholders%, as `name: [values]`; may be repeated

              --keep-going
                  Leave out rules with errors instead of stopping

              --baseline <PATH>
                  Rule file or folder as it is now, to compare with [default: the built-in rules]; may be
                  repeated

        What is looked at:
              --from <TIME>
                  Only events at this time or later: 30d, 2026-11-24, 2026-11-24T09:30:00Z; needed for S3

              --to <TIME>
                  Only events before this time

              --account <ID>
                  Only events of this account (the one it happened in); may be repeated

              --region <REGION>
                  Only events of this region; may be repeated

        Output:
              --format <FORMAT>
                  How the report is written

                  Possible values:
                  - table: For people
                  - json:  One JSON object

                  [default: table]

              --output <FILE>
                  Write the report to this file

          -q, --quiet
                  No plan and no notes on what could not be read

        How it is run:
              --bucket-region <REGION>
                  The bucket's region, if it is not the one of AWS's environment

              --role-arn <ARN>
                  A role to read the bucket with

              --requester-pays
                  Pay for the requests to a bucket whose reader pays

              --threads <N>
                  Worker threads [default: one for each processor]

              --allow-unreadable
                  Don't exit with 3 because of input that could not be read

              --config <FILE>
                  Configuration file: limits, aws, the bucket's role

        Both sets run in one pass over the data; rules that are the same in both run once.

        Exit codes, the first that applies:
          130  ended by a signal
          2  wrong use, or rules that cannot be used
          3  some input could not be read or was damaged; everything else was read
          0  otherwise

        Examples:
          askance backtest trail/ --rules new/ --baseline old/
          askance backtest s3://org-trail/AWSLogs/ --from 30d --rules new/ --format json
          askance backtest trail/ --rules my/ --builtin
    "#]],
    );
}

#[test]
fn help_of_baseline_build() {
    check(
        &["baseline", "build"],
        expect_test::expect![[r#"
        Make one of CloudTrail files, or of a bucket

        Usage: askance baseline build [OPTIONS] --output <FILE> <PATH>...

        Arguments:
          <PATH>...  Files, folders (with everything below them) or - for standard input; or one
                     s3://BUCKET/PREFIX

        Options:
          -o, --output <FILE>    Write it to this file, or to s3://BUCKET/KEY
              --from <TIME>      Only events at this time or later: 90d, 2026-09-01; needed for S3
              --to <TIME>        Only events before this time: leave the last days out, or what happens now
                                 is known already
              --account <ID>     Only this account: in S3 its folders, and events that happened in it; may
                                 be repeated
              --region <REGION>  Only this region: in S3 its folders, and events that happened in it; may be
                                 repeated
          -h, --help             Print help
          -V, --version          Print version

        How it is run:
              --bucket-region <REGION>  The bucket's region, if it is not the one of AWS's environment
              --role-arn <ARN>          A role to read the bucket with
              --requester-pays          Pay for the requests to a bucket whose reader pays
              --config <FILE>           Configuration file: limits, aws, the buckets' roles

        The file or object is replaced whole: askance run takes a new one over by itself.

        Exit codes, the first that applies:
          130  ended by a signal; nothing is written
          2  wrong use, or nothing to make it of
          3  made, but some input could not be read and is left out
          0  made

        Examples:
          askance baseline build trail/ --to 2d -o first-seen.bin
          askance baseline build s3://org-trail/AWSLogs/ --from 30d -o first-seen.bin
          askance baseline build s3://org-trail/AWSLogs/ --from 30d -o s3://seen/first-seen.bin
    "#]],
    );
}
