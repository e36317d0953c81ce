//! Which words stand on one line.
//!
//! Every group (a query, a list of columns, the terms of a condition, …) is whole or broken. It begins broken where its first place to break
//! was broken in the text, or where a comment ends a line in it; then, while a line is too long, the outermost group that has a place to
//! break on it is broken. That ends, for groups only go from whole to broken.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::{Break, Kind, Token};

/// The longest line that is left whole.
const WIDTH: usize = 120;

/// The text of a statement without its `;`.
pub(super) fn lay_out(tokens: &[Token]) -> String {
    let mut broken = broken_by_hand(tokens);
    let widths = column_widths(tokens);
    loop {
        break_around(tokens, &mut broken);
        let lines = lines(tokens, &broken, &widths);
        let Some(group) = lines.iter().filter(|line| line.width > WIDTH).find_map(|line| Some(line.breakable?.1)) else {
            return put_together(&lines);
        };
        broken.insert(group);
    }
}

struct Line {
    indent: usize,
    text: String,
    width: usize,
    /// The outermost whole group with a place to break on this line; the clauses of a source come last.
    breakable: Option<(bool, usize)>,
}

/// Groups that somebody has broken, and those in which a comment ends a line.
fn broken_by_hand(tokens: &[Token]) -> BTreeSet<usize> {
    let mut broken = BTreeSet::new();
    let of_steps = |token: &Token| token.break_at.filter(|(_, kind)| *kind == Break::Step).map(|(group, _)| group);
    let patterns: BTreeSet<usize> = tokens.iter().filter_map(of_steps).collect();
    for (index, token) in tokens.iter().enumerate() {
        if let Some((group, kind)) = token.break_at {
            let begins_line = token.on_new_line || index > 0 && tokens[index - 1].kind != Kind::Word && tokens[index - 1].on_new_line;
            // A long list is filled anew, and so is a pattern with the terms of its steps; the clauses of a source stand where they fit.
            let is_of_step = || kind == Break::Term && token.groups.iter().any(|around| patterns.contains(around));
            let is_kept = matches!(kind, Break::Clause | Break::Item | Break::Term | Break::Join) && !is_of_step();
            if begins_line && is_kept {
                broken.insert(group);
            }
        }
        if token.kind == Kind::LineComment {
            broken.extend(token.groups.iter().copied());
        }
    }
    broken
}

/// A query in which something stands on lines of its own has its clauses on lines of their own.
fn break_around(tokens: &[Token], broken: &mut BTreeSet<usize>) {
    let of_clauses = |token: &Token| token.break_at.filter(|(_, kind)| *kind == Break::Clause).map(|(group, _)| group);
    let queries: BTreeSet<usize> = tokens.iter().filter_map(of_clauses).collect();
    for token in tokens {
        if let Some((group, Break::Item | Break::Clause)) = token.break_at.filter(|(group, _)| broken.contains(group)) {
            let around = token.groups.iter().take_while(|other| **other != group);
            broken.extend(around.filter(|other| queries.contains(other)));
        }
    }
}

/// For each group of columns, how wide the longest name is.
fn column_widths(tokens: &[Token]) -> BTreeMap<usize, usize> {
    let mut widths = BTreeMap::new();
    for token in tokens.iter().filter(|token| token.is_column_name) {
        if let Some(&group) = token.groups.last() {
            let width = widths.entry(group).or_insert(0);
            *width = token.text.chars().count().max(*width);
        }
    }
    widths
}

fn lines(tokens: &[Token], broken: &BTreeSet<usize>, widths: &BTreeMap<usize, usize>) -> Vec<Line> {
    let mut margins = Margins::default();
    let mut lines = vec![Line { indent: 0, text: String::new(), width: 0, breakable: None }];
    let mut must_break = false;
    for (index, token) in tokens.iter().enumerate() {
        margins.leave(token);
        let column = lines.last().map_or(0, |line| line.width);
        let begins = must_break || begins_line(tokens, index, broken, column);
        let is_first = lines.last().is_some_and(|line| line.text.is_empty());
        if begins && !is_first {
            let indent = margins.indent_of(tokens, index, broken);
            lines.push(Line { indent, text: String::new(), width: indent, breakable: None });
        }
        must_break = token.kind == Kind::LineComment;
        let line = lines.last_mut().expect("there is a line");
        if let Some((group, kind)) = token.break_at
            && !broken.contains(&group)
            && !line.text.is_empty()
        {
            let candidate = (kind == Break::SourceClause, group);
            line.breakable = Some(line.breakable.map_or(candidate, |known| known.min(candidate)));
        }
        if !line.text.is_empty() && (token.spaced || begins) {
            line.text.push(' ');
            line.width += 1;
        }
        margins.enter(token, line.width, line.indent);
        line.text.push_str(&token.text);
        line.width += token.text.chars().count();
        if token.is_column_name && token.groups.last().is_some_and(|group| broken.contains(group)) {
            let wide = token.groups.last().and_then(|group| widths.get(group)).copied().unwrap_or(0);
            let blanks = wide.saturating_sub(token.text.chars().count());
            line.text.push_str(&" ".repeat(blanks));
            line.width += blanks;
        }
    }
    lines
}

/// Whether a token begins a line.
fn begins_line(tokens: &[Token], index: usize, broken: &BTreeSet<usize>, column: usize) -> bool {
    let token = &tokens[index];
    if token.kind != Kind::Word {
        // A comment that had a line of its own has one again.
        return token.on_new_line;
    }
    // Behind such a comment, too.
    if index > 0 && tokens[index - 1].kind == Kind::BlockComment && tokens[index - 1].on_new_line && token.on_new_line {
        return true;
    }
    let Some((group, kind)) = token.break_at.filter(|(group, _)| broken.contains(group)) else { return false };
    match kind {
        // A window stands behind its stream, where it fits.
        Break::Clause => token.text != "WINDOW" || column + 1 + until_next_break(tokens, index, broken) > WIDTH,
        Break::SourceClause | Break::Item | Break::Close | Break::Term | Break::Join => true,
        Break::Fill | Break::Step => column + 1 + until_next_fill(tokens, index, group) > WIDTH,
    }
}

/// How wide it is up to the next place where a line begins.
fn until_next_break(tokens: &[Token], index: usize, broken: &BTreeSet<usize>) -> usize {
    let behind = tokens[index + 1..].iter().take_while(|token| token.break_at.is_none_or(|(group, _)| !broken.contains(&group)));
    width_of(&tokens[index]) + behind.map(width_of).sum::<usize>()
}

/// How wide an item is, with the comma behind it.
fn until_next_fill(tokens: &[Token], index: usize, group: usize) -> usize {
    let behind =
        tokens[index + 1..].iter().take_while(|token| token.break_at.is_none_or(|(of, _)| of != group) && token.groups.contains(&group));
    width_of(&tokens[index]) + behind.map(width_of).sum::<usize>()
}

fn width_of(token: &Token) -> usize {
    token.text.chars().count() + usize::from(token.spaced)
}

/// Where lines of each group begin.
#[derive(Default)]
struct Margins {
    /// Each open group, with the margin of its parts.
    open: Vec<(usize, usize)>,
    /// Under which column the items of a filled list stand.
    fills: BTreeMap<usize, usize>,
}

impl Margins {
    /// Groups that the token does not stand in are over.
    fn leave(&mut self, token: &Token) {
        self.open.retain(|(group, _)| token.groups.contains(group));
    }

    /// Groups that begin with the token begin on a line of this indent.
    fn enter(&mut self, token: &Token, column: usize, indent: usize) {
        for group in &token.groups {
            if !self.open.iter().any(|(open, _)| open == group) {
                self.open.push((*group, indent));
                self.fills.insert(*group, column);
            }
        }
        // A query may begin with WITH; its columns stand under the word SELECT.
        if let Some(group) = token.groups.last().filter(|_| token.text == "SELECT") {
            self.fills.insert(*group, column);
        }
    }

    fn margin_of(&self, group: usize) -> usize {
        self.open.iter().find(|(open, _)| *open == group).map_or(0, |(_, margin)| *margin)
    }

    fn indent_of(&self, tokens: &[Token], index: usize, broken: &BTreeSet<usize>) -> usize {
        let token = &tokens[index];
        if token.kind != Kind::Word {
            // A comment stands as what follows it.
            return match tokens[index + 1..].iter().position(|next| next.kind == Kind::Word) {
                Some(next) if tokens[index + 1 + next].break_at.is_some() => self.indent_of(tokens, index + 1 + next, broken),
                Some(_) => self.innermost(token, broken) + 4,
                None => 0,
            };
        }
        let Some((group, kind)) = token.break_at else { return self.innermost(token, broken) + 4 };
        let margin = self.margin_of(group);
        match kind {
            Break::Clause | Break::SourceClause | Break::Close => margin,
            Break::Item => margin + 4,
            Break::Term | Break::Join => margin + 2,
            Break::Fill => self.fills.get(&group).map_or(margin, |column| column + "SELECT ".len()),
            Break::Step => self.fills.get(&group).copied().unwrap_or(margin),
        }
    }

    fn innermost(&self, token: &Token, broken: &BTreeSet<usize>) -> usize {
        let open = self.open.iter().rev().find(|(group, _)| token.groups.contains(group) && broken.contains(group));
        open.map_or(0, |(_, margin)| *margin)
    }
}

fn put_together(lines: &[Line]) -> String {
    let texts: Vec<String> = lines.iter().map(|line| format!("{}{}", " ".repeat(line.indent), line.text.trim_end())).collect();
    texts.join("\n")
}
