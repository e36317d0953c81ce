//! Which values of an object are needed, and their texts.
//!
//! The paths of all columns of all streams are one tree of keys; every path ends in a slot. One walk over the object, by `serde_json`, leaves
//! the text of each value in its slot, as it is written. What no path names is checked to be JSON and otherwise passed over. A key that
//! stands twice in one object counts with its last value, as in most readers of JSON.

use std::borrow::Cow;
use std::fmt;

use ahash::AHashMap;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The texts found in one object, by slot.
pub(super) type Cells<'line> = Vec<Option<&'line str>>;

/// A tree of keys with a slot at the end of every path.
#[derive(Debug)]
pub(super) struct Projection {
    nodes: Vec<Node>,
    slots: usize,
}

#[derive(Debug, Default)]
struct Node {
    children: AHashMap<Box<str>, usize>,
    slot: Option<usize>,
    /// All slots of the node and below it: a second value of the key starts them anew.
    slots_within: Vec<usize>,
}

impl Projection {
    /// A projection that needs nothing.
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::default()], slots: 0 }
    }

    /// The slot of this path; equal paths share one.
    pub(super) fn slot(&mut self, path: &[String]) -> usize {
        let mut along = Vec::with_capacity(path.len());
        let mut node = 0;
        for key in path {
            let fresh = self.nodes.len();
            node = *self.nodes[node].children.entry(key.as_str().into()).or_insert(fresh);
            if node == fresh {
                self.nodes.push(Node::default());
            }
            along.push(node);
        }
        if let Some(slot) = self.nodes[node].slot {
            return slot;
        }
        let slot = self.slots;
        self.slots += 1;
        self.nodes[node].slot = Some(slot);
        for node in along {
            self.nodes[node].slots_within.push(slot);
        }
        slot
    }

    /// Room for the texts of one object.
    pub(super) fn cells<'line>(&self) -> Cells<'line> {
        vec![None; self.slots]
    }

    /// The node of a key within another node (0 is the line's object), if something there is needed.
    pub(super) fn child(&self, node: usize, key: &str) -> Option<usize> {
        self.nodes[node].children.get(key).copied()
    }

    /// The slot of a node.
    pub(super) fn slot_of(&self, node: usize) -> Option<usize> {
        self.nodes[node].slot
    }

    /// Whether something within the node's value is needed.
    pub(super) fn has_children(&self, node: usize) -> bool {
        !self.nodes[node].children.is_empty()
    }

    /// How many slots there are.
    pub(super) fn slots(&self) -> usize {
        self.slots
    }

    /// Walks the object that is the whole of `text` and leaves the texts of the needed values in `cells`.
    pub(super) fn walk<'line>(&self, text: &'line str, cells: &mut Cells<'line>) -> serde_json::Result<()> {
        cells.fill(None);
        self.walk_from(0, text, cells)
    }

    // Recursion: one level a key of a path, and never deeper than the object itself, whose depth the decoder has checked.
    fn walk_from<'line>(&self, node: usize, text: &'line str, cells: &mut Cells<'line>) -> serde_json::Result<()> {
        let mut object = serde_json::Deserializer::from_str(text);
        let mut below = Vec::new();
        ObjectWalk { projection: self, node, cells, below: &mut below }.deserialize(&mut object)?;
        object.end()?;
        for (child, text) in below {
            self.walk_from(child, text, cells)?;
        }
        Ok(())
    }
}

/// One object of the walk.
struct ObjectWalk<'walk, 'line> {
    projection: &'walk Projection,
    node: usize,
    cells: &'walk mut Cells<'line>,
    /// Objects within this one that have needed values.
    below: &'walk mut Vec<(usize, &'line str)>,
}

impl<'line> DeserializeSeed<'line> for ObjectWalk<'_, 'line> {
    type Value = ();

    fn deserialize<D: Deserializer<'line>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'line> Visitor<'line> for ObjectWalk<'_, 'line> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'line>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(child) = map.next_key_seed(KeyOf(&self.projection.nodes[self.node]))? {
            let Some(child) = child else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let text = map.next_value::<&RawValue>()?.get();
            let node = &self.projection.nodes[child];
            for &slot in &node.slots_within {
                self.cells[slot] = None;
            }
            self.below.retain(|&(earlier, _)| earlier != child);
            if let Some(slot) = node.slot {
                self.cells[slot] = Some(text);
            }
            if !node.children.is_empty() && text.starts_with('{') {
                self.below.push((child, text));
            }
        }
        Ok(())
    }
}

/// A key, looked up among the children of a node.
struct KeyOf<'walk>(&'walk Node);

impl<'line> DeserializeSeed<'line> for KeyOf<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'line>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyOf<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.children.get(key).copied())
    }
}

/// The items of an array, each as its text.
pub(super) fn items(text: &str) -> serde_json::Result<Vec<&RawValue>> {
    serde_json::from_str(text)
}

/// The character data of a string's JSON text; an error where it has half of a surrogate pair.
pub(super) fn unescape(text: &str) -> serde_json::Result<Cow<'_, str>> {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
        _ => serde_json::from_str::<String>(text).map(Cow::Owned),
    }
}

/// Whether arrays and objects nest deeper than `limit` anywhere in the text, which need not be JSON.
pub(super) fn is_deeper_than(limit: usize, text: &[u8]) -> bool {
    // A line with few brackets cannot be deep; counting them is much cheaper than following strings.
    if text.iter().filter(|&&b| b == b'{' || b == b'[').count() <= limit {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for &byte in text {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(paths: &[&str], text: &str) -> Vec<Option<String>> {
        let mut projection = Projection::new();
        let slots: Vec<usize> = paths.iter().map(|p| projection.slot(&p.split('.').map(str::to_owned).collect::<Vec<_>>())).collect();
        let mut cells = projection.cells();
        projection.walk(text, &mut cells).unwrap();
        slots.iter().map(|&s| cells[s].map(str::to_owned)).collect()
    }

    #[test]
    fn texts_are_as_written() {
        let text = r#"{"a": 1.50 ,"b":{"c": {"d":"x\u0041"}, "e":[1, 2]},"f":null}"#;
        let some = |t: &str| Some(t.to_owned());
        assert_eq!(
            found(&["a", "b.c.d", "b.e", "f", "g", "b"], text)[..5],
            [some("1.50"), some("\"x\\u0041\""), some("[1, 2]"), some("null"), None]
        );
        assert_eq!(found(&["b.c", "b.c.d"], text), [some(r#"{"d":"x\u0041"}"#), some("\"x\\u0041\"")]);
        assert_eq!(found(&["a.b"], text), [None], "there is nothing below a number");
        assert_eq!(found(&["\u{e9}"], r#"{"\u00e9":7}"#), [some("7")], "keys may be escaped");
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let some = |t: &str| Some(t.to_owned());
        assert_eq!(found(&["a"], r#"{"a":1,"a":2}"#), [some("2")]);
        assert_eq!(found(&["a.b", "a.c"], r#"{"a":{"b":1},"a":{"c":2}}"#), [None, some("2")]);
        assert_eq!(found(&["a.b"], r#"{"a":{"b":1},"a":5}"#), [None]);
    }

    #[test]
    fn depth_is_counted_outside_of_strings() {
        assert!(!is_deeper_than(3, br#"{"a":[{"b":"[[[[\"[["}]}"#));
        assert!(is_deeper_than(2, br#"{"a":[{"b":1}]}"#));
        assert!(!is_deeper_than(1, b"[][][][]"));
        assert!(is_deeper_than(128, "[".repeat(10_000).as_bytes()));
    }
}
