//! Slack: an incoming webhook with Block Kit blocks.
//!
//! Limits (Slack, "Block Kit reference"): 50 blocks, header 150 characters, text of a section 3,000. Text is `plain_text`
//! without emoji, so that nothing in it is a link, a mention or markup, and `&`, `<`, `>` are escaped besides ("Formatting
//! text for app surfaces"); the fallback `text` is not parsed as mrkdwn.

use serde_json::{Value, json};

use super::words;
use crate::message::{Kind, Message};
use crate::visible::{clip, line};

const HEADER_MAX: usize = 150;
const TEXT_MAX: usize = 3_000;
const BLOCKS_MAX: usize = 50;

/// The body of the request.
pub fn message(message: &Message) -> Value {
    let headline = words::headline(message);
    let mut blocks = vec![json!({"type": "header", "text": plain(&headline, HEADER_MAX)})];
    match message.kind {
        Kind::Digest => {
            // A section for every so many rules, so that none is cut.
            for rules in words::tallies(message).chunks(12).take(10) {
                blocks.push(section(&rules.join("\n")));
            }
            for worst in words::worst(message) {
                blocks.push(section(&worst));
            }
        }
        Kind::Alerts | Kind::Resolve => {
            for notice in &message.notices {
                blocks.push(section(&words::title(notice)));
                let fields = words::fields(notice);
                let text = fields.iter().map(|(name, value)| format!("{name}: {}", clip(value, 600)));
                blocks.push(section(&text.collect::<Vec<_>>().join("\n")));
                let events = notice.event_ids.iter().take(3).map(|id| line(id)).collect::<Vec<_>>().join(", ");
                let context = format!("alert {} · events {events}", notice.fingerprint);
                blocks.push(json!({"type": "context", "elements": [plain(&context, TEXT_MAX)]}));
                blocks.push(json!({"type": "divider"}));
            }
        }
    }
    blocks.truncate(BLOCKS_MAX);
    json!({
        "text": escape(&headline, TEXT_MAX),
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": blocks,
    })
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": plain(text, TEXT_MAX)})
}

fn plain(text: &str, most: usize) -> Value {
    json!({"type": "plain_text", "emoji": false, "text": escape(text, most)})
}

/// At most `most` characters after escaping, and no escape cut in two.
fn escape(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    let text = if text.is_empty() { " " } else { text };
    for c in text.chars() {
        let mut buffer = [0; 4];
        let piece = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            c => c.encode_utf8(&mut buffer),
        };
        let more = piece.chars().count();
        if length + more >= most {
            out.push('…');
            break;
        }
        length += more;
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_never_cut() {
        assert_eq!(escape("a<!channel>&b", 100), "a&lt;!channel&gt;&amp;b");
        assert_eq!(escape("aaa<", 6), "aaa…");
        assert_eq!(escape(&"<".repeat(9_999), 150).chars().count(), 149);
        assert_eq!(escape("", 5), " ");
    }
}
