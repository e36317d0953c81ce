//! Where in its line a bad event is bad, and the line with a mark below that place.

use std::collections::BTreeMap;
use std::ops::Range;

use betide::connect::Letter;
use serde_json::value::RawValue;

/// How much of a line is shown, in characters, and how much of it before the place.
const SHOWN: usize = 110;
const BEFORE: usize = 50;

/// The bytes that are to blame, where the letter tells.
pub(super) fn place(letter: &Letter) -> Option<Range<usize>> {
    let detail = &letter.detail;
    let length = letter.bytes.len();
    let at = |number: usize| {
        let begin = number.saturating_sub(1).min(length.saturating_sub(1));
        (length > 0).then_some(begin..begin + 1)
    };
    if let Some(column) = detail.strip_prefix("column `").and_then(|rest| rest.split_once("`: ")).map(|(name, _)| name) {
        // Cells of a record have no names, and the detail has the text.
        return letter.header.is_none().then(|| value_of(std::str::from_utf8(&letter.bytes).ok()?, column)).flatten();
    }
    let number = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
    if let Some(byte) = detail.strip_prefix("byte ").and_then(number) {
        return at(byte);
    }
    detail.rsplit_once(" at column ").and_then(|(_, rest)| number(rest)).and_then(at)
}

/// Where the value of this key stands, at the top or inside.
fn value_of(text: &str, key: &str) -> Option<Range<usize>> {
    find(text, key).map(|value| {
        let begin = value.as_ptr() as usize - text.as_ptr() as usize;
        begin..begin + value.len()
    })
}

fn find<'t>(object: &'t str, key: &str) -> Option<&'t str> {
    let members: BTreeMap<String, &'t RawValue> = serde_json::from_str(object).ok()?;
    if let Some(value) = members.get(key) {
        return Some(value.get());
    }
    members.values().map(|value| value.get()).filter(|value| value.starts_with('{')).find_map(|inner| find(inner, key))
}

/// The line as far as it is shown, and the marks to stand below it.
pub(super) fn marked(bytes: &[u8], place: Option<Range<usize>>) -> (String, Option<String>) {
    let from = place.as_ref().map_or(0, |place| place.start.saturating_sub(BEFORE));
    let to = from + SHOWN;
    let (mut shown, mut marks) = (String::new(), String::new());
    if from > 0 {
        shown.push('…');
        marks.push(' ');
    }
    let mut at = 0;
    let mut put = |length: usize, text: &str| {
        if (from..to).contains(&at) {
            shown.push_str(text);
            let is_marked = place.as_ref().is_some_and(|place| place.contains(&at));
            marks.extend(std::iter::repeat_n(if is_marked { '^' } else { ' ' }, text.chars().count()));
        }
        at += length;
    };
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                put(c.len_utf8(), &c.escape_default().to_string());
            } else {
                put(c.len_utf8(), c.encode_utf8(&mut [0; 4]));
            }
        }
        for byte in chunk.invalid() {
            put(1, &format!("\\x{byte:02x}"));
        }
    }
    if bytes.len() > to {
        shown.push('…');
    }
    marks.truncate(marks.trim_end().len());
    (shown, Some(marks).filter(|marks| !marks.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8], detail: &str) -> Option<String> {
        let cause = "wrong_type".to_owned();
        let letter = Letter {
            source: String::new(),
            line: 1,
            offset: 0,
            cause,
            detail: detail.to_owned(),
            header: None,
            bytes: bytes.to_vec(),
            text: Vec::new(),
        };
        place(&letter).map(|place| String::from_utf8_lossy(&bytes[place]).into_owned())
    }

    #[test]
    fn the_place_is_found_by_what_the_letter_says() {
        let event = br#"{"b":{"amount":"x"},"amount": "much" ,"s":"amount"}"#;
        assert_eq!(told(event, "column `amount`: the string \"much\" is no FLOAT").as_deref(), Some("\"much\""));
        assert_eq!(told(br#"{"b":{"amount":[1, 2]}}"#, "column `amount`: no").as_deref(), Some("[1, 2]"));
        assert_eq!(told(event, "column `other`: there is no value"), None);
        assert_eq!(told(b"nonsense", "expected ident at column 2").as_deref(), Some("o"));
        assert_eq!(told(b"ab", "EOF while parsing at column 9").as_deref(), Some("b"));
        assert_eq!(told(b"ab\xff", "byte 3 of the line is not UTF-8").as_deref(), Some("\u{fffd}"));
        assert_eq!(told(b"", "EOF at column 0"), None);
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let (shown, marks) = marked(b"ab\xffc\x1b", Some(2..3));
        assert_eq!((shown.as_str(), marks.as_deref()), ("ab\\xffc\\u{1b}", Some("  ^^^^")));
        let long = "é".repeat(500);
        let (shown, marks) = marked(long.as_bytes(), Some(400..402));
        assert_eq!((shown.chars().count(), marks.as_deref()), (57, Some(&*format!("{}^", " ".repeat(26)))));
        assert_eq!(marked(b"ab", None), ("ab".to_owned(), None));
    }
}
