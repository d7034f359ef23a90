//! A message as HTML for mail programs: tables and styles beside the elements, which all of them know.
//!
//! Nothing is loaded from anywhere. Every text is escaped; links are those of the message alone.

use askance_stages::model::Level;

use crate::sinks::words::{Fact, Message, code_parts};

const FONT: &str = "font-family:-apple-system,'Segoe UI',Helvetica,Arial,'Hiragino Sans','Noto Sans CJK JP','Noto Sans JP',Meiryo,sans-serif";
const MONO: &str =
    "font-family:SFMono-Regular,Consolas,'Liberation Mono',Menlo,monospace;font-size:13px";

/// The message as a page.
pub fn html(message: &Message) -> String {
    let language = message.tellings.first().map_or("en", |telling| telling.language_tag());
    let colour = colour(message.level);
    let mut rows = String::new();
    rows.push_str(&row(
        "16px 28px 0",
        &format!(
            "<div style=\"font-size:13px;line-height:20px;color:#57606a\">{}</div>",
            escaped(&message.heading)
        ),
    ));
    for (index, telling) in message.tellings.iter().enumerate() {
        let tag = telling.language_tag();
        for (at, paragraph) in telling.paragraphs.iter().enumerate() {
            let style = match (index, at) {
                (0, 0) => "font-size:20px;line-height:30px;font-weight:600;color:#1f2328",
                (_, 0) => "font-size:17px;line-height:27px;font-weight:600;color:#1f2328",
                _ => "font-size:15px;line-height:24px;color:#1f2328",
            };
            let said =
                format!("<div lang=\"{tag}\" style=\"{style}\">{}</div>", escaped(paragraph));
            rows.push_str(&row("8px 28px 0", &said));
        }
    }
    rows.push_str(&row("20px 28px 0", &table(&message.facts)));
    if !message.changed.is_empty() {
        rows.push_str(&row("20px 28px 0", &label(&message.changed_label, language)));
        rows.push_str(&row("4px 28px 0", &fields(&message.changed)));
    }
    for telling in &message.tellings {
        let tag = telling.language_tag();
        for advice in &telling.advice {
            rows.push_str(&row("20px 28px 0", &label(&advice.label, tag)));
            let said = format!(
                "<div lang=\"{tag}\" style=\"font-size:15px;line-height:24px;color:#1f2328\">{}</div>",
                with_code(&advice.value)
            );
            rows.push_str(&row("4px 28px 0", &said));
        }
    }
    rows.push_str(&links(message));
    rows.push_str(&row("20px 28px 24px", &small_print(message)));
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"format-detection\" content=\"telephone=no,date=no,address=no,email=no\">\n\
         <title>{}</title>\n</head>\n\
         <body style=\"margin:0;padding:0;background:#f6f8fa;{FONT}\">\n\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"background:#f6f8fa\">\n\
         <tr><td align=\"center\" style=\"padding:24px 12px\">\n\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
         style=\"max-width:640px;background:#ffffff;border:1px solid #d0d7de;border-top:4px solid {colour};border-radius:6px;text-align:left\">\n\
         {rows}</table>\n</td></tr>\n</table>\n</body>\n</html>\n",
        escaped(&message.heading)
    )
}

/// A text as it stands in HTML, also within quotes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            plain => out.push(plain),
        }
    }
    out
}

/// Calm colours: a mail is not made more urgent by shouting.
fn colour(level: Level) -> &'static str {
    match level {
        Level::Critical => "#a40e26",
        Level::High => "#bc4c00",
        Level::Medium => "#9a6700",
        Level::Low => "#0969da",
        Level::Informational => "#57606a",
    }
}

fn row(padding: &str, inner: &str) -> String {
    format!("<tr><td style=\"padding:{padding}\">{inner}</td></tr>\n")
}

fn label(text: &str, language: &str) -> String {
    format!(
        "<div lang=\"{language}\" style=\"font-size:13px;line-height:20px;font-weight:600;color:#57606a\">{}</div>",
        escaped(text)
    )
}

fn table(facts: &[Fact]) -> String {
    let lines: String = facts
        .iter()
        .map(|fact| {
            format!(
                "<tr><td valign=\"top\" style=\"white-space:nowrap;padding:3px 16px 3px 0;font-size:13px;line-height:22px;color:#57606a\">{}</td>\
                 <td valign=\"top\" width=\"100%\" style=\"padding:3px 0;font-size:15px;line-height:22px;color:#1f2328;word-break:break-word\">{}</td></tr>",
                escaped(&fact.label),
                escaped(&fact.value)
            )
        })
        .collect();
    format!(
        "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">{lines}</table>"
    )
}

/// Fields, whose names are long: one below the other, the value behind its name.
fn fields(facts: &[Fact]) -> String {
    let lines = facts.iter().map(|fact| {
        format!(
            "<div style=\"{MONO};line-height:22px;color:#57606a;word-break:break-word;overflow-wrap:anywhere\">{} <span style=\"color:#1f2328;font-weight:600\">{}</span></div>",
            escaped(&fact.label),
            escaped(&fact.value)
        )
    });
    lines.collect()
}

fn with_code(text: &str) -> String {
    code_parts(text)
        .map(|(is_code, part)| {
            let part = escaped(part);
            if is_code {
                return format!(
                    "<code style=\"{MONO};background:#f6f8fa;border:1px solid #d0d7de;border-radius:4px;padding:1px 4px;word-break:break-word\">{part}</code>"
                );
            }
            part
        })
        .collect()
}

fn links(message: &Message) -> String {
    if message.links.is_empty() && message.references.is_empty() {
        return String::new();
    }
    let mut buttons = String::new();
    for (index, link) in message.links.iter().enumerate() {
        let style = if index == 0 {
            "background:#0b57d0;color:#ffffff;border:1px solid #0b57d0"
        } else {
            "background:#ffffff;color:#0b57d0;border:1px solid #d0d7de"
        };
        buttons.push_str(&format!(
            "<a href=\"{}\" style=\"display:inline-block;{style};border-radius:6px;padding:9px 16px;margin:0 8px 8px 0;font-size:14px;line-height:20px;font-weight:600;text-decoration:none\">{}</a>",
            escaped(&link.address),
            escaped(&link.label)
        ));
    }
    let mut rows = row("24px 28px 0", &buttons);
    let references: String = message
        .references
        .iter()
        .map(|link| {
            format!(
                "<div style=\"font-size:13px;line-height:20px;color:#57606a;word-break:break-all\">{}: <a href=\"{1}\" style=\"color:#0b57d0\">{1}</a></div>",
                escaped(&link.label),
                escaped(&link.address)
            )
        })
        .collect();
    if !references.is_empty() {
        rows.push_str(&row("8px 28px 0", &references));
    }
    rows
}

fn small_print(message: &Message) -> String {
    let lines = message.small_print.iter().map(|fact| format!("{}: {}", fact.label, fact.value));
    let lines: Vec<String> =
        lines.chain(message.shortened.clone()).map(|line| escaped(&line)).collect();
    format!(
        "<div style=\"border-top:1px solid #d0d7de;padding-top:12px;font-size:12px;line-height:19px;color:#57606a;word-break:break-word\">{}</div>",
        lines.join("<br>")
    )
}
