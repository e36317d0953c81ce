//! What has been seen at one place of many events: how often each kind of value, and the same for what is inside.

use std::collections::BTreeMap;

use super::event::Seen;
use super::times::Times;

/// Keys of one object that are told apart.
const FIELDS_MAX: usize = 2000;
/// How deep objects are looked into; what lies deeper is JSON.
const DEPTH_MAX: usize = 6;
/// How many characters of a text are shown.
const SHOWN_MAX: usize = 24;
/// An object with so many keys, of which few are in each event, is a map: its keys are values.
const MAP_FROM: usize = 64;

/// Counts of the kinds of values at one place.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    /// All values that are not null.
    pub(super) count: u64,
    bools: u64,
    ints: u64,
    floats: u64,
    texts: u64,
    /// The first text, cut to what can be shown.
    first_text: Option<String>,
    lists: u64,
    objects: u64,
    /// What lies too deep, or is of no kind of its own.
    others: u64,
    pub(super) times: Times,
    item: Option<Box<Shape>>,
    pub(super) fields: Fields,
}

/// The keys of an object, in the order of their first coming.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    names: BTreeMap<String, usize>,
    all: Vec<(String, Shape)>,
}

/// What a place holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    Bool,
    Int,
    Float,
    Text,
    Json,
    List(Box<Kind>),
    /// The keys stand in the shape's fields.
    Object,
}

impl Fields {
    /// Every key with its shape.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.all.iter().map(|(name, shape)| (name.as_str(), shape))
    }

    fn shape_of(&mut self, name: &str) -> Option<&mut Shape> {
        let index = match self.names.get(name) {
            Some(&index) => index,
            None if self.all.len() >= FIELDS_MAX => return None,
            None => {
                self.names.insert(name.to_owned(), self.all.len());
                self.all.push((name.to_owned(), Shape::default()));
                self.all.len() - 1
            }
        };
        Some(&mut self.all[index].1)
    }
}

impl Shape {
    /// Takes a value into account.
    // Recursion: one level an object or list, cut off at `DEPTH_MAX`.
    pub(super) fn observe(&mut self, seen: &Seen, depth: usize) {
        match seen {
            Seen::Null => return,
            Seen::Bool => self.bools += 1,
            Seen::Int(value) => {
                self.ints += 1;
                self.times.see_number(*value);
            }
            // Whole numbers beyond 64 bits are kept exactly as text.
            Seen::Wide => self.texts += 1,
            Seen::Float => self.floats += 1,
            Seen::Text(text) => self.see_text(text),
            Seen::Cell(text) => return self.observe_cell(text),
            Seen::List(_) | Seen::Object(_) if depth >= DEPTH_MAX => self.others += 1,
            Seen::List(items) => {
                self.lists += 1;
                let shape = self.item.get_or_insert_default();
                items.iter().for_each(|item| shape.observe(item, depth + 1));
            }
            Seen::Object(fields) => {
                self.objects += 1;
                for (name, value) in fields {
                    if let Some(shape) = self.fields.shape_of(name) {
                        shape.observe(value, depth + 1);
                    }
                }
            }
        }
        self.count += 1;
    }

    /// A cell of a table: an empty one is null, and what reads as a number is one, unless it has leading zeros like the id that it then is.
    fn observe_cell(&mut self, text: &str) {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return;
        }
        self.count += 1;
        let digits = trimmed.strip_prefix('-').unwrap_or(trimmed);
        let is_id = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        let looks_like_number = digits.starts_with(|c: char| c.is_ascii_digit()) && digits.bytes().all(|b| b"0123456789.eE+-".contains(&b));
        match trimmed.parse() {
            Ok(value) if !is_id => {
                self.ints += 1;
                self.times.see_number(value);
            }
            _ if looks_like_number && !is_id && trimmed.parse::<f64>().is_ok_and(f64::is_finite) => self.floats += 1,
            _ if trimmed.eq_ignore_ascii_case("true") || trimmed.eq_ignore_ascii_case("false") => self.bools += 1,
            _ => self.see_text(trimmed),
        }
    }

    fn see_text(&mut self, text: &str) {
        self.texts += 1;
        self.first_text.get_or_insert_with(|| text.chars().take(SHOWN_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect());
        self.times.see_text(text);
    }

    /// Of values that are mostly numbers but for a text or two: how many are, and the first that is not.
    pub(super) fn mostly_numbers(&self) -> Option<(u64, &str)> {
        let numbers = self.ints + self.floats;
        let is_mixed = numbers + self.texts == self.count && numbers > self.texts;
        is_mixed.then_some(())?;
        Some((numbers, self.first_text.as_deref()?))
    }

    /// What the place holds. Kinds that do not go together are text where all are scalars, and else JSON.
    pub(super) fn kind(&self) -> Kind {
        let scalars = self.bools + self.ints + self.floats + self.texts;
        if self.count == 0 {
            Kind::Nothing
        } else if scalars == self.count {
            match self.count {
                all if all == self.bools => Kind::Bool,
                all if all == self.ints => Kind::Int,
                all if all == self.ints + self.floats => Kind::Float,
                _ => Kind::Text,
            }
        } else if self.lists == self.count {
            match self.item.as_ref().map_or(Kind::Nothing, |item| item.kind()) {
                Kind::Object | Kind::Json | Kind::List(_) => Kind::Json,
                Kind::Nothing => Kind::List(Box::new(Kind::Text)),
                scalar => Kind::List(Box::new(scalar)),
            }
        } else if self.objects == self.count && !self.is_map() && !self.fields.all.is_empty() {
            Kind::Object
        } else {
            Kind::Json
        }
    }

    fn is_map(&self) -> bool {
        let inside: u64 = self.fields.iter().map(|(_, shape)| shape.count).sum();
        self.fields.all.len() >= MAP_FROM && inside / self.objects.max(1) < self.fields.all.len() as u64 / 8
    }
}
