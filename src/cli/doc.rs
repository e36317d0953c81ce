//! `betide doc`: the language, looked up.

use betide::engine::reference::{Topic, find, topics};
use betide::text::nearest;

use super::flags::DocFlags;
use super::{Failure, print};

/// Prints what there is of a name; without one, everything that can be looked up.
pub(crate) fn doc(flags: &DocFlags) -> Result<u8, Failure> {
    if flags.words.is_empty() {
        print(&contents())?;
        return Ok(0);
    }
    let name = flags.words.join(" ");
    let found = find(&name);
    if found.is_empty() {
        let topics = topics();
        let upper = name.to_uppercase();
        let near = nearest(&upper, topics.iter().map(|topic| topic.name.as_str()));
        let hint = if near.is_empty() {
            "; `betide doc` lists what there is".to_owned()
        } else {
            format!("; did you mean {}?", near.join(" or "))
        };
        return Err(Failure::usage(format!("there is no function, clause or code `{name}`{hint}")));
    }
    match found.as_slice() {
        [first, others @ ..] if others.len() < 3 => {
            let texts: Vec<&str> = std::iter::once(first).chain(others).map(|topic| topic.text.as_str()).collect();
            print(&texts.join("\n────\n\n"))?;
        }
        many => print(&listed(&many.iter().collect::<Vec<_>>()))?,
    }
    Ok(0)
}

fn contents() -> String {
    let topics = topics();
    let mut text = "betide doc NAME tells of a clause, a function, an aggregate, or the code of a message.\n".to_owned();
    for (kind, title) in
        [("clause", "Clauses"), ("function", "Functions"), ("aggregate", "Aggregates"), ("error", "Errors"), ("warning", "Warnings")]
    {
        let of_kind: Vec<&Topic> = topics.iter().filter(|topic| topic.kind == kind).collect();
        text += &format!("\n{title}\n{}", listed(&of_kind));
    }
    text
}

/// A line each.
fn listed(topics: &[&Topic]) -> String {
    let width = topics.iter().map(|topic| topic.name.chars().count()).max().unwrap_or(0);
    topics.iter().map(|topic| format!("  {:width$}  {}\n", topic.name, topic.short)).collect()
}
