//! Any text as a program: it is compiled or refused, never a panic; what the formatter has laid out it leaves alone; an editor's questions
//! have answers at every place; diagnostics can be shown.

use std::cell::OnceCell;
use std::fs;
use std::path::Path;

use betide::assist::Analysis;
use betide::engine::PictureLanguage;
use betide::syntax::{FormatError, format};
use betide::text::Source;
use betide::{Engine, Error, Options};

use super::mutate::{self, NUMBERS};
use crate::support::random::{self, Random};
use crate::support::{any_patterns, joins, random_rows, windows};

/// A longer text says nothing new.
const MOST: usize = 3000;

pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(&input[..input.len().min(MOST)]);
    let text = text.as_ref();
    match Engine::with_options(text, &Options::default()) {
        Ok(engine) => {
            let _ = engine.explain();
            let _ = engine.picture(PictureLanguage::Mermaid);
        }
        Err(error @ Error::Query { .. }) => assert!(!error.to_string().is_empty()),
        Err(other) => panic!("compiling gives another kind of error: {other}"),
    }
    let source = Source::new("q", text);
    match format(&source) {
        Ok(once) => match format(&Source::new("q", once.as_str())) {
            Ok(twice) => assert_eq!(once, twice, "laid out twice it is another text"),
            Err(error) => panic!("what was laid out is refused: {error:?}\n{once}"),
        },
        Err(FormatError::Wrong(_)) => {}
        Err(FormatError::Changed) => panic!("the formatter would change the program"),
    }
    let analysis = Analysis::new(text);
    let _ = analysis.symbols();
    // Three places of the text, one of them perhaps inside of a character or behind the end.
    let digest = input.iter().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    for at in [digest % (text.len() + 2), text.len() / 2, text.len()] {
        let _ = analysis.complete(at);
        if let Some(found) = analysis.describe(at) {
            assert!(!found.markdown.is_empty());
        }
        if let Some(span) = analysis.definition(at) {
            assert!(text.get(span.start as usize..span.end as usize).is_some(), "the definition is a piece of the text");
        }
    }
}

/// The queries, the examples of clauses and codes, and one random program of each kind.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut texts: Vec<String> = Vec::new();
    for entry in betide::syntax::CODES.iter().chain(betide::semantics::CODES).chain(betide::semantics::PATTERN_CODES) {
        texts.extend([entry.wrong.to_owned(), entry.right.to_owned()]);
    }
    texts.extend(betide::engine::reference::CLAUSES.iter().map(|clause| clause.example.to_owned()));
    let queries = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let mut paths: Vec<_> = fs::read_dir(queries).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "tide"));
    paths.sort();
    texts.extend(paths.iter().map(|path| fs::read_to_string(path).unwrap()));
    for seed in 0..24 {
        let random = &mut Random::new(seed);
        texts.push(random::pair(seed).program);
        texts.push(random_rows::pair(seed).program);
        texts.push(format!("{}{}", random::sources(""), windows::window_pair(random, &[]).0));
        texts.push(format!("{}{}", random::sources(" DELAY 1s"), joins::join_pair(random, &[]).0));
        let pattern = any_patterns::pattern(random).text;
        texts.push(format!("{}SELECT * FROM PATTERN ({pattern}) WITHIN 5s;", any_patterns::sources(random)));
    }
    texts.retain(|text| text.len() < MOST);
    texts.into_iter().map(String::into_bytes).collect()
}

thread_local! {
    static WORDS: OnceCell<Vec<String>> = const { OnceCell::new() };
}

/// All words of the corpus, each once.
fn with_words<T>(corpus: &[Vec<u8>], then: impl FnOnce(&[String]) -> T) -> T {
    WORDS.with(|words| {
        then(words.get_or_init(|| {
            let texts = corpus.iter().filter_map(|bytes| std::str::from_utf8(bytes).ok());
            let mut all: Vec<String> = texts.flat_map(mutate::words).map(str::to_owned).chain(NUMBERS.map(str::to_owned)).collect();
            all.sort();
            all.dedup();
            all
        }))
    })
}

pub fn mutate(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    if random.chance(10) {
        return mutate::bytes_of_one(random, corpus);
    }
    let text = String::from_utf8_lossy(&corpus[random.below(corpus.len())]).into_owned();
    let mut words: Vec<String> = mutate::words(&text).into_iter().map(str::to_owned).collect();
    let other = String::from_utf8_lossy(&corpus[random.below(corpus.len())]).into_owned();
    let other = mutate::words(&other);
    for _ in 0..1 + random.below(3) {
        with_words(corpus, |all| change(random, &mut words, all, &other));
    }
    words.concat().into_bytes()
}

fn change(random: &mut Random, words: &mut Vec<String>, all: &[String], other: &[&str]) {
    if words.is_empty() || other.is_empty() {
        words.push(all[random.below(all.len())].clone());
        return;
    }
    // Half of the time a word that is more than blanks.
    let mut at = random.below(words.len());
    if words[at].trim().is_empty() && random.chance(70) {
        at = (at + 1) % words.len();
    }
    let end = at + 1 + random.below(12).min(words.len() - at - 1);
    match random.below(11) {
        0 => words[at] = all[random.below(all.len())].clone(),
        1 => words.insert(at, format!(" {} ", all[random.below(all.len())])),
        2 => drop(words.remove(at)),
        3 => drop(words.drain(at..end)),
        4 => {
            let with = random.below(words.len());
            words.swap(at, with);
        }
        5 => {
            let piece = words[at..end].to_vec();
            let to = random.below(words.len() + 1);
            words.splice(to..to, piece);
        }
        6 => {
            let from = random.below(other.len());
            let to = from + 1 + random.below(20).min(other.len() - from - 1);
            words.splice(at..at, other[from..to].iter().map(|word| (*word).to_owned()));
        }
        7 => {
            let numbers: Vec<usize> = (0..words.len()).filter(|at| words[*at].starts_with(|c: char| c.is_ascii_digit())).collect();
            if let Some(&number) = numbers.get(random.below(numbers.len().max(1))) {
                let unit: String = words[number].chars().filter(|c| c.is_alphabetic()).collect();
                words[number] = format!("{}{unit}", NUMBERS[random.below(NUMBERS.len())]);
            }
        }
        8 => {
            let (open, close) =
                [("(", ")"), ("NOT (", ")"), ("-", ""), ("[", "]"), ("(SELECT * FROM ", ")"), ("CAST(", " AS INT)")][random.below(6)];
            words.insert(end, close.to_owned());
            words.insert(at, open.to_owned());
        }
        // Comments anywhere are what the formatter has to keep.
        9 => words.insert(at, ["-- c\n", "/* c */", "\n\n", "\t", "\u{feff}", "é", "\"q\"", "''"][random.below(8)].to_owned()),
        _ => words.truncate(at),
    }
}
