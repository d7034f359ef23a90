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
              config       Check a configuration, show its schema, write an example
              explain      Tell why a rule did or did not match an event
              rules        Check, test or list rules
              alerts       List, show, export or acknowledge alerts in the store
              outbox       List, retry or drop messages that wait to be sent
              rejects      List what could not be read
              store        Look into the store, compact it, back it up or restore it
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
                  --event <ID>   The event's eventID
                  --rule <RULE>  Id, name or title of a rule
              -h, --help         Print help
              -V, --version      Print version

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
        Check, test or list rules

        Usage: askance rules <COMMAND>

        Commands:
          check  Tell every error and warning of every rule file
          test   Run the cases beside each rule: examples that it must hit or miss
          list   List rules, correlations and what is skipped
          help   Print this message or the help of the given subcommand(s)

        Options:
          -h, --help     Print help
          -V, --version  Print version
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
