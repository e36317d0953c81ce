//! Mutations of bytes and of words, for all targets.

use crate::support::random::Random;

/// Numbers at which something may go over.
pub const NUMBERS: [&str; 26] = [
    "0",
    "1",
    "2",
    "-1",
    "3",
    "7",
    "8",
    "9",
    "15",
    "16",
    "17",
    "63",
    "64",
    "65",
    "127",
    "128",
    "255",
    "256",
    "1000",
    "4097",
    "100000",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "1e308",
    "0.1",
];

/// One of a corpus, mutated.
pub fn bytes_of_one(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..1 + random.below(4) {
        bytes(random, &mut input, corpus);
    }
    input
}

/// One mutation that knows of nothing but bytes.
pub fn bytes(random: &mut Random, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    if input.is_empty() {
        input.push(random.next() as u8);
        return;
    }
    let at = random.below(input.len());
    let length = 1 + random.below(16).min(input.len() - at - 1);
    match random.below(9) {
        0 => input[at] ^= 1 << random.below(8),
        1 => input[at] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'\\', b'\n', 0xc3][random.below(9)],
        2 => input[at] = random.next() as u8,
        3 => drop(input.drain(at..at + length)),
        4 => input.insert(at, random.next() as u8),
        5 => {
            let piece = input[at..at + length].to_vec();
            let to = random.below(input.len() + 1);
            input.splice(to..to, piece);
        }
        6 => input.truncate(at),
        7 => {
            let other = &corpus[random.below(corpus.len())];
            let from = random.below(other.len() + 1);
            let to = from + random.below(other.len() - from + 1).min(64);
            input.splice(at..at + length, other[from..to].iter().copied());
        }
        _ => {
            let add = [1, 0xff, 16, 0xf0][random.below(4)];
            input[at] = input[at].wrapping_add(add);
        }
    }
}

/// The words of a text: names, numbers, strings, blanks and single signs.
pub fn words(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let class = |c: char| match c {
            c if c.is_alphanumeric() || c == '_' || c == '.' => 1,
            c if c.is_whitespace() => 2,
            _ => 0,
        };
        let end = match class(first) {
            0 if first == '\'' => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            0 => first.len_utf8(),
            kind => rest.find(|c| class(c) != kind).unwrap_or(rest.len()),
        };
        found.push(&rest[..end]);
        rest = &rest[end..];
    }
    found
}
