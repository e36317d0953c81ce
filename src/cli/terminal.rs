//! What is known of the terminal that somebody looks at.

use std::env::var_os;
use std::io::IsTerminal;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Whether colours may go to a stream: to a terminal, unless it, or whoever sits there, wants none (<https://no-color.org>).
pub(crate) fn has_colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && !is_dumb() && var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether it understands nothing but text.
pub(crate) fn is_dumb() -> bool {
    var_os("TERM").is_some_and(|name| name == "dumb")
}

/// How many columns it has, where there is one.
pub(crate) fn columns() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)).filter(|columns| *columns > 0)
}

/// How many columns a text takes: signs of East Asian scripts take two.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// A text of at most so many columns; of one that is cut, the last is `…`.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(1);
    let fits = |c: &char| {
        let wide = c.width().unwrap_or(0);
        let fits = wide <= left;
        left = left.saturating_sub(wide);
        fits
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::{cut, width};

    #[test]
    fn texts_are_measured_and_cut_by_columns() {
        assert_eq!([width("abc"), width("東京"), width("é"), width("")], [3, 4, 1, 0]);
        assert_eq!([cut("abc", 3), cut("abcd", 3), cut("東京都", 5), cut("東京都", 4)], ["abc", "ab…", "東京…", "東…"]);
    }
}
