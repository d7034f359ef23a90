//! Rust text taken apart into code and comments, line by line, without a parser.
//!
//! String and character literals are blanked, so a word in a message is never taken for code.
//! Macro bodies are read as ordinary code.

/// Rust source in two layers of equal length and line structure.
#[derive(Debug)]
pub(crate) struct Code {
    /// Code with comments and the insides of literals blanked.
    pub(crate) code: Vec<char>,
    /// Comments with everything else blanked.
    pub(crate) comments: String,
}

impl Code {
    /// Splits a text; unterminated literals and comments run to the end.
    pub(crate) fn read(text: &str) -> Self {
        let mut splitter = Splitter { chars: text.chars().collect(), ..Splitter::default() };
        while splitter.at < splitter.chars.len() {
            splitter.step();
        }
        Self { code: splitter.code, comments: splitter.comments }
    }

    /// The code with everything under `#[cfg(test)]` and `#[test]` blanked.
    pub(crate) fn without_tests(&self) -> String {
        let mut code = self.code.clone();
        for (start, end) in test_regions(&self.code) {
            for c in &mut code[start..end] {
                if *c != '\n' {
                    *c = ' ';
                }
            }
        }
        code.into_iter().collect()
    }

    /// How many lines lie outside `#[cfg(test)]`.
    pub(crate) fn own_lines(&self) -> usize {
        let lines = |chars: &[char]| chars.iter().filter(|c| **c == '\n').count();
        let tests: usize = test_regions(&self.code)
            .iter()
            .map(|(start, end)| lines(&self.code[*start..*end]))
            .sum();
        lines(&self.code) - tests
    }
}

#[derive(Default)]
struct Splitter {
    chars: Vec<char>,
    at: usize,
    code: Vec<char>,
    comments: String,
}

impl Splitter {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn take_code(&mut self) {
        let c = self.peek(0);
        self.code.push(c);
        self.comments.push(if c == '\n' { '\n' } else { ' ' });
        self.at += 1;
    }

    fn take_comment(&mut self) {
        let c = self.peek(0);
        self.comments.push(c);
        self.code.push(if c == '\n' { '\n' } else { ' ' });
        self.at += 1;
    }

    fn take_blank(&mut self) {
        let blank = if self.peek(0) == '\n' { '\n' } else { ' ' };
        self.comments.push(blank);
        self.code.push(blank);
        self.at += 1;
    }

    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.line_comment(),
            ('/', '*') => self.block_comment(),
            ('"', _) => self.string(),
            ('\'', '\\') => self.char_literal(),
            ('\'', c) if c != '\'' && self.peek(2) == '\'' => self.char_literal(),
            ('r', '"' | '#') if self.begins_raw_string() => self.raw_string(),
            _ => self.take_code(),
        }
    }

    fn line_comment(&mut self) {
        while self.at < self.chars.len() && self.peek(0) != '\n' {
            self.take_comment();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.chars.len() {
            let step = match (self.peek(0), self.peek(1)) {
                ('/', '*') => 1,
                ('*', '/') => -1,
                _ => 0,
            };
            depth += step;
            self.take_comment();
            if step != 0 {
                self.take_comment();
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.take_code();
        while self.at < self.chars.len() && self.peek(0) != '"' {
            if self.peek(0) == '\\' {
                self.take_blank();
            }
            if self.at < self.chars.len() {
                self.take_blank();
            }
        }
        if self.at < self.chars.len() {
            self.take_code();
        }
    }

    fn char_literal(&mut self) {
        self.take_code();
        while self.at < self.chars.len() && self.peek(0) != '\'' {
            if self.peek(0) == '\\' {
                self.take_blank();
            }
            if self.at < self.chars.len() {
                self.take_blank();
            }
        }
        if self.at < self.chars.len() {
            self.take_code();
        }
    }

    fn begins_raw_string(&self) -> bool {
        let before = self.at.checked_sub(1).map_or(' ', |index| self.chars[index]);
        let is_prefixed = matches!(before, 'b' | 'c')
            && self.at.checked_sub(2).is_none_or(|index| !is_word(self.chars[index]));
        let hashes = (1..).take_while(|ahead| self.peek(*ahead) == '#').count();
        (!is_word(before) || is_prefixed) && self.peek(1 + hashes) == '"'
    }

    fn raw_string(&mut self) {
        let hashes = (1..).take_while(|ahead| self.peek(*ahead) == '#').count();
        for _ in 0..hashes + 2 {
            self.take_code();
        }
        while self.at < self.chars.len() {
            let closes = self.peek(0) == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == '#');
            if closes {
                for _ in 0..=hashes {
                    self.take_code();
                }
                return;
            }
            self.take_blank();
        }
    }
}

/// Whether a character can stand in an identifier.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The spans of items that only tests compile, from their attribute to their last brace.
fn test_regions(code: &[char]) -> Vec<(usize, usize)> {
    const MARKS: [&str; 4] = ["#[cfg(test)]", "#[cfg(all(test,", "#[test]", "#![cfg(test)]"];
    let mut regions = Vec::new();
    let mut at = 0;
    while at < code.len() {
        match MARKS.iter().find(|mark| starts_with(&code[at..], mark)) {
            Some(mark) => {
                let end = if mark.starts_with("#!") { code.len() } else { item_end(code, at) };
                regions.push((at, end));
                at = end;
            }
            None => at += 1,
        }
    }
    regions
}

fn starts_with(code: &[char], mark: &str) -> bool {
    let mut code = code.iter();
    mark.chars().all(|c| code.next() == Some(&c))
}

/// Where the item ends that begins at `start` with its attributes.
fn item_end(code: &[char], start: usize) -> usize {
    let (mut round, mut curly) = (0_i32, 0_i32);
    for (index, c) in code.iter().enumerate().skip(start) {
        match c {
            '(' | '[' => round += 1,
            ')' | ']' => round -= 1,
            '{' => curly += 1,
            '}' => curly -= 1,
            _ => {}
        }
        let is_end = match c {
            '}' => curly <= 0 && round <= 0,
            ';' => curly == 0 && round == 0,
            _ => false,
        };
        if is_end {
            return index + 1;
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, code: &str, comments: &str) {
        let read = Code::read(text);
        let tight = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(tight(&read.code.iter().collect::<String>()), code);
        assert_eq!(tight(&read.comments), comments);
        assert_eq!(read.code.len(), text.chars().count());
    }

    #[test]
    fn code_and_comments_come_apart() {
        check("let a = 1; // why", "let a = 1;", "// why");
        check("a /* x /* y */ z */ b", "a b", "/* x /* y */ z */");
        check(r#"f("// no \" comment"); g"#, r#"f(" "); g"#, "");
        check("f(r##\"a \"# // b\"##); g", "f(r##\" \"##); g", "");
        check("f(br\"\\\"); g", "f(br\" \"); g", "");
        check(
            r"match c { '\'' | '/' => x, _ => y::<'a>() }",
            "match c { ' ' | ' ' => x, _ => y::<'a>() }",
            "",
        );
    }

    #[test]
    fn modules_of_tests_are_left_out() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() { c.unwrap() }\n}\nfn d() {}\n";
        let read = Code::read(text);
        let own = read.without_tests();
        assert!(own.contains("fn a") && own.contains("fn d") && !own.contains("unwrap"));
        assert_eq!(own.lines().count(), text.lines().count());
        assert_eq!(read.own_lines(), 3);
    }

    #[test]
    fn a_test_module_in_its_own_file_ends_at_its_semicolon() {
        let own = Code::read("#[cfg(test)]\nmod tests;\nfn a() {}\n").without_tests();
        assert!(own.contains("fn a") && !own.contains("mod tests"));
    }

    #[test]
    fn braces_in_literals_do_not_end_a_test_module() {
        let own =
            Code::read("#[cfg(test)]\nmod tests { const A: &str = \"}\"; fn b() {} }\nfn c() {}")
                .without_tests();
        assert_eq!(own.trim(), "fn c() {}");
    }
}
