//! What is said, without a form: made of an alert, its group and its rule's words.

use askance_stages::model::Level;
use askance_stages::raise::MessageKind;

use super::bounded::{is_web_address, prose};
use super::console;
use super::event::EventFacts;
use super::facts::Teller;
use super::phrases::{self, Phrases};
use crate::config::Language;
use crate::sinks::Notice;
use crate::store::InLanguages;

/// Longest title of a rule; Sigma asks for 256 at most, and a heading has room for less.
const LONGEST_TITLE: usize = 110;

/// Longest question.
const LONGEST_QUESTION: usize = 500;

/// Longest reason, and longest advice.
const LONGEST_ADVICE: usize = 700;

/// Longest name of an account in a heading.
const LONGEST_NAME: usize = 30;

/// Most accounts that are named in a row.
const MAX_ACCOUNTS: usize = 5;

/// Most other alerts that are named.
const MAX_SAMPLES: usize = 3;

/// Most addresses to read more at.
const MAX_REFERENCES: usize = 2;

/// What people are told. Every text in it is one line, bounded and harmless; none is escaped for a
/// form yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// New, update or more.
    pub kind: MessageKind,
    /// How much it matters.
    pub level: Level,
    /// The alert's id.
    pub alert_id: String,
    /// The rule's title.
    pub title: String,
    /// One line of at most 150 characters: how much it matters, what, and in which account.
    pub heading: String,
    /// What is said in each language, the reader's own first; never empty.
    pub tellings: Vec<Telling>,
    /// Who, where, what and when, in the first language.
    pub facts: Vec<Fact>,
    /// Other alerts of the same thing; stands in [`Message::facts`] too.
    pub others: Option<Fact>,
    /// What [`Message::changed`] is called.
    pub changed_label: String,
    /// Fields that tell what changed; may be empty.
    pub changed: Vec<Fact>,
    /// The console's page and the event; may be empty.
    pub links: Vec<Link>,
    /// Addresses to read more at, by their own name; may be empty.
    pub references: Vec<Link>,
    /// Rule, event, controls and how to see the whole alert.
    pub small_print: Vec<Fact>,
    /// Said where something was cut.
    pub shortened: Option<String>,
}

/// What is said in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// The language.
    pub language: Language,
    /// What is asked and what is new; the first one is the most important; never empty.
    pub paragraphs: Vec<String>,
    /// How many of the paragraphs tell that it came again.
    pub news_count: usize,
    /// Why it is asked, and what to do, as far as the rule says.
    pub advice: Vec<Fact>,
}

/// A label and what it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its label.
    pub label: String,
    /// It.
    pub value: String,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it leads to, in words.
    pub label: String,
    /// Its address: `https`, without characters that end it early.
    pub address: String,
}

impl Telling {
    /// That it came again, or that more was held back: these paragraphs alone.
    pub fn news(&self) -> &[String] {
        let end = self.news_count.min(self.paragraphs.len());
        &self.paragraphs[..end]
    }

    /// The language as HTML and HTTP name it.
    pub fn language_tag(&self) -> &'static str {
        match self.language {
            Language::En => "en",
            Language::Ja => "ja",
        }
    }
}

impl Message {
    /// Of a notice, in these languages; English if there is none.
    pub fn of(notice: &Notice, languages: &[Language]) -> Self {
        let languages = if languages.is_empty() { &[Language::En][..] } else { languages };
        let mut writer = Writer {
            notice,
            languages,
            event: EventFacts::of(&notice.alert),
            teller: Teller { language: languages[0], is_cut: false },
        };
        let title = writer.prose(&notice.alert.rule.title, LONGEST_TITLE);
        let tellings = languages.iter().map(|language| writer.telling(*language, &title)).collect();
        let mut facts = writer.teller.facts(&notice.alert, &writer.event, notice.account.as_ref());
        let others = writer.others();
        facts.extend(others.clone());
        let (changed_label, changed) = writer.teller.changed(&notice.alert);
        let small_print = writer.small_print(&title);
        let phrases = Phrases::of(languages[0]);
        Self {
            kind: notice.kind,
            level: notice.alert.level,
            alert_id: notice.alert.id.clone(),
            heading: writer.heading(&title),
            tellings,
            facts,
            others,
            changed_label: changed_label.to_owned(),
            changed,
            links: writer.links(),
            references: writer.references(),
            small_print,
            shortened: writer.teller.is_cut.then(|| phrases.shortened.to_owned()),
            title,
        }
    }

    /// Says that something was left out.
    pub fn shorten(&mut self) {
        let language = self.tellings.first().map_or(Language::En, |telling| telling.language);
        self.shortened = Some(Phrases::of(language).shortened.to_owned());
    }
}

struct Writer<'a> {
    notice: &'a Notice,
    languages: &'a [Language],
    event: EventFacts,
    teller: Teller,
}

impl Writer<'_> {
    fn prose(&mut self, text: &str, most: usize) -> String {
        let (text, is_cut) = prose(text, most);
        self.teller.is_cut |= is_cut;
        text
    }

    /// What the rule says in a language; in the first one also what it says in another alone.
    fn said(&self, texts: &InLanguages, language: Language) -> Option<String> {
        let of = |language: Language| match language {
            Language::En => texts.en.clone(),
            Language::Ja => texts.ja.clone(),
        };
        let is_told_elsewhere = |other: Language| self.languages.contains(&other);
        let others = [Language::En, Language::Ja].into_iter();
        of(language)
            .or_else(|| {
                let mut others = others.filter(|other| !is_told_elsewhere(*other));
                (language == self.languages[0]).then(|| others.find_map(of)).flatten()
            })
            .filter(|text| !text.trim().is_empty())
    }

    fn telling(&mut self, language: Language, title: &str) -> Telling {
        let asked = match language {
            Language::En => self.notice.words.ask.en.clone(),
            Language::Ja => self.notice.words.ask.ja.clone(),
        };
        let question = match asked.filter(|text| !text.trim().is_empty()) {
            Some(text) => self.prose(&text, LONGEST_QUESTION),
            None => phrases::question(language, title),
        };
        let mut news = self.news(language, title);
        // In a new message the question comes first and nobody looks for the news alone.
        let news_count = if self.notice.kind == MessageKind::New { 0 } else { news.len() };
        let mut paragraphs = match self.notice.kind {
            MessageKind::New => [vec![question], news].concat(),
            MessageKind::Update => {
                news.push(question);
                news
            }
            MessageKind::More => {
                news.push(phrases::for_example(language, &question));
                news
            }
        };
        if self.notice.alert.is_historic {
            paragraphs.push(phrases::historic(language).to_owned());
        }
        let phrases = Phrases::of(language);
        let words = &self.notice.words;
        let why = self.said(&words.why, language).or_else(|| {
            let is_first = language == self.languages[0];
            words.description.clone().filter(|text| is_first && !text.trim().is_empty())
        });
        let fix = self.said(&words.fix, language);
        let advice = [(phrases.why, why), (phrases.fix, fix)]
            .into_iter()
            .filter_map(|(label, text)| {
                let value = self.prose(&text?, LONGEST_ADVICE);
                Some(Fact { label: label.to_owned(), value })
            })
            .collect();
        Telling { language, paragraphs, news_count, advice }
    }

    /// That it came again, or that more of it came.
    fn news(&mut self, language: Language, title: &str) -> Vec<String> {
        let group = &self.notice.group;
        if self.notice.kind == MessageKind::More {
            return vec![phrases::held_back(language, group.count, title)];
        }
        let mut news = Vec::new();
        let mut teller = Teller { language, is_cut: false };
        if self.notice.kind == MessageKind::Update
            && let Some(told) = &self.notice.alert.correlation
        {
            news.push(match &told.merged_into {
                Some(other) => phrases::joined(language, &teller.bounded(other, LONGEST_NAME)),
                None => phrases::grown(language, told.count, &teller.time(Some(&told.last))),
            });
        }
        if group.count > 1 {
            let first = teller.time(group.first.as_deref());
            let last = teller.time(group.last.as_deref());
            news.push(phrases::repeats(language, group.count, &first, &last));
        }
        if group.accounts.len() > 1 {
            let mut names: Vec<String> = Vec::new();
            for account in group.accounts.iter().take(MAX_ACCOUNTS) {
                names.push(teller.bounded(account, LONGEST_NAME));
            }
            let more = group.accounts.len().saturating_sub(MAX_ACCOUNTS);
            if more > 0 {
                names.push(phrases::and_more(language, more));
            }
            let row = phrases::row(language, &names);
            news.push(phrases::accounts(language, group.accounts.len(), &row));
        }
        self.teller.is_cut |= teller.is_cut;
        news
    }

    fn others(&mut self) -> Option<Fact> {
        let notice = self.notice;
        let others = notice.group.samples.iter().filter(|sample| sample.id != notice.alert.id);
        let mut names: Vec<String> = Vec::new();
        for sample in others.take(MAX_SAMPLES) {
            let time = self.teller.time(sample.time.as_deref());
            let account = sample.account.as_deref().unwrap_or_default();
            let id = self.teller.bounded(&sample.id, 32);
            let place = [account, &id].into_iter().filter(|text| !text.is_empty());
            let place: Vec<String> = place.map(|text| self.teller.bounded(text, 32)).collect();
            let place = phrases::row(self.teller.language, &place);
            names.push(phrases::with(self.teller.language, &time, &place));
        }
        let label = Phrases::of(self.teller.language).others.to_owned();
        let value = phrases::row(self.teller.language, &names);
        (!names.is_empty()).then_some(Fact { label, value })
    }

    fn heading(&mut self, title: &str) -> String {
        let language = self.languages[0];
        let alert = &self.notice.alert;
        let mut level = phrases::level(language, alert.level).to_owned();
        if alert.is_historic {
            level = phrases::level_of_past(language, &level);
        }
        let what = match (self.notice.kind, language) {
            (MessageKind::More, _) => {
                phrases::held_back_heading(language, self.notice.group.count, title)
            }
            (MessageKind::New | MessageKind::Update, Language::En) => title.to_owned(),
            (MessageKind::New | MessageKind::Update, Language::Ja) => {
                let said = self.notice.words.ask.ja.as_deref().and_then(statement);
                said.map_or_else(|| title.to_owned(), |text| prose(text, LONGEST_TITLE).0)
            }
        };
        let name = self.notice.account.as_ref().and_then(|facts| facts.name.as_deref());
        let heading = match name.or(alert.account.as_deref()) {
            Some(account) => phrases::with(language, &what, &prose(account, LONGEST_NAME).0),
            None => what,
        };
        // What is cut here is told whole below it.
        prose(&format!("[{level}] {heading}"), 150).0
    }

    fn links(&self) -> Vec<Link> {
        let phrases = Phrases::of(self.languages[0]);
        let alert = &self.notice.alert;
        [
            (phrases.console, console::resource(alert, &self.event)),
            (phrases.event, console::event(alert, &self.event)),
        ]
        .into_iter()
        .filter_map(|(label, address)| Some(Link { label: label.to_owned(), address: address? }))
        .collect()
    }

    fn references(&self) -> Vec<Link> {
        let label = Phrases::of(self.languages[0]).read_more;
        let links = self.notice.words.references.iter().filter(|text| is_web_address(text));
        links
            .take(MAX_REFERENCES)
            .map(|text| Link { label: label.to_owned(), address: text.clone() })
            .collect()
    }

    fn small_print(&mut self, title: &str) -> Vec<Fact> {
        let phrases = Phrases::of(self.languages[0]);
        let rule_id = prose(&self.notice.alert.rule.id, 64).0;
        let rule = phrases::with(self.teller.language, title, &rule_id);
        let controls = self.notice.words.controls.iter().take(8).cloned().collect::<Vec<_>>();
        let controls = prose(&controls.join(", "), 160).0;
        let event = self.event.id.as_deref().map(|id| prose(id, 64).0);
        let mut print = vec![Fact { label: phrases.rule.to_owned(), value: rule }];
        if !controls.is_empty() {
            print.push(Fact { label: phrases.controls.to_owned(), value: controls });
        }
        if let Some(event) = event {
            print.push(Fact { label: "eventID".to_owned(), value: event });
        }
        let whole = format!("askance alerts show {}", self.notice.alert.id);
        print.push(Fact { label: phrases.whole.to_owned(), value: whole });
        print
    }
}

/// The first sentence of a question in Japanese, if it states something; what asks is no heading.
fn statement(text: &str) -> Option<&str> {
    let (first, rest) = text.trim().split_once('。')?;
    let is_statement = !rest.is_empty() && !first.ends_with('か') && !first.is_empty();
    is_statement.then_some(first)
}
