//! `ROWS n`: each n rows of a group give its aggregates (or the rows), at the place of the last one; an incomplete rest gives nothing.
//!
//! START_TIME and END_TIME are the first and the last of the rows. A group is kept while it has begun.

use super::contents::{Bounds, Contents, Recipe, Stand};
use super::early::Early;
use crate::data::{Inbox, Place, StateError, StateReader, StateWriter, Timestamp};
use crate::operators::groups::Groups;
use crate::operators::turns::{Turn, fired, turns};
use crate::operators::{Held, Operator, Outbox, Plain};
use crate::spec::WindowSpec;

/// Windows of so many rows.
#[derive(Debug)]
pub struct RowsWindow {
    recipe: Recipe,
    count: u64,
    groups: Groups<Begun>,
    early: Early,
    /// Rows so far: numbers the windows by their first rows.
    taken: u64,
}

#[derive(Debug)]
struct Begun {
    first: u64,
    start: Timestamp,
    end: Timestamp,
    rows: u64,
    contents: Contents,
}

crate::saved!(Begun { first, start, end, rows, contents });

impl Begun {
    fn bounds(&self, is_final: bool) -> Bounds {
        Bounds { start: self.start, end: self.end, is_final }
    }
}

impl RowsWindow {
    /// Keys and aggregates are the spec's.
    pub fn new(spec: &WindowSpec, count: u64) -> Self {
        Self { recipe: Recipe::new(spec), count, groups: Groups::new(), early: Early::new(spec.emit_every), taken: 0 }
    }

    fn fire(&mut self, limit: Place, floor: Place, out: &mut Outbox) {
        let Some(place) = self.early.place().filter(|&p| p < limit) else { return };
        let mut due: Vec<(u64, u32)> = self.early.take().into_iter().filter_map(|id| Some((self.groups.get(id)?.1.first, id))).collect();
        due.sort_unstable();
        for (_, id) in due {
            let (key, begun) = self.groups.get(id).expect("the group is due");
            self.recipe.put_out(key, &begun.contents, begun.bounds(false), Stand { place, moment: fired(place, floor) }, out);
        }
    }
}

impl Operator for RowsWindow {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let incoming = self.recipe.incoming(&inbox.inputs[0]);
        for turn in turns(inbox) {
            match turn {
                Turn::Time { limit, floor } => self.fire(limit, floor, out),
                Turn::Row { row, place, moment, .. } => {
                    let time = place.time();
                    let fresh = || Begun { first: self.taken, start: time, end: time, rows: 0, contents: self.recipe.empty() };
                    let id = self.groups.find_or(incoming.key(row), fresh);
                    self.taken += 1;
                    let begun = self.groups.of(id);
                    incoming.add_to(&mut begun.contents, row, place);
                    begun.rows += 1;
                    begun.end = time;
                    if begun.rows < self.count {
                        self.early.touch(id, time);
                        continue;
                    }
                    let (key, begun) = self.groups.get(id).expect("the group was found");
                    self.recipe.put_out(key, &begun.contents, begun.bounds(true), Stand { place, moment }, out);
                    self.groups.remove(id);
                }
            }
        }
    }

    fn takes_plain(&self) -> Plain {
        Plain::Always
    }

    fn keys(&self) -> usize {
        self.groups.len()
    }

    fn held(&self) -> Held {
        let (rows, bytes) = self.groups.iter().map(|b| b.contents.held()).fold((0, 0), |(r, b), (s, c)| (r + s, b + c));
        Held { keys: self.groups.len(), rows, bytes: bytes + self.groups.bytes(), dropped: 0 }
    }

    fn take_nulls(&mut self) -> u64 {
        self.recipe.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        let kept = self.groups.save(to);
        to.put(&self.taken);
        self.early.save(&kept, to);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let before = self.taken;
        self.recipe.introduce(from);
        let ids = self.groups.load(from, |begun| Begun { first: begun.first.saturating_add(before), ..begun })?;
        self.taken = before.saturating_add(from.take()?);
        if before > 0 {
            self.taken = number_anew(&mut self.groups);
        }
        self.early.load(&ids, from)
    }
}

/// Gives windows that have begun small numbers in the order of those that they have; gives the next.
fn number_anew(groups: &mut Groups<Begun>) -> u64 {
    let mut firsts: Vec<u64> = groups.iter().map(|begun| begun.first).collect();
    firsts.sort_unstable();
    for begun in groups.iter_mut() {
        begun.first = firsts.partition_point(|first| *first < begun.first) as u64;
    }
    firsts.len() as u64
}
