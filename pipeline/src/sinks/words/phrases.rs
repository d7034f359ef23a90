//! The fixed phrases, in each language.
//!
//! Japanese is polite and short, tells what happened and asks; it does not blame.

use askance_stages::model::Level;

use crate::config::Language;

/// The phrases of a language.
#[derive(Debug)]
pub struct Phrases {
    /// Before who acted.
    pub who: &'static str,
    /// Before who took the session.
    pub behind: &'static str,
    /// Before the account and the region.
    pub account: &'static str,
    /// Before the event's name.
    pub act: &'static str,
    /// Before what was acted on.
    pub on: &'static str,
    /// Before the time.
    pub time: &'static str,
    /// Before the address and the program.
    pub from: &'static str,
    /// Before the answer of a second factor.
    pub second_factor: &'static str,
    /// Before the error of an act that did not go through.
    pub outcome: &'static str,
    /// Before fields of a request that changes something.
    pub changed: &'static str,
    /// Before fields of other events.
    pub seen: &'static str,
    /// Before why it is dangerous.
    pub why: &'static str,
    /// Before what to do.
    pub fix: &'static str,
    /// Before addresses to read more at.
    pub read_more: &'static str,
    /// The link to the resource.
    pub console: &'static str,
    /// The link to the event.
    pub event: &'static str,
    /// In place of an actor that is not known.
    pub unknown: &'static str,
    /// In place of what the events of a correlation do not share.
    pub several: &'static str,
    /// Before values of the events of a correlation.
    pub values: &'static str,
    /// In place of a time that is not known.
    pub no_time: &'static str,
    /// Said where something was cut.
    pub shortened: &'static str,
    /// Before the command that shows everything.
    pub whole: &'static str,
    /// Before the rule's title.
    pub rule: &'static str,
    /// Before the controls.
    pub controls: &'static str,
    /// Before other alerts of the same thing.
    pub others: &'static str,
}

const ENGLISH: Phrases = Phrases {
    who: "Who",
    behind: "Session taken by",
    account: "Account",
    act: "Did",
    on: "To",
    time: "When",
    from: "From",
    second_factor: "MFA",
    outcome: "Outcome",
    changed: "What changed",
    seen: "What was recorded",
    why: "Why we ask",
    fix: "What to do",
    read_more: "Read more",
    console: "Open in the AWS console",
    event: "See the event in CloudTrail",
    unknown: "unknown",
    several: "several",
    values: "Different values",
    no_time: "at an unknown time",
    shortened: "Some of it was too long and is shortened here.",
    whole: "The whole alert",
    rule: "Rule",
    controls: "Controls",
    others: "Others of them",
};

const JAPANESE: Phrases = Phrases {
    who: "実行者",
    behind: "セッション取得者",
    account: "アカウント",
    act: "操作",
    on: "対象",
    time: "日時",
    from: "接続元",
    second_factor: "MFA",
    outcome: "結果",
    changed: "変更内容",
    seen: "記録された内容",
    why: "お尋ねする理由",
    fix: "お願いしたいこと",
    read_more: "参考",
    console: "AWS コンソールで開く",
    event: "CloudTrail でイベントを見る",
    unknown: "不明",
    several: "複数",
    values: "異なる値",
    no_time: "時刻不明",
    shortened: "長いため、一部を省略しています。",
    whole: "アラートの全文",
    rule: "ルール",
    controls: "管理策",
    others: "ほかのアラート",
};

impl Phrases {
    /// Those of a language.
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &ENGLISH,
            Language::Ja => &JAPANESE,
        }
    }
}

/// How much it matters, as a word.
pub fn level(language: Language, level: Level) -> &'static str {
    match (language, level) {
        (Language::En, Level::Critical) => "Critical",
        (Language::En, Level::High) => "High",
        (Language::En, Level::Medium) => "Medium",
        (Language::En, Level::Low) => "Low",
        (Language::En, Level::Informational) => "Info",
        (Language::Ja, Level::Critical) => "緊急",
        (Language::Ja, Level::High) => "重要度 高",
        (Language::Ja, Level::Medium) => "重要度 中",
        (Language::Ja, Level::Low) => "重要度 低",
        (Language::Ja, Level::Informational) => "参考",
    }
}

/// How much it matters, of something that was found in the past.
pub fn level_of_past(language: Language, level: &str) -> String {
    match language {
        Language::En => format!("{level}, past event"),
        Language::Ja => format!("{level}・過去の操作"),
    }
}

/// It was found by reading old records.
pub fn historic(language: Language) -> &'static str {
    match language {
        Language::En => {
            "This is a past event: it was found just now, by reading records from back then again."
        }
        Language::Ja => {
            "これは過去の操作です。保存されていた当時の記録を、今回読み直して見つかりました。"
        }
    }
}

/// The question of a rule that asks none.
pub fn question(language: Language, title: &str) -> String {
    match language {
        Language::En => format!("Something in your account matched \"{title}\". Was it meant?"),
        Language::Ja => {
            format!(
                "「{title}」にあたる操作があったようです。意図されたものかご確認いただけますか。"
            )
        }
    }
}

/// A user of IAM, by name.
pub fn user(language: Language, name: &str) -> String {
    match language {
        Language::En => format!("user {name}"),
        Language::Ja => format!("IAM ユーザー {name}"),
    }
}

/// A session of a role.
pub fn session(language: Language, session: &str, role: &str) -> String {
    match language {
        Language::En => format!("{session}, as role {role}"),
        Language::Ja => format!("{session}（ロール {role}）"),
    }
}

/// A role without a session that says more.
pub fn role(language: Language, role: &str) -> String {
    match language {
        Language::En => format!("role {role}"),
        Language::Ja => format!("ロール {role}"),
    }
}

/// The root user.
pub fn root(language: Language) -> String {
    match language {
        Language::En => "the root user".to_owned(),
        Language::Ja => "ルートユーザー".to_owned(),
    }
}

/// Somebody took a session at a time, by way of other sessions.
pub fn taken(language: Language, who: &str, time: &str, via: &[String]) -> String {
    let via_row = row(language, via);
    match (language, via.is_empty()) {
        (Language::En, true) => format!("{who}, on {time}"),
        (Language::En, false) => format!("{who}, on {time}, by way of {via_row}"),
        (Language::Ja, true) => format!("{who}（{time} に取得）"),
        (Language::Ja, false) => format!("{who}（{time} に取得、{via_row} を経由）"),
    }
}

/// A service of AWS.
pub fn service(language: Language, name: &str) -> String {
    match language {
        Language::En => format!("the AWS service {name}"),
        Language::Ja => format!("AWS サービス {name}"),
    }
}

/// Somebody of another account.
pub fn of_account(language: Language, who: &str, account: &str) -> String {
    match language {
        Language::En => format!("{who} of account {account}"),
        Language::Ja => format!("{who}（アカウント {account}）"),
    }
}

/// An account, nothing more of whom is known.
pub fn account(language: Language, account: &str) -> String {
    match language {
        Language::En => format!("account {account}"),
        Language::Ja => format!("アカウント {account}"),
    }
}

/// A name with what it is told by in brackets.
pub fn with(language: Language, text: &str, more: &str) -> String {
    match language {
        Language::En => format!("{text} ({more})"),
        Language::Ja => format!("{text}（{more}）"),
    }
}

/// Texts in a row.
pub fn row(language: Language, texts: &[String]) -> String {
    match language {
        Language::En => texts.join(", "),
        Language::Ja => texts.join("、"),
    }
}

/// Texts in a row, of which each may be a row.
pub fn apart(language: Language, texts: &[String]) -> String {
    match language {
        Language::En => texts.join("; "),
        Language::Ja => texts.join("、"),
    }
}

/// So many that are not shown.
pub fn and_more(language: Language, count: usize) -> String {
    match language {
        Language::En => format!("and {count} more"),
        Language::Ja => format!("ほか{count}件"),
    }
}

/// The act did not go through.
pub fn refused(language: Language, error: &str) -> String {
    match language {
        Language::En => format!("it did not go through ({error})"),
        Language::Ja => format!("操作は失敗しています（{error}）"),
    }
}

/// It came so often.
pub fn repeats(language: Language, count: u64, first: &str, last: &str) -> String {
    match language {
        Language::En => {
            format!("This has now been seen {count} times, first on {first}, last on {last}.")
        }
        Language::Ja => {
            format!("同じことがこれまでに{count}回記録されています（最初 {first}、最新 {last}）。")
        }
    }
}

/// So many events were found together.
pub fn events(language: Language, count: u64) -> String {
    match language {
        Language::En if count == 1 => "1 event".to_owned(),
        Language::En => format!("{count} events"),
        Language::Ja => format!("{count}件の操作"),
    }
}

/// How often a rule found something.
pub fn times(language: Language, title: &str, count: u64) -> String {
    match language {
        Language::En => format!("{count} × {title}"),
        Language::Ja => format!("{title} {count}件"),
    }
}

/// From one time to another.
pub fn span(language: Language, first: &str, last: &str) -> String {
    match language {
        Language::En => format!("{first} to {last}"),
        Language::Ja => format!("{first} ～ {last}"),
    }
}

/// More events have come since it was told.
pub fn grown(language: Language, count: u64, last: &str) -> String {
    match language {
        Language::En => format!("It has grown: {count} events by now, the last on {last}."),
        Language::Ja => format!("その後も続いており、現在{count}件です（最新 {last}）。"),
    }
}

/// It is told of under another alert from now on.
pub fn joined(language: Language, alert: &str) -> String {
    match language {
        Language::En => format!("It belongs together with alert {alert}, which tells of both now."),
        Language::Ja => {
            format!("アラート {alert} と一続きの操作でした。今後はそちらでお知らせします。")
        }
    }
}

/// It came from so many accounts.
pub fn accounts(language: Language, count: usize, names: &str) -> String {
    match language {
        Language::En => format!("It concerns {count} accounts: {names}."),
        Language::Ja => format!("{count}アカウントで起きています（{names}）。"),
    }
}

/// So many were not told one by one.
pub fn held_back(language: Language, count: u64, title: &str) -> String {
    match language {
        Language::En if count == 1 => {
            format!("One more alert of \"{title}\" was held back, because there were many at once.")
        }
        Language::En => format!(
            "{count} more alerts of \"{title}\" were held back, because there were many at once."
        ),
        Language::Ja => {
            format!("「{title}」のアラートが続いたため、ほかの{count}件はまとめてお知らせします。")
        }
    }
}

/// One of those that were held back is shown.
pub fn for_example(language: Language, question: &str) -> String {
    match language {
        Language::En => format!("One of them: {question}"),
        Language::Ja => format!("そのうちの1件：{question}"),
    }
}

/// The subject of what was held back.
pub fn held_back_heading(language: Language, count: u64, title: &str) -> String {
    match language {
        Language::En => format!("{count} more: {title}"),
        Language::Ja => format!("ほか{count}件：{title}"),
    }
}
