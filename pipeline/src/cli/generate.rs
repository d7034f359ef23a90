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
    sections(command, "askance", &mut page)?;
    write(&page)
}

/// A section for each subcommand, and for theirs.
fn sections(command: &Command, path: &str, page: &mut Vec<u8>) -> anyhow::Result<()> {
    for subcommand in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let path = format!("{path} {}", subcommand.get_name());
        // clap keeps names for as long as the program runs, which here is until the page is out.
        let name: &'static str = Box::leak(path.clone().into_boxed_str());
        let man = clap_mangen::Man::new(subcommand.clone().name(name));
        page.extend_from_slice(format!(".SH COMMAND {}\n", path.to_uppercase()).as_bytes());
        man.render_synopsis_section(page)?;
        man.render_description_section(page)?;
        man.render_options_section(page)?;
        man.render_extra_section(page)?;
        sections(subcommand, &path, page)?;
    }
    Ok(())
}

fn write(bytes: &[u8]) -> anyhow::Result<u8> {
    use std::io::Write as _;
    match std::io::stdout().write_all(bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(code::OK),
    }
}
