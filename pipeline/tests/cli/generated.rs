//! What is generated from the command line's definition: completions and the manual page.

use std::process::Command;

use crate::sandbox::{Sandbox, finish, piped};

#[test]
fn completions_are_made_for_every_shell() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = sandbox.run(&["completions", shell]);
        for word in ["scan", "explain", "keep-going", "allow-unreadable", "completions"] {
            run.exits(0).shows(word);
        }
    }
    sandbox.run(&["completions", "tcsh"]).exits(2).says("bash");
}

#[test]
fn the_completions_of_bash_are_a_script() {
    let sandbox = Sandbox::new();
    let script = sandbox.run(&["completions", "bash"]).out;
    let mut command = Command::new("bash");
    command.args(["-c", "source /dev/stdin && complete -p askance"]);
    piped(&mut command);
    finish(&mut command, script.as_bytes()).exits(0).shows("askance");
}

#[test]
fn the_manual_names_every_command_option_and_exit_code() {
    let page = Sandbox::new().run(&["man"]);
    page.exits(0).shows(".TH askance 1");
    let text = page.out.replace('\\', "");
    for word in [
        "askance scan",
        "askance explain",
        "askance rules check",
        "askance rules test",
        "askance rules list",
        "askance completions",
        "--keep-going",
        "--fail-on",
        "--event",
        "Exit codes",
        "130",
        "Examples",
    ] {
        assert!(text.to_lowercase().contains(&word.to_lowercase()), "{word} is not in the manual");
    }
    assert!(!text.contains("no-prefilter"), "what is hidden stays so");
}
