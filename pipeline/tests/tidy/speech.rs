//! A check that the project's text speaks of the project: no path of one machine, no registry's host.
//!
//! Lock files are left out: they are written by tools and name where packages come from.

use super::code::is_word;
use super::tree::{File, Violation};

/// What must not be named, in two halves, so that this file does not name it.
const FOREIGN: [(&str, &str); 6] = [
    ("/wo", "rk/"),
    ("/ro", "ot/"),
    ("crates", ".io"),
    ("pypi", ".org"),
    ("npmjs", ".org"),
    ("proxy.golang", ".org"),
];

/// No text names a machine's folders or a registry's host.
pub(crate) fn self_contained(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| !file.path.ends_with(".lock")) {
        for (index, line) in file.text.lines().enumerate() {
            for (head, tail) in FOREIGN {
                let foreign = format!("{head}{tail}");
                if names(line, &foreign) {
                    let what = format!("`{foreign}` belongs to one machine, not to the project");
                    violations.push(Violation::new(file, index + 1, what));
                }
            }
        }
    }
    violations
}

/// Whether the line holds `foreign` from its beginning: not as the tail of a longer path or name.
fn names(line: &str, foreign: &str) -> bool {
    line.match_indices(foreign).any(|(at, _)| {
        let before = line[..at].chars().next_back().unwrap_or(' ');
        if foreign.starts_with('/') {
            !is_word(before) && !".}~*".contains(before)
        } else {
            !is_word(before)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::check;
    use super::*;

    #[test]
    fn a_machine_path_is_caught() {
        check(self_contained, "README.md", concat!("a\nsee /wo", "rk/shared for more\n"), &[2]);
        check(self_contained, "Makefile", concat!("A=/ro", "ot/.cargo\n"), &[1]);
        check(self_contained, "deny.toml", concat!("\"https://static.crates", ".io\"\n"), &[1]);
    }

    #[test]
    fn a_path_of_the_project_is_left_alone() {
        check(
            self_contained,
            "README.md",
            concat!("docs/wo", "rk/flow.md and ./ro", "ot/a\n"),
            &[],
        );
        check(self_contained, "Cargo.lock", concat!("crates", ".io-index\n"), &[]);
    }
}
