//! Patterns of both syntaxes: whether the engine says what the reference evaluators say.
//! In: a program and its input. Out: how the rows differ, in words.

use serde_json::{Value as Json, json};

use super::cases;
use super::engine::{self, Failure, Feed};
use super::mr_program::RowQuery;
use super::mr_reference;
use super::program::Program;
use super::random::Pair;
use super::reference::{self, Row};

/// The reference's rows for a pair.
pub fn expected(pair: &Pair) -> Vec<Row> {
    let program = Program::parse(&pair.program).unwrap_or_else(|why| panic!("{why}\n{}", pair.program));
    let events = cases::events(&program.streams, &pair.input).unwrap();
    reference::run_keyed(&program, &events)
}

/// How the engine differs from the reference; nothing where they agree.
pub fn difference(pair: &Pair) -> Option<String> {
    let expected = expected(pair);
    let lines: Vec<String> = pair.input.iter().map(Json::to_string).collect();
    let output = match engine::run(&pair.program, &lines, Feed::Whole(None)) {
        Ok(output) => output,
        Err(Failure::Refused(why)) if engine::not_yet(&why) => return None,
        Err(why) => return Some(format!("{why:?}")),
    };
    let found: Vec<Json> = output.rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
    let show = |rows: &[Json]| rows.iter().map(|r| format!("      {r}\n")).collect::<String>();
    let rows: Vec<Json> = expected.iter().map(|row| row.row.clone()).collect();
    let agree = rows.len() == found.len() && {
        let mut rest = found.as_slice();
        // Rows of one moment and one start may stand in any order among themselves.
        expected.chunk_by(|a, b| a.moment == b.moment && a.first == b.first).all(|group| {
            let (own, after) = rest.split_at(group.len());
            rest = after;
            cases::same_bag(&group.iter().map(|g| g.row.clone()).collect::<Vec<_>>(), own)
        })
    };
    let order = if cases::same_bag(&rows, &found) { " (only the order differs)" } else { "" };
    (!agree).then(|| format!("  reference{order}\n{}  engine\n{}", show(&rows), show(&found)))
}

/// The reference's rows, and whether they are in the order of the whole result.
pub fn expected_rows(pair: &Pair) -> Option<(Vec<Json>, bool)> {
    let query = RowQuery::parse(&pair.program).unwrap_or_else(|why| panic!("{why}\n{}", pair.program));
    let events = cases::events(&query.streams, &pair.input).unwrap();
    mr_reference::run(&query, &events).map(|rows| (rows, query.partition.is_empty()))
}

/// How the engine differs from the reference; nothing where they agree or the pair is not to be compared.
pub fn difference_of_rows(pair: &Pair) -> Option<String> {
    let (expected, ordered) = expected_rows(pair)?;
    let lines: Vec<String> = pair.input.iter().map(Json::to_string).collect();
    match engine::run(&pair.program, &lines, Feed::Whole(None)) {
        Ok(output) => {
            let found: Vec<Json> = output.rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
            cases::difference(&json!({"rows": expected, "ordered": ordered}), &found)
        }
        // SKIP TO a variable that can only be the first row is an error by design; the generator does not look for it.
        Err(Failure::Refused(why)) if engine::not_yet(&why) || why.contains("never move on") => None,
        Err(why) => Some(format!("{why:?}")),
    }
}
