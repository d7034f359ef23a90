//! Completion scripts and the manual page, made from the command line's own definition.

use clap::Command;
use clap_complete::Shell;

use super::code;

/// Writes a completion script on standard output.
pub fn completions(shell: Shell, command: &mut Command) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, command, "askance", &mut script);
    write(&script)
}

/// Writes the manual page on standard output, subcommands included.
pub fn man(command: &Command) -> anyhow::Result<u8> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for subcommand in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let name: &'static str = Box::leak(format!("askance {}", subcommand.get_name()).into());
        let man = clap_mangen::Man::new(subcommand.clone().name(name));
        page.extend_from_slice(format!(".SH COMMAND {}\n", name.to_uppercase()).as_bytes());
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    write(&page)
}

fn write(bytes: &[u8]) -> anyhow::Result<u8> {
    use std::io::Write as _;
    match std::io::stdout().write_all(bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(code::OK),
    }
}
