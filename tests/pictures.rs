//! Pictures of programs: every query of the repository has one in each language, and the steps of a pattern lead where they should.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fs;
use std::path::Path;

use betide::Engine;
use betide::engine::PictureLanguage;

const STREAMS: &str = "CREATE STREAM A (x INT, at TIMESTAMP) TIMESTAMP BY at;\nCREATE STREAM B (x INT, at TIMESTAMP) TIMESTAMP BY at;\n";

/// The arrows between the steps of a pattern: from, to, label.
fn ways(pattern: &str) -> Vec<String> {
    let text = format!("{STREAMS}SELECT START_TIME FROM PATTERN ({pattern}) WITHIN 5m;");
    let engine = Engine::compile(&text).unwrap_or_else(|mistakes| panic!("{pattern}: {mistakes:?}"));
    let dot = engine.picture(PictureLanguage::Dot);
    let inside = dot.split_once("subgraph").unwrap().1;
    let label_of = |line: &str| line.split_once("label=\"").map(|(_, rest)| rest.split_once('"').unwrap().0.to_owned());
    let boxes: Vec<(String, String)> = inside
        .lines()
        .filter(|line| line.contains("shape="))
        .map(|line| (line.trim().split(' ').next().unwrap().to_owned(), label_of(line).unwrap()))
        .collect();
    let name = |id: &str| boxes.iter().find(|(known, _)| known == id).map_or(id.to_owned(), |(_, name)| name.clone());
    let arrow = |line: &str| {
        let (from, rest) = line.trim().split_once(" -> ")?;
        let to = rest.split([' ', ';']).next()?;
        Some(format!("{} {} {}", name(from), name(to), label_of(rest).unwrap_or_default()).trim_end().to_owned())
    };
    inside.lines().filter(|line| !line.contains("shape=")).filter_map(arrow).collect()
}

#[test]
fn steps_lead_where_the_pattern_says() {
    assert_eq!(ways("A a -> B b"), ["start a", "a b ->", "b match"]);
    assert_eq!(ways("A a , B b{2,} STRICT ->> A c"), ["start a", "b b , {2,}", "a b ,", "b c ->>", "c match"]);
    assert_eq!(ways("A a -> B b? -> A c"), ["start a", "a b ->", "a c ->", "b c ->", "c match"]);
    assert_eq!(ways("A a -> (B b | A c) -> B d"), ["start a", "a b ->", "a c ->", "b d ->", "c d ->", "d match"]);
    assert_eq!(ways("A a -> !B n -> A c"), ["start a", "a c -> !n", "c match"]);
    assert_eq!(ways("A a -> !B n FOR 30s"), ["start a", "a match !n for 30s"]);
    assert_eq!(ways("!B n -> A a"), ["start a !n", "a match"]);
    assert_eq!(ways("A a & B b"), ["start a", "start b", "a b &", "b a &", "a match", "b match"]);
}

#[test]
fn every_query_has_its_picture() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let mut drawn = 0;
    for path in
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "tide"))
    {
        let engine = Engine::compile(&fs::read_to_string(&path).unwrap()).unwrap();
        for language in [PictureLanguage::Dot, PictureLanguage::Mermaid] {
            let picture = engine.picture(language);
            assert_eq!(picture, engine.picture(language));
            assert!(engine.outputs().flatten().all(|output| picture.contains(output)), "{}: {picture}", path.display());
        }
        #[cfg(feature = "cli")]
        {
            let output =
                std::process::Command::new(env!("CARGO_BIN_EXE_betide")).args(["explain", "--format", "svg"]).arg(&path).output().unwrap();
            assert!(output.status.success() && output.stdout.starts_with(b"<?xml"), "{}", path.display());
        }
        drawn += 1;
    }
    assert!(drawn > 20);
}
