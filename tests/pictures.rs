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
        for language in [PictureLanguage::Dot, PictureLanguage::Mermaid, PictureLanguage::Svg] {
            let picture = engine.picture(language);
            assert_eq!(picture, engine.picture(language));
            assert!(engine.outputs().flatten().all(|output| picture.contains(output)), "{}: {picture}", path.display());
        }
        look_through(&engine.picture(PictureLanguage::Svg), &path.display().to_string());
        drawn += 1;
    }
    assert!(drawn > 20);
}

/// A box: left, top, right, bottom.
type Box = [f64; 4];

fn numbers(text: &str) -> Vec<f64> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-')).filter_map(|number| number.parse().ok()).collect()
}

fn attribute<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    line.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split('"').next())
}

/// Points along a path of straight lines and curves.
fn points_of(path: &str) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    for part in path.split_inclusive(|c: char| c.is_ascii_alphabetic()).collect::<Vec<_>>().windows(2) {
        let kind = part[0].chars().next_back().unwrap();
        let numbers = numbers(part[1]);
        let ends: Vec<(f64, f64)> = numbers.chunks(2).map(|pair| (pair[0], pair[1])).collect();
        let from = points.last().copied().unwrap_or(ends[0]);
        let [a, b, c] = if kind == 'C' { [ends[0], ends[1], ends[2]] } else { [from, ends[0], ends[0]] };
        for step in 1..=20 {
            let t = f64::from(step) / 20.0;
            let mix = |from: f64, a: f64, b: f64, to: f64| {
                (1.0 - t).powi(3) * from + 3.0 * (1.0 - t).powi(2) * t * a + 3.0 * (1.0 - t) * t * t * b + t.powi(3) * to
            };
            points.push((mix(from.0, a.0, b.0, c.0), mix(from.1, a.1, b.1, c.1)));
        }
    }
    points
}

/// In a drawing no two boxes overlap, no arrow goes through a box, and everything stands inside of it.
fn look_through(svg: &str, name: &str) {
    let whole = numbers(attribute(svg, "viewBox").unwrap());
    assert!(svg.starts_with("<?xml") && svg.ends_with("</svg>\n") && whole.iter().all(|number| number.is_finite()), "{name}");
    for panel in svg.split("<g transform=").skip(1) {
        let shift = numbers(panel.split('>').next().unwrap());
        let is_box = |line: &&str| line.starts_with("<rect class=\"box\"") || line.starts_with("<rect class=\"step\"");
        let boxes: Vec<Box> = panel
            .lines()
            .filter(is_box)
            .map(|line| ["x", "y", "width", "height"].map(|side| attribute(line, side).unwrap().parse().unwrap()))
            .map(|[x, y, wide, high]: [f64; 4]| [x, y, x + wide, y + high])
            .collect();
        assert!(!boxes.is_empty(), "{name}: {svg}");
        for (number, a) in boxes.iter().enumerate() {
            assert!(
                a[0] + shift[0] >= 0.0 && a[1] + shift[1] >= 0.0 && a[2] + shift[0] <= whole[2] && a[3] + shift[1] <= whole[3],
                "{name}"
            );
            for b in &boxes[number + 1..] {
                assert!(a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1], "{name}: boxes overlap: {a:?} {b:?}\n{svg}");
            }
        }
        for path in panel.split("<path class=\"arrow\"").skip(1).map(|rest| attribute(rest, "d").unwrap()) {
            for (x, y) in points_of(path) {
                let inside = |b: &&Box| x > b[0] + 1.0 && x < b[2] - 1.0 && y > b[1] + 1.0 && y < b[3] - 1.0;
                assert_eq!(boxes.iter().find(inside), None, "{name}: an arrow goes through a box at {x}, {y}\n{svg}");
            }
        }
    }
}

#[test]
fn drawings_stand_apart() {
    let patterns = [
        "A a",
        "A a -> B b",
        "A a -> (B b | A c)+ -> !B n -> A d",
        "(A a -> B b -> A c)+ -> B d",
        "A a -> (B b & A c & B d) -> A e",
        "(A a | B b | A c | B d | A e)+ -> (B f | A g) -> !B n",
        "A a+ -> B b* -> A c? -> B d{2,5} -> (A e -> B f)? -> A g",
    ];
    for pattern in patterns {
        let engine = Engine::compile(&format!("{STREAMS}SELECT START_TIME FROM PATTERN ({pattern}) WITHIN 5m;")).unwrap();
        look_through(&engine.picture(PictureLanguage::Svg), pattern);
    }
    // Many statements that read each other over several layers.
    let mut program = STREAMS.to_owned();
    for number in 0..30 {
        let from = ["A".to_owned(), "B".to_owned(), format!("S{}", number / 2), format!("S{}", number / 3)][number % 4].clone();
        let from = if from == format!("S{number}") { "A".to_owned() } else { from };
        program += &format!("CREATE STREAM S{number} AS SELECT a.x, b.x AS y FROM {from} a JOIN B b ON a.x = b.x WITHIN 5m;\n");
    }
    let engine = Engine::compile(&program).unwrap();
    look_through(&engine.picture(PictureLanguage::Svg), "joins of joins");
}
