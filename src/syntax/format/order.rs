//! The clauses of each query in canonical order. A comment on lines of its own goes with the clause below it, one behind a word with that
//! word.

use super::tokens::{Kind, Token};

/// Sorts the clauses of every query of a statement.
pub(super) fn put_in_order(tokens: &mut [Token]) {
    let mut queries: Vec<usize> = tokens.iter().filter_map(|token| token.clause.map(|(query, _)| query)).collect();
    queries.sort_unstable();
    queries.dedup();
    // The innermost first: what is moved as a whole is in order already.
    for query in queries.into_iter().rev() {
        sort_clauses(tokens, query);
    }
}

fn sort_clauses(tokens: &mut [Token], query: usize) {
    let starts: Vec<(usize, usize)> = tokens
        .iter()
        .enumerate()
        .filter_map(|(index, token)| token.clause.filter(|(of, _)| *of == query).map(|(_, place)| (with_comments(tokens, index), place)))
        .collect();
    let Some(end) = tokens.iter().rposition(|token| token.groups.contains(&query)) else { return };
    if starts.len() < 2 || starts.is_sorted_by_key(|(_, place)| *place) {
        return;
    }
    let first = starts[0].0;
    let mut clauses: Vec<(usize, Vec<Token>)> = Vec::new();
    for (index, (start, place)) in starts.iter().enumerate() {
        let stop = starts.get(index + 1).map_or(end + 1, |(next, _)| *next);
        clauses.push((*place, tokens[*start..stop].to_vec()));
    }
    clauses.sort_by_key(|(place, _)| *place);
    let sorted = clauses.into_iter().flat_map(|(_, clause)| clause);
    for (slot, token) in tokens[first..].iter_mut().zip(sorted) {
        *slot = token;
    }
}

/// Where a clause begins with the comments above it.
fn with_comments(tokens: &[Token], mut start: usize) -> usize {
    while start > 0 && tokens[start - 1].kind != Kind::Word && tokens[start - 1].on_new_line {
        start -= 1;
    }
    start
}
