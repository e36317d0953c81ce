//! Events to the declarations of their streams: columns and types, the event time, how far out of order it came, and the field that says
//! which stream an event is of.
//!
//! In: events one by one, as JSON lines or as records of a table with a header. Out: [`Declaration`]s, whose text is a `CREATE STREAM`
//! that compiles as it is. Everything that is kept is bounded: a sample of the first events, from which the type field is chosen, then
//! counters a column (`Shape`); so a file of any length can be looked at. Equal events give equal declarations, however they were cut.

mod declaration;
mod event;
mod shape;
mod times;
mod type_field;

use std::collections::BTreeMap;

pub use declaration::{Declaration, TimeChoice, Wanted};
use event::Event;
use shape::Shape;

/// Events from which the type field is chosen.
const SAMPLE: usize = 4096;
/// Streams that are told apart; events of further types are only counted.
const STREAMS_MAX: usize = 500;

/// Looks at events.
#[derive(Debug)]
pub struct Observer {
    /// The field that says which stream an event is of, if it is known.
    type_field: Option<Vec<String>>,
    /// Names that are looked for among the types.
    names: Vec<String>,
    /// Whether the field has been chosen, which is done once.
    is_chosen: bool,
    sample: Vec<Event>,
    streams: Vec<Stream>,
    /// Where in `streams` each type is; events without one are under nothing.
    index: BTreeMap<Option<String>, usize>,
    header: Option<Vec<String>>,
    unread: u64,
    beyond: u64,
}

/// What has been seen of one type.
#[derive(Debug)]
struct Stream {
    type_name: Option<String>,
    events: u64,
    shape: Shape,
}

impl Observer {
    /// Looks for the type field itself, `type` before others; or takes this one, with dots between keys.
    pub fn new(type_field: Option<&str>) -> Self {
        Self {
            type_field: type_field.map(|field| field.split('.').map(str::to_owned).collect()),
            names: Vec::new(),
            is_chosen: type_field.is_some(),
            sample: Vec::new(),
            streams: Vec::new(),
            index: BTreeMap::new(),
            header: None,
            unread: 0,
            beyond: 0,
        }
    }

    /// Takes all events for one stream, whatever their type.
    #[must_use]
    pub fn of_one_stream() -> Self {
        Self { is_chosen: true, ..Self::new(None) }
    }

    /// Looks for a field that has these names as values, before others.
    #[must_use]
    pub fn looking_for(self, names: &[String]) -> Self {
        Self { names: names.to_vec(), ..self }
    }

    /// Takes one line of JSON. A blank one is passed over, one that is no object is counted.
    pub fn push_json(&mut self, line: &[u8]) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        match Event::of_json(line) {
            Some(event) => self.push(event),
            None => self.unread += 1,
        }
    }

    /// Takes the cells of a table's record; the first one of a table names the columns.
    pub fn push_record<'c>(&mut self, cells: impl Iterator<Item = &'c str>) {
        match &self.header {
            None => self.header = Some(cells.map(|cell| cell.trim().to_owned()).collect()),
            Some(header) => {
                let event = Event::of_cells(header, cells);
                self.push(event);
            }
        }
    }

    /// The end of one input of several: the next table has a header of its own.
    pub fn end_input(&mut self) {
        self.header = None;
    }

    /// How many lines were no event.
    pub fn unread(&self) -> u64 {
        self.unread
    }

    /// How many events were of types beyond the `STREAMS_MAX` that are told apart.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// The field that says which stream an event is of, with dots between keys, once it is known.
    pub fn type_field(&mut self) -> Option<String> {
        self.choose();
        self.type_field.as_ref().map(|path| path.join("."))
    }

    fn push(&mut self, event: Event) {
        if self.is_chosen {
            return self.observe(&event);
        }
        self.sample.push(event);
        if self.sample.len() >= SAMPLE {
            self.choose();
        }
    }

    /// Chooses the type field, and has the sample told apart by it.
    fn choose(&mut self) {
        if !self.is_chosen {
            self.type_field = type_field::choose(&self.sample, &self.names);
            self.is_chosen = true;
        }
        for event in std::mem::take(&mut self.sample) {
            self.observe(&event);
        }
    }

    fn observe(&mut self, event: &Event) {
        let type_name = self.type_field.as_ref().and_then(|path| event.text_at(path));
        let index = match self.index.get(&type_name) {
            Some(&index) => index,
            None if self.streams.len() >= STREAMS_MAX => {
                self.beyond += 1;
                return;
            }
            None => {
                self.streams.push(Stream { type_name: type_name.clone(), events: 0, shape: Shape::default() });
                self.index.insert(type_name, self.streams.len() - 1);
                self.streams.len() - 1
            }
        };
        let stream = &mut self.streams[index];
        stream.events += 1;
        stream.shape.observe(&event.0, 0);
    }

    /// A declaration a type, in the order of their first events. `whole` is the name of a stream that takes all events, where there is no
    /// type field. Events without a type, where others have one, belong to no stream.
    pub fn declarations(&mut self, whole: &str) -> Vec<Declaration> {
        self.choose();
        let mut taken = Vec::new();
        let typed = self.streams.iter().filter(|stream| stream.type_name.is_some() == self.type_field.is_some());
        typed
            .map(|stream| {
                let route = self.type_field.as_deref().zip(stream.type_name.as_deref());
                let declaration = Declaration::new(whole, route, stream.events, &stream.shape, &taken);
                taken.push(declaration.name().to_owned());
                declaration
            })
            .collect()
    }

    /// How many events have no type, though others have one.
    pub fn untyped(&self) -> u64 {
        if self.type_field.is_none() {
            return 0;
        }
        self.streams.iter().filter(|stream| stream.type_name.is_none()).map(|stream| stream.events).sum()
    }
}

#[cfg(test)]
mod tests;
