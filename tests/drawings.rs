//! The pictures of `docs/img/` are those that `cargo run --example drawings` makes now, and every one is shown in the documents.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::path::Path;

#[path = "../examples/drawings.rs"]
mod drawings;

#[test]
fn the_drawings_are_up_to_date() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let texts: String = ["time.md", "windows-and-joins.md"].map(|name| std::fs::read_to_string(docs.join(name)).unwrap()).concat();
    for (name, svg) in drawings::drawings().unwrap() {
        let there = std::fs::read_to_string(docs.join("img").join(&name)).unwrap_or_default();
        assert!(there == svg, "docs/img/{name} is not what `cargo run --example drawings` writes");
        assert!(texts.contains(&format!("(img/{name})")), "no document shows {name}");
    }
}
