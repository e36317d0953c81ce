//! `betide dead-letters show`: how many of which cause, and each with the place that is to blame.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use betide::connect::{Input, Letter, Letters};

use super::place::{marked, place};
use super::{Causes, Unread, letters};
use crate::cli::Failure;
use crate::cli::flags::{LetterFormat, ShowFlags};
use crate::cli::summary::grouped;

/// Letters of each cause that a table shows unless told otherwise.
const LIMIT: u64 = 10;
/// Letters of each cause that a table shows at most: it is made in memory.
const LIMIT_MAX: u64 = 10_000;
/// Causes that are told apart; a file with more is none of betide's.
const CAUSES_MAX: usize = 100;

/// The letters of one cause.
#[derive(Debug, Default)]
struct OfCause {
    count: u64,
    shown: Vec<Letter>,
}

pub(super) fn show(flags: &ShowFlags) -> Result<u8, Failure> {
    let causes = Causes::new(&flags.cause)?;
    let input = Input::open(&flags.letters)?;
    let name = input.name().to_string();
    let mut file = Letters::new(input, &name);
    let mut out = BufWriter::new(io::stdout());
    let mut unread = Unread::default();
    let mut by_cause: BTreeMap<String, OfCause> = BTreeMap::new();
    let limit = match flags.format {
        LetterFormat::Table => flags.limit.unwrap_or(LIMIT).min(LIMIT_MAX),
        LetterFormat::Jsonl => flags.limit.unwrap_or(u64::MAX),
    };
    while let Some((line, letter)) = file.next_letter()? {
        let letter = match letter {
            Ok(letter) if causes.wants(&letter) => letter,
            Ok(_) => continue,
            Err(why) => {
                unread.add(&name, line, &why);
                continue;
            }
        };
        let is_known = by_cause.contains_key(&letter.cause) || by_cause.len() < CAUSES_MAX;
        let of_cause = by_cause.entry(if is_known { letter.cause.clone() } else { "(further causes)".to_owned() }).or_default();
        of_cause.count += 1;
        if of_cause.count > limit {
            continue;
        }
        match flags.format {
            LetterFormat::Table => of_cause.shown.push(letter),
            LetterFormat::Jsonl if !write(&mut out, &[&letter.text, b"\n"])? => return Ok(0),
            LetterFormat::Jsonl => {}
        }
    }
    if flags.format == LetterFormat::Table {
        write(&mut out, &[table(&name, by_cause).as_bytes()])?;
    }
    write(&mut out, &[])?;
    Ok(unread.code(&name))
}

/// Writes, and says whether anybody still reads.
fn write(out: &mut BufWriter<io::Stdout>, parts: &[&[u8]]) -> Result<bool, Failure> {
    let written = parts.iter().try_for_each(|part| out.write_all(part));
    match if parts.is_empty() { out.flush() } else { written } {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::outside(format!("cannot write the output: {error}"))),
    }
}

fn table(name: &str, by_cause: BTreeMap<String, OfCause>) -> String {
    let all: u64 = by_cause.values().map(|of_cause| of_cause.count).sum();
    let mut text = format!("{name}: {}\n", letters(all));
    let mut by_cause: Vec<(String, OfCause)> = by_cause.into_iter().collect();
    by_cause.sort_by(|(a, of_a), (b, of_b)| of_b.count.cmp(&of_a.count).then_with(|| a.cmp(b)));
    for (cause, of_cause) in by_cause {
        text += &format!("\n{cause}: {}\n", letters(of_cause.count));
        for letter in &of_cause.shown {
            text += &format!("  {}, line {}, byte {}: {}\n", letter.source, letter.line, letter.offset, letter.detail);
            let (shown, marks) = marked(&letter.bytes, place(letter));
            text += &format!("      {shown}\n");
            marks.iter().for_each(|marks| text += &format!("      {marks}\n"));
        }
        let left = of_cause.count - of_cause.shown.len() as u64;
        if left > 0 {
            text += &format!("  … and {} more (--limit)\n", grouped(left));
        }
    }
    text
}
