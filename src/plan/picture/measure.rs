//! How wide texts are, about: a picture is laid out before anybody knows the font that it will be shown in. Widths are those of Helvetica and
//! a sixth more, so that texts of wider sans-serif fonts (DejaVu, Verdana) fit too.

/// Width of a character, in thousandths of the size of the font.
fn width_of(c: char) -> u32 {
    match c {
        'i' | 'j' | 'l' | '\'' | '|' => 240,
        ' ' | '.' | ',' | ':' | ';' | '!' | 'I' | 'f' | 't' | '/' | '\\' | '[' | ']' => 290,
        '(' | ')' | '-' | 'r' | '`' | '{' | '}' | '"' | '*' => 345,
        'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' | 'J' => 510,
        'm' | 'M' | '%' => 850,
        'w' | 'C' | 'D' | 'H' | 'N' | 'R' | 'U' => 740,
        'G' | 'O' | 'Q' => 790,
        'W' | '@' => 980,
        'A'..='Z' | '&' => 680,
        '<' | '>' | '=' | '+' | '~' | '×' => 595,
        c if c.is_ascii() => 565,
        _ => 1_000,
    }
}

/// Width of a text in a font of this size.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let thousandths: u32 = text.chars().map(width_of).sum();
    f64::from(thousandths) * size * 1.17 / 1_000.0
}

/// A sentence in lines of at most this width; a word that is wider stands alone.
pub(super) fn wrapped(text: &str, size: f64, most: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(" ", size) + width(word, size) <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
