//! One event as it is looked at: keys in their order, numbers as whole or not.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A value of an event.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen {
    Null,
    Bool,
    Int(i64),
    /// A whole number beyond 64 bits.
    Wide,
    Float,
    Text(String),
    /// A cell of a table, whose type its text has to tell.
    Cell(String),
    List(Vec<Seen>),
    Object(Vec<(String, Seen)>),
}

/// An event: an object.
#[derive(Debug)]
pub(super) struct Event(pub(super) Seen);

impl Event {
    /// The event of a line, if it is one.
    pub(super) fn of_json(line: &[u8]) -> Option<Self> {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        match serde_json::from_slice(line) {
            Ok(seen @ Seen::Object(_)) => Some(Self(seen)),
            Ok(_) | Err(_) => None,
        }
    }

    /// The event of a record.
    pub(super) fn of_cells<'c>(header: &[String], cells: impl Iterator<Item = &'c str>) -> Self {
        let cells = header.iter().zip(cells);
        Self(Seen::Object(cells.map(|(name, cell)| (name.clone(), Seen::Cell(cell.to_owned()))).collect()))
    }

    /// The text of the scalar at a path, as a stream's `type` is compared.
    pub(super) fn text_at(&self, path: &[String]) -> Option<String> {
        let mut at = &self.0;
        for key in path {
            let Seen::Object(fields) = at else { return None };
            at = &fields.iter().find(|(name, _)| name == key)?.1;
        }
        at.text()
    }
}

impl Seen {
    /// The text of a scalar that may name a type.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Cell(text) if !text.is_empty() => Some(text.clone()),
            Self::Int(value) => Some(value.to_string()),
            Self::Null | Self::Bool | Self::Wide | Self::Float | Self::Text(_) | Self::Cell(_) | Self::List(_) | Self::Object(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SeenVisitor)
    }
}

struct SeenVisitor;

impl<'de> Visitor<'de> for SeenVisitor {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Seen, E> {
        Ok(Seen::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Seen, E> {
        Ok(Seen::Bool)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Seen, E> {
        Ok(Seen::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Seen, E> {
        Ok(i64::try_from(value).map_or(Seen::Wide, Seen::Int))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Seen, E> {
        // Whole numbers beyond 64 bits come as floats, too.
        Ok(if value.fract() == 0.0 && value.abs() >= 9.2e18 { Seen::Wide } else { Seen::Float })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Seen, E> {
        Ok(Seen::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Seen, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Seen::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Seen, A::Error> {
        let mut all: Vec<(String, Seen)> = Vec::new();
        while let Some(field) = fields.next_entry()? {
            all.push(field);
        }
        Ok(Seen::Object(all))
    }
}
