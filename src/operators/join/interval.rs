//! Joins by equal keys and nearness in time: each row meets the rows of the other side that are there already, and is then kept for later
//! ones (a symmetric hash join).
//!
//! A pair stands at the later of its rows and comes out with it, in the order of the earlier ones. An unmatched row of an outer or anti join
//! stands at its own place and is certain when no partner can come any more: after the events of the last time at which one could, or at
//! once where its key holds a NULL. A semi join gives a left row, at its own place, as soon as its first partner is known. So all but inner
//! joins may hold rows back, and tell the first unmatched row that they hold.

use std::collections::VecDeque;

use super::side::{Side, Stored};
use crate::data::{Column, EventBatch, Inbox, Place, Schema, StateError, StateReader, StateWriter, Value};
use crate::expr::{EvalContext, Expr};
use crate::operators::evaluate::{KeptRow, Pair, bytes_of, columns, row_of, values_of};
use crate::operators::groups::Groups;
use crate::operators::turns::{Holds, Turn, fired, turns};
use crate::operators::{Held, Operator, Outbox};
use crate::spec::{JoinKind, JoinSpec};

const LEFT: usize = 0;
const RIGHT: usize = 1;

/// A join of two inputs by keys and time.
#[derive(Debug)]
pub struct IntervalJoin {
    kind: JoinKind,
    keys: [Vec<Expr>; 2],
    residual: Option<Expr>,
    sides: [Side; 2],
    /// For each key, the numbers of its rows on either side, in order.
    groups: Groups<[VecDeque<u64>; 2]>,
    /// A row of NULLs for either side.
    nulls: [KeptRow; 2],
    holds: Holds,
    context: EvalContext,
}

/// A row that has just come.
#[derive(Debug)]
struct Arrival {
    side: usize,
    key: u32,
    values: KeptRow,
    place: Place,
    moment: Place,
}

impl IntervalJoin {
    /// All kinds but the as-of joins, over rows of these columns.
    pub fn new(spec: JoinSpec, left: &Schema, right: &Schema) -> Self {
        let nulls = |schema: &Schema| vec![Value::Null; schema.len()].into();
        Self {
            kind: spec.kind,
            keys: [spec.left_keys, spec.right_keys],
            residual: spec.residual,
            sides: [Side::new(spec.after), Side::new(spec.before)],
            groups: Groups::new(),
            nulls: [nulls(left), nulls(right)],
            holds: Holds::new(),
            context: EvalContext::new(),
        }
    }

    /// Whether a row of this side comes out if it meets no partner.
    fn gives_unmatched(&self, side: usize) -> bool {
        match self.kind {
            JoinKind::Left | JoinKind::Anti => side == LEFT,
            JoinKind::Right => side == RIGHT,
            JoinKind::Full => true,
            JoinKind::Inner | JoinKind::Semi | JoinKind::AsOf | JoinKind::LeftAsOf => false,
        }
    }

    /// Whether only left rows come out, and at most once each.
    fn is_existence(&self) -> bool {
        matches!(self.kind, JoinKind::Semi | JoinKind::Anti)
    }

    fn take(&mut self, batch: &EventBatch, keys: &[Column], turn: (usize, usize), place: Place, moment: Place, out: &mut Outbox) {
        let (side, row) = turn;
        if values_of(keys, row).any(|v| v.is_null()) {
            if self.gives_unmatched(side) {
                self.put_out_unmatched(side, &row_of(batch, row), place, moment, out);
            }
            return;
        }
        let key = self.groups.find_or(values_of(keys, row), Default::default);
        let arrival = Arrival { side, key, values: row_of(batch, row), place, moment };
        let is_matched = if self.is_existence() { self.meet_for_existence(&arrival, out) } else { self.meet(&arrival, out) };
        self.keep(arrival, is_matched, out);
    }

    /// The numbers of the rows of the other side that are near enough to a new one, in order.
    fn near(&mut self, arrival: &Arrival) -> Vec<u64> {
        let other = 1 - arrival.side;
        let time = arrival.place.time();
        let low = time.saturating_sub(self.sides[other].horizon());
        let high = time.saturating_add(self.sides[arrival.side].horizon());
        let (groups, sides) = (&mut self.groups, &mut self.sides);
        let is_near = |&number: &u64| (low..=high).contains(&sides[other].of(number).place.time());
        groups.of(arrival.key)[other].iter().copied().filter(is_near).collect()
    }

    /// Puts out the pairs that a new row makes; whether there are any.
    fn meet(&mut self, arrival: &Arrival, out: &mut Outbox) -> bool {
        let mut is_matched = false;
        for number in self.near(arrival) {
            let partner = self.sides[1 - arrival.side].of(number);
            let pair = pair_of(arrival, &partner.values);
            if pair.fits(self.residual.as_ref(), &self.context) {
                out.row(0, pair.values(), arrival.place, arrival.moment);
                partner.is_matched = true;
                is_matched = true;
            }
        }
        is_matched
    }

    /// Semi and anti joins: whether a new left row has a partner, or which left rows get one by a new right row.
    fn meet_for_existence(&mut self, arrival: &Arrival, out: &mut Outbox) -> bool {
        let gives_matched = self.kind == JoinKind::Semi;
        for number in self.near(arrival) {
            let partner = self.sides[1 - arrival.side].of(number);
            if !pair_of(arrival, &partner.values).fits(self.residual.as_ref(), &self.context) {
                continue;
            }
            if arrival.side == LEFT {
                if gives_matched {
                    out.row(0, arrival.values.iter().map(Value::borrowed), arrival.place, arrival.moment);
                }
                return true;
            }
            if gives_matched {
                out.row(0, partner.values.iter().map(Value::borrowed), partner.place, arrival.moment);
            }
            // It is decided: nothing needs its values or meets it again.
            partner.is_matched = true;
            partner.values = KeptRow::from([]);
        }
        if arrival.side == RIGHT {
            let (groups, sides) = (&mut self.groups, &mut self.sides);
            groups.of(arrival.key)[LEFT].retain(|&number| !sides[LEFT].of(number).is_matched);
        }
        false
    }

    /// Keeps a new row if a partner can still come.
    fn keep(&mut self, arrival: Arrival, is_matched: bool, out: &mut Outbox) {
        let Arrival { side, key, values, place, moment } = arrival;
        let is_decided = is_matched && self.is_existence();
        if self.sides[side].deadline(place) < place || is_decided {
            if !is_matched && self.gives_unmatched(side) {
                self.put_out_unmatched(side, &values, place, moment, out);
            }
            self.forget_if_empty(key);
            return;
        }
        let number = self.sides[side].push(Stored { values, place, key, is_matched });
        self.groups.of(key)[side].push_back(number);
    }

    /// Whether a row is decided, and only waits for its turn to go.
    fn has_left_its_key(&self, row: &Stored) -> bool {
        row.is_matched && self.is_existence()
    }

    fn forget_if_empty(&mut self, key: u32) {
        if self.groups.of(key).iter().all(VecDeque::is_empty) {
            self.groups.remove(key);
        }
    }

    fn put_out_unmatched(&self, side: usize, values: &[Value<'static>], place: Place, moment: Place, out: &mut Outbox) {
        if self.is_existence() {
            out.row(0, values.iter().map(Value::borrowed), place, moment);
        } else if side == LEFT {
            out.row(0, Pair { left: values, right: &self.nulls[RIGHT] }.values(), place, moment);
        } else {
            out.row(0, Pair { left: &self.nulls[LEFT], right: values }.values(), place, moment);
        }
    }

    /// Lets rows go that no partner can reach any more: by deadline, then in order, the left one first.
    fn expire(&mut self, limit: Place, floor: Place, out: &mut Outbox) {
        loop {
            let due = [LEFT, RIGHT].into_iter().filter_map(|s| self.sides[s].next_deadline().map(|(deadline, place)| (deadline, place, s)));
            let Some((deadline, _, side)) = due.min().filter(|&(deadline, ..)| deadline < limit) else { return };
            let Some((number, row)) = self.sides[side].pop() else { return };
            // A decided row of an existence join has left its key already.
            if !self.has_left_its_key(&row) {
                let first = self.groups.of(row.key)[side].pop_front();
                debug_assert_eq!(first, Some(number), "rows of a key are in order");
                self.forget_if_empty(row.key);
            }
            if row.is_matched {
                continue;
            }
            let moment = fired(deadline, floor);
            if self.gives_unmatched(side) {
                self.put_out_unmatched(side, &row.values, row.place, moment, out);
            }
            self.tell(moment, out);
        }
    }

    /// Tells the first row that may still come out behind others.
    fn tell(&mut self, moment: Place, out: &mut Outbox) {
        let mut least = Place::MAX;
        for side in [LEFT, RIGHT] {
            if self.gives_unmatched(side) || self.kind == JoinKind::Semi && side == LEFT {
                least = least.min(self.sides[side].first_unmatched());
            }
        }
        self.holds.tell(least, moment, out);
    }
}

fn pair_of<'p>(arrival: &'p Arrival, partner: &'p [Value<'static>]) -> Pair<'p> {
    if arrival.side == LEFT { Pair { left: &arrival.values, right: partner } } else { Pair { left: partner, right: &arrival.values } }
}

impl Operator for IntervalJoin {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let keys = [LEFT, RIGHT].map(|side| columns(&self.keys[side], &inbox.inputs[side], &self.context));
        for turn in turns(inbox) {
            match turn {
                Turn::Time { limit, floor } => self.expire(limit, floor, out),
                Turn::Row { input, row, place, moment } => {
                    self.take(&inbox.inputs[input], &keys[input], (input, row), place, moment, out);
                    self.tell(moment, out);
                }
            }
        }
    }

    fn takes_plain(&self) -> bool {
        true
    }

    fn held(&self) -> Held {
        let rows = self.sides.iter().map(Side::len).sum();
        let of_row = |row: &Stored| size_of::<Stored>() + size_of::<u64>() + bytes_of(&row.values);
        let bytes = self.sides.iter().flat_map(Side::iter).map(of_row).sum::<usize>() + self.groups.bytes();
        Held { keys: self.groups.len(), rows, bytes, dropped: 0 }
    }

    fn lags(&self) -> bool {
        self.kind != JoinKind::Inner
    }

    fn take_nulls(&mut self) -> u64 {
        self.context.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        let kept = to.keys(self.groups.keys());
        for side in &self.sides {
            let rows: Vec<&Stored> = side.iter().filter(|row| self.has_left_its_key(row) || kept.has(row.key)).collect();
            to.list(rows.into_iter());
        }
        to.put(&self.holds);
    }

    /// The rows of a key are in order, and so follow from all rows.
    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let ids = self.groups.load_keys(from, Default::default)?;
        for side in [LEFT, RIGHT] {
            let mut rows = from.list::<Stored>()?;
            for row in rows.iter_mut().filter(|row| !(row.is_matched && self.is_existence())) {
                row.key = ids.get(row.key)?;
            }
            self.sides[side].add(rows);
        }
        self.groups.iter_mut().for_each(|numbers| *numbers = Default::default());
        for side in [LEFT, RIGHT] {
            let rows: Vec<(u64, u32)> =
                self.sides[side].numbered().filter(|(_, row)| !self.has_left_its_key(row)).map(|(number, row)| (number, row.key)).collect();
            for (number, key) in rows {
                self.groups.of(key)[side].push_back(number);
            }
        }
        let holds: Holds = from.take()?;
        self.holds = std::mem::replace(&mut self.holds, Holds::new()).and(holds);
        Ok(())
    }
}
