//! Joins with a table: each row meets the rows that the table has for it, as the table is at the row's place.
//!
//! In a reference table that is known at once: a row with a time column holds from its time until that of the next row of its key. In a view
//! it is known when the row's event is over: all changes that come of events up to and with the row's own count, whichever operator gave
//! them, so that nobody sees a view between two changes of one event. Until then the row is held back.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::evaluate::{KeptRow, Pair, bytes_of, columns, row_of, values_of};
use super::groups::Groups;
use super::table::{NewestRows, SharedTable, TableContents, TableRow};
use super::turns::{Holds, Turn, fired, turns};
use super::{Held, Operator, Outbox, Plain};
use crate::data::{Column, EventBatch, Inbox, Key, Place, StateError, StateReader, StateWriter, Timestamp, Value};
use crate::expr::{EvalContext, Expr, Row, SlotId};
use crate::spec::{JoinKind, LookupSpec};

const LEFT: usize = 0;

/// What a lookup does with what it finds.
#[derive(Debug)]
struct Pairing {
    spec: LookupSpec,
    nulls: KeptRow,
    context: EvalContext,
}

impl Pairing {
    fn new(spec: LookupSpec) -> Self {
        let nulls = vec![Value::Null; spec.width].into();
        Self { spec, nulls, context: EvalContext::new() }
    }

    /// Puts out what a row gives that has these partners, in order, before the residual condition.
    fn put_out<'r>(&self, left: &KeptRow, partners: impl Iterator<Item = &'r KeptRow>, at: (Place, Place), out: &mut Outbox) {
        let (place, moment) = at;
        let residual = self.spec.residual.as_ref();
        let mut fitting = partners.filter(|right| Pair { left, right }.fits(residual, &self.context)).peekable();
        let is_alone = fitting.peek().is_none();
        match self.spec.kind {
            JoinKind::Semi | JoinKind::Anti => {
                if is_alone == (self.spec.kind == JoinKind::Anti) {
                    out.row(0, left.iter().map(Value::borrowed), place, moment);
                }
                return;
            }
            JoinKind::Left if is_alone => out.row(0, Pair { left, right: &self.nulls }.values(), place, moment),
            JoinKind::Left | JoinKind::Inner | JoinKind::Right | JoinKind::Full | JoinKind::AsOf | JoinKind::LeftAsOf => {}
        }
        for right in fitting {
            out.row(0, Pair { left, right }.values(), place, moment);
        }
    }
}

/// The values of a row of a table as an expression reads them.
struct Cells<'r>(&'r [Value<'static>]);

impl Row for Cells<'_> {
    fn slot(&self, slot: SlotId) -> Value<'_> {
        self.0[slot.0 as usize].borrowed()
    }
}

/// The key of a table's row; nothing where it holds a NULL, which is equal to nothing.
fn key_of(exprs: &[Expr], row: &[Value<'static>], context: &EvalContext) -> Option<Vec<Value<'static>>> {
    let values = exprs.iter().map(|expr| Some(expr.eval(&Cells(row), context).into_owned()).filter(|value| !value.is_null()));
    values.collect()
}

/// Looks rows up in a reference table.
#[derive(Debug)]
pub struct Lookup {
    pairing: Pairing,
    table: SharedTable,
    contents: Arc<TableContents>,
    index: Groups<Found>,
}

/// The rows of a key of the join.
#[derive(Debug, Default)]
struct Found {
    /// In the order of the file, or, where they are versions of one primary key, of their times.
    rows: Vec<u32>,
    are_versions: bool,
}

impl Lookup {
    /// In the newest load of this table.
    pub fn new(spec: LookupSpec, table: SharedTable) -> Self {
        Self { pairing: Pairing::new(spec), table, contents: Arc::default(), index: Groups::new() }
    }

    /// Takes a new load where there is one.
    fn refresh(&mut self) {
        let newest = self.table.newest();
        if Arc::ptr_eq(&newest, &self.contents) {
            return;
        }
        self.index = Groups::new();
        for (number, row) in (0u32..).zip(newest.rows()) {
            if let Some(key) = key_of(&self.pairing.spec.right_keys, &row.values, &self.pairing.context) {
                let id = self.index.find_or(key.iter().map(Value::borrowed), Found::default);
                self.index.of(id).rows.push(number);
            }
        }
        for found in self.index.iter_mut() {
            found.are_versions = newest.order_versions(&mut found.rows);
        }
        self.contents = newest;
    }

    /// The rows for a key that hold at a time.
    fn partners(&self, key: Option<Key>, time: Timestamp) -> impl Iterator<Item = &TableRow> {
        let id = key.and_then(|key| self.index.find(key.as_ref()));
        let found = id.and_then(|id| self.index.get(id)).map(|(_, found)| found);
        let version = found.filter(|found| found.are_versions).and_then(|found| self.contents.version(&found.rows, time));
        let rows = found.filter(|found| !found.are_versions).into_iter().flat_map(|found| &found.rows);
        let rows = rows.map(|&row| &self.contents.rows()[row as usize]).filter(move |row| row.holds_at(time));
        version.into_iter().chain(rows)
    }
}

/// The key of a row of the stream; nothing where it holds a NULL.
fn left_key(keys: &[Column], row: usize) -> Option<Key> {
    let has_null = values_of(keys, row).any(|value| value.is_null());
    (!has_null).then(|| Key::encode(values_of(keys, row)))
}

impl Operator for Lookup {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let batch = &inbox.inputs[LEFT];
        if batch.is_empty() {
            return;
        }
        self.refresh();
        let keys = columns(&self.pairing.spec.left_keys, batch, &self.pairing.context);
        for turn in turns(inbox) {
            let Turn::Row { row, place, moment, .. } = turn else { continue };
            let partners = self.partners(left_key(&keys, row), place.time()).map(|found| &found.values);
            self.pairing.put_out(&row_of(batch, row), partners, (place, moment), out);
        }
    }

    fn takes_plain(&self) -> Plain {
        Plain::Always
    }

    fn held(&self) -> Held {
        // The table itself is not state of the run: it is the same however long that lasts.
        Held { bytes: self.index.bytes(), ..Held::default() }
    }

    fn take_nulls(&mut self) -> u64 {
        self.pairing.context.take_nulls()
    }

    /// The table is loaded anew; whether its keys have been looked at is all there is to say.
    fn save(&self, to: &mut StateWriter) {
        to.put(&!self.contents.rows().is_empty());
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        if from.take()? {
            self.refresh();
            // The NULLs of its keys were counted then.
            self.pairing.context.take_nulls();
        }
        Ok(())
    }
}

/// Looks rows up in a view, whose changes are input 1: its columns, then whether the key has a row.
#[derive(Debug)]
pub struct ViewLookup {
    pairing: Pairing,
    view: NewestRows,
    /// The rows of each key of the join, by the numbers of the view's keys.
    index: Groups<BTreeSet<u32>>,
    /// Rows whose event is not over.
    pending: VecDeque<Pending>,
    holds: Holds,
}

#[derive(Debug)]
struct Pending {
    place: Place,
    values: KeptRow,
    key: Option<Key>,
}

crate::saved!(Pending { place, values, key });

impl ViewLookup {
    /// In a view whose key has these columns, and which may have rows already.
    pub fn new(spec: LookupSpec, key: Vec<usize>, rows: Option<NewestRows>) -> Self {
        let view = rows.unwrap_or_else(|| NewestRows::new(key));
        let mut lookup = Self { pairing: Pairing::new(spec), view, index: Groups::new(), pending: VecDeque::new(), holds: Holds::new() };
        lookup.index_all();
        lookup
    }

    /// Finds the key of the join of every row of the view.
    fn index_all(&mut self) {
        self.index = Groups::new();
        for id in self.view.ids() {
            let row = self.view.of(id).expect("every number has its row");
            if let Some(key) = key_of(&self.pairing.spec.right_keys, row, &self.pairing.context) {
                let at = self.index.find_or(key.iter().map(Value::borrowed), BTreeSet::new);
                self.index.of(at).insert(id);
            }
        }
        // These NULLs were counted when the rows came.
        self.pairing.context.take_nulls();
    }

    fn take_change(&mut self, batch: &EventBatch, row: usize) {
        let width = self.pairing.spec.width;
        let values: KeptRow = batch.columns()[..width].iter().map(|column| column.value(row).into_owned()).collect();
        let is_there = batch.value(width, row).is_true();
        let (id, before) = self.view.put(values, is_there);
        let key = |row: &KeptRow| key_of(&self.pairing.spec.right_keys, row, &self.pairing.context);
        let (old, new) = (before.as_ref().and_then(key), self.view.of(id).and_then(key));
        if old == new {
            return;
        }
        if let Some(old) = old {
            let at = self.index.find_or(old.iter().map(Value::borrowed), BTreeSet::new);
            let rows = self.index.of(at);
            rows.remove(&id);
            if rows.is_empty() {
                self.index.remove(at);
            }
        }
        if let Some(new) = new {
            let at = self.index.find_or(new.iter().map(Value::borrowed), BTreeSet::new);
            self.index.of(at).insert(id);
        }
    }

    /// Decides the rows whose event is over.
    fn decide(&mut self, limit: Place, floor: Place, out: &mut Outbox) {
        while let Some(left) = self.pending.front() {
            let over = left.place.end_of_event();
            if over >= limit {
                return;
            }
            let moment = fired(over, floor);
            let found = left.key.as_ref().and_then(|key| self.index.find(key.as_ref())).and_then(|id| self.index.get(id));
            let rows = found.into_iter().flat_map(|(_, rows)| rows).filter_map(|&id| self.view.of(id));
            self.pairing.put_out(&left.values, rows, (left.place, moment), out);
            self.pending.pop_front();
            self.tell(moment, out);
        }
    }

    fn tell(&mut self, moment: Place, out: &mut Outbox) {
        let least = self.pending.front().map_or(Place::MAX, |left| left.place);
        self.holds.tell(least, moment, out);
    }
}

impl Operator for ViewLookup {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let keys = columns(&self.pairing.spec.left_keys, &inbox.inputs[LEFT], &self.pairing.context);
        for turn in turns(inbox) {
            match turn {
                Turn::Time { limit, floor } => self.decide(limit, floor, out),
                Turn::Row { input: LEFT, row, place, moment } => {
                    let values = row_of(&inbox.inputs[LEFT], row);
                    self.pending.push_back(Pending { place, values, key: left_key(&keys, row) });
                    self.tell(moment, out);
                }
                Turn::Row { input, row, .. } => self.take_change(&inbox.inputs[input], row),
            }
        }
    }

    fn takes_plain(&self) -> Plain {
        Plain::Always
    }

    fn keys(&self) -> usize {
        self.view.len()
    }

    fn held(&self) -> Held {
        let pending = self.pending.iter().map(|left| size_of::<Pending>() + bytes_of(&left.values));
        let bytes = pending.sum::<usize>() + self.view.bytes() + self.index.bytes();
        Held { keys: self.view.len(), rows: self.pending.len(), bytes, dropped: 0 }
    }

    fn lags(&self) -> bool {
        true
    }

    fn take_nulls(&mut self) -> u64 {
        self.pairing.context.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        self.view.save(to);
        let is_asked = |left: &&Pending| left.key.as_ref().map_or(to.range().has_unkeyed(), |key| to.range().contains(key.as_ref()));
        let pending: Vec<&Pending> = self.pending.iter().filter(is_asked).collect();
        to.list(pending.into_iter());
        to.put(&self.holds);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.view.load(from)?;
        self.index_all();
        self.pending.extend(from.list::<Pending>()?);
        self.pending.make_contiguous().sort_by_key(|left| left.place);
        let holds: Holds = from.take()?;
        self.holds = std::mem::replace(&mut self.holds, Holds::new()).and(holds);
        Ok(())
    }
}
