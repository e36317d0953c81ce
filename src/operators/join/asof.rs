//! As-of joins: each left row meets the latest right row at or before its time.
//!
//! "At or before" is about time alone, so a right row of the same time counts wherever it stands: a left row is decided after all events of
//! its time, stands at its own place, and is held back until then. When it is decided no later right row has come, so the latest one of its
//! key is its partner; of rows of one time it is the last that came. What else ON asks picks among the right rows, so with such a condition
//! all of a key are kept as long as TOLERANCE says (for ever where there is none); without one the latest is enough.

use std::collections::VecDeque;

use crate::data::{Column, Duration};
use crate::data::{EventBatch, Inbox, Key, Phase, Place, Schema, StateError, StateReader, StateWriter, Timestamp, Value};
use crate::expr::{EvalContext, Expr};
use crate::operators::evaluate::{KeptRow, Pair, bytes_of, columns, row_of, values_of};
use crate::operators::groups::Groups;
use crate::operators::memory::fit_queue;
use crate::operators::turns::{Holds, Turn, fired, turns};
use crate::operators::{Held, Operator, Outbox, Plain};
use crate::spec::{JoinKind, JoinSpec};

const LEFT: usize = 0;

/// An as-of join of two inputs.
#[derive(Debug)]
pub struct AsOfJoin {
    keeps_unmatched: bool,
    keys: [Vec<Expr>; 2],
    tolerance: Duration,
    residual: Option<Expr>,
    /// The right rows of each key that may still be needed, in order.
    groups: Groups<VecDeque<RightRow>>,
    /// Time, number and key of right rows in order, where TOLERANCE lets them go.
    expiring: VecDeque<(Timestamp, u64, u32)>,
    /// Right rows so far: numbers them.
    taken: u64,
    /// Left rows of the time that is now, in order.
    pending: VecDeque<LeftRow>,
    nulls: KeptRow,
    holds: Holds,
    context: EvalContext,
}

#[derive(Debug)]
struct RightRow {
    number: u64,
    time: Timestamp,
    values: KeptRow,
}

#[derive(Debug)]
struct LeftRow {
    place: Place,
    values: KeptRow,
    /// `None` where it holds a NULL.
    key: Option<Key>,
}

crate::saved!(RightRow { number, time, values });
crate::saved!(LeftRow { place, values, key });

impl AsOfJoin {
    /// The kinds `AsOf` and `LeftAsOf`; `right` are the columns of the right input.
    pub fn new(spec: JoinSpec, right: &Schema) -> Self {
        Self {
            keeps_unmatched: spec.kind == JoinKind::LeftAsOf,
            keys: [spec.left_keys, spec.right_keys],
            tolerance: spec.before,
            residual: spec.residual,
            groups: Groups::new(),
            expiring: VecDeque::new(),
            taken: 0,
            pending: VecDeque::new(),
            nulls: vec![Value::Null; right.len()].into(),
            holds: Holds::new(),
            context: EvalContext::new(),
        }
    }

    fn take_left(&mut self, batch: &EventBatch, keys: &[Column], row: usize, place: Place) {
        let has_null = values_of(keys, row).any(|v| v.is_null());
        if has_null && !self.keeps_unmatched {
            return;
        }
        let key = (!has_null).then(|| Key::encode(values_of(keys, row)));
        self.pending.push_back(LeftRow { place, values: row_of(batch, row), key });
    }

    fn take_right(&mut self, batch: &EventBatch, keys: &[Column], row: usize, place: Place) {
        if values_of(keys, row).any(|v| v.is_null()) {
            return;
        }
        let (time, number) = (place.time(), self.taken);
        self.taken += 1;
        let id = self.groups.find_or(values_of(keys, row), VecDeque::new);
        let rows = self.groups.of(id);
        if self.residual.is_none() {
            rows.clear();
        }
        rows.push_back(RightRow { number, time, values: row_of(batch, row) });
        if self.tolerance < Duration(i64::MAX) {
            self.expiring.push_back((time, number, id));
        }
    }

    /// Decides the left rows whose time is over.
    fn decide(&mut self, limit: Place, floor: Place, out: &mut Outbox) {
        while let Some(left) = self.pending.front() {
            if Place::behind(left.place.time()) >= limit {
                return;
            }
            let over = Place::bound(left.place.time(), Phase::After);
            let moment = fired(over, floor);
            let right = self.partner(left).or(self.keeps_unmatched.then_some(&self.nulls));
            if let Some(right) = right {
                out.row(0, Pair { left: &left.values, right }.values(), left.place, moment);
            }
            self.pending.pop_front();
            fit_queue(&mut self.pending);
            self.tell(moment, out);
        }
    }

    fn partner(&self, left: &LeftRow) -> Option<&KeptRow> {
        let id = self.groups.find(left.key.as_ref()?.as_ref())?;
        let (_, rows) = self.groups.get(id)?;
        let earliest = left.place.time().saturating_sub(self.tolerance);
        let near = rows.iter().rev().take_while(|right| right.time >= earliest);
        let fits = |right: &RightRow| Pair { left: &left.values, right: &right.values }.fits(self.residual.as_ref(), &self.context);
        near.map(|right| (right, fits(right))).find(|&(_, fits)| fits).map(|(right, _)| &right.values)
    }

    /// Forgets the right rows that are too old for any left row at or behind `limit`.
    fn expire(&mut self, limit: Place) {
        let earliest = limit.time().saturating_sub(self.tolerance);
        while let Some(&(time, number, id)) = self.expiring.front()
            && time < earliest
        {
            self.expiring.pop_front();
            fit_queue(&mut self.expiring);
            // A row that a later one of its key has replaced is gone, and its key's number may be another's now.
            if self.groups.get(id).is_some_and(|(_, rows)| rows.front().is_some_and(|right| right.number == number)) {
                let rows = self.groups.of(id);
                rows.pop_front();
                if rows.is_empty() {
                    self.groups.remove(id);
                }
            }
        }
    }

    fn least_held(&self) -> Place {
        self.pending.front().map_or(Place::MAX, |left| left.place)
    }

    fn tell(&mut self, moment: Place, out: &mut Outbox) {
        self.holds.tell(self.least_held(), moment, out);
    }
}

impl Operator for AsOfJoin {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let keys = [0, 1].map(|side: usize| columns(&self.keys[side], &inbox.inputs[side], &self.context));
        for turn in turns(inbox) {
            match turn {
                Turn::Time { limit, floor } => {
                    self.decide(limit, floor, out);
                    self.expire(limit);
                }
                Turn::Row { input: LEFT, row, place, moment } => {
                    self.take_left(&inbox.inputs[LEFT], &keys[LEFT], row, place);
                    self.tell(moment, out);
                }
                Turn::Row { input, row, place, .. } => self.take_right(&inbox.inputs[input], &keys[input], row, place),
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
        let kept = self.groups.iter().flatten().map(|right| size_of::<RightRow>() + bytes_of(&right.values));
        let pending = self.pending.iter().map(|left| size_of::<LeftRow>() + bytes_of(&left.values));
        let expiring = self.expiring.capacity() * size_of::<(Timestamp, u64, u32)>();
        let rows = self.groups.iter().map(VecDeque::len).sum::<usize>() + self.pending.len();
        Held { keys: self.groups.len(), rows, bytes: kept.chain(pending).sum::<usize>() + expiring + self.groups.bytes(), dropped: 0 }
    }

    fn lags(&self) -> bool {
        true
    }

    fn held_from(&self) -> Place {
        self.holds.told()
    }

    fn take_nulls(&mut self) -> u64 {
        self.context.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        let kept = self.groups.save(to);
        to.put(&self.expiring.iter().filter(|(.., id)| kept.has(*id)).copied().collect::<Vec<_>>());
        to.put(&self.taken);
        let is_asked = |left: &&LeftRow| left.key.as_ref().map_or(to.range().has_unkeyed(), |key| to.range().contains(key.as_ref()));
        let pending: Vec<&LeftRow> = self.pending.iter().filter(is_asked).collect();
        to.list(pending.into_iter());
        to.put(&self.holds);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        // Numbers tell rows of one key apart, also from those of a key that had its number before: each part has its own.
        let ids = self.groups.load(from, |rows| rows)?;
        for (time, number, id) in from.take::<Vec<(Timestamp, u64, u32)>>()? {
            self.expiring.push_back((time, number, ids.get(id)?));
        }
        self.expiring.make_contiguous().sort_by_key(|(time, ..)| *time);
        self.taken = self.taken.max(from.take()?);
        self.pending.extend(from.list::<LeftRow>()?);
        self.pending.make_contiguous().sort_by_key(|left| left.place);
        self.holds = from.take()?;
        self.holds.settle(self.least_held());
        Ok(())
    }
}
