//! Joins by equal keys and nearness in time: each row meets the rows of the other side that are there already, and is then kept for later
//! ones (a symmetric hash join).
//!
//! A pair stands at the later of its rows and comes out with it, in the order of the earlier ones. An unmatched row of an outer or anti join
//! stands at its own place and is certain when no partner can come any more: after the events of the last time at which one could, or at
//! once where its key holds a NULL. A semi join gives a left row, at its own place, as soon as its first partner is known. So all but inner
//! joins may hold rows back, and tell the first unmatched row that they hold.
//!
//! Keys are numbers, rows are addresses of columns ([`Blocks`]): what comes out of an inbox is noted as addresses and gathered once, column by
//! column, at its end.

use std::sync::Arc;

use super::blocks::{Blocks, RowOf};
use super::side::{OfKey, Side, Stored};
use crate::data::{Allowance, Inbox, Place, Schema, StateError, StateReader, StateWriter, Value};
use crate::expr::{EvalContext, Expr, Row, SlotId};
use crate::operators::evaluate::columns;
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
    schemas: [Arc<Schema>; 2],
    sides: [Side; 2],
    blocks: [Blocks; 2],
    /// For each key its rows on either side.
    groups: Groups<[OfKey; 2]>,
    /// Keys that may have no rows any more. They go at the end of an inbox, because rows of it may still be theirs.
    idle: Vec<u32>,
    going: Going,
    holds: Holds,
    context: EvalContext,
}

/// What comes out of an inbox: the addresses of left and right rows, where they stand and when they were certain.
#[derive(Debug, Default)]
struct Going {
    rows: [Vec<Option<u64>>; 2],
    places: Vec<Place>,
    moments: Vec<Place>,
    allowance: Allowance,
    /// One moment has more rows than it may: the last one here is the first too many.
    is_over: bool,
}

/// With a bound of memory it is looked at each so many rows.
const LOOK_EVERY: usize = 4096;

impl Going {
    fn push(&mut self, left: Option<u64>, right: Option<u64>, place: Place, moment: Place) {
        if self.is_over {
            return;
        }
        self.rows[LEFT].push(left);
        self.rows[RIGHT].push(right);
        self.places.push(place);
        self.moments.push(moment);
        let (rows, limit) = (self.moments.len(), self.allowance.rows);
        self.is_over = rows > limit && self.moments[rows - 1 - limit] == moment;
        if self.allowance.memory.is_some() && rows.is_multiple_of(LOOK_EVERY) {
            // They are gathered as columns yet, of a word each at least.
            self.allowance.check_memory(rows * 2 * size_of::<Place>());
        }
    }

    fn push_alone(&mut self, side: usize, address: u64, place: Place, moment: Place) {
        let (left, right) = if side == LEFT { (Some(address), None) } else { (None, Some(address)) };
        self.push(left, right, place, moment);
    }

    fn push_pair(&mut self, arrival: Arrival, partner: u64, place: Place) {
        let (left, right) = if arrival.side == LEFT { (arrival.address, partner) } else { (partner, arrival.address) };
        self.push(Some(left), Some(right), place, arrival.moment);
    }
}

/// A row that waits, but for its values.
struct Waits {
    place: Place,
    key: u32,
    is_matched: bool,
}

crate::saved!(Waits { place, key, is_matched });

/// A row that has just come.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    side: usize,
    /// The number of its key; none where it holds a NULL.
    key: Option<u32>,
    address: u64,
    place: Place,
    moment: Place,
}

/// Two rows side by side: the slots of the left one, then those of the right one.
struct Pair<'b> {
    left: RowOf<'b>,
    right: RowOf<'b>,
}

impl Row for Pair<'_> {
    fn slot(&self, slot: SlotId) -> Value<'_> {
        let at = slot.0 as usize;
        if at < self.left.width() { self.left.value(at) } else { self.right.value(at - self.left.width()) }
    }
}

impl IntervalJoin {
    /// All kinds but the as-of joins, over rows of these columns.
    pub fn new(spec: JoinSpec, left: &Schema, right: &Schema) -> Self {
        Self {
            kind: spec.kind,
            keys: [spec.left_keys, spec.right_keys],
            residual: spec.residual,
            schemas: [Arc::new(left.clone()), Arc::new(right.clone())],
            sides: [Side::new(spec.after), Side::new(spec.before)],
            blocks: [Blocks::new(), Blocks::new()],
            groups: Groups::new(),
            idle: Vec::new(),
            going: Going::default(),
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

    fn take(&mut self, arrival: Arrival) {
        let Some(key) = arrival.key else {
            if self.gives_unmatched(arrival.side) {
                self.going.push_alone(arrival.side, arrival.address, arrival.place, arrival.moment);
            }
            return;
        };
        let is_matched = self.meet(arrival, key);
        self.keep(arrival, key, is_matched);
    }

    /// Lets a new row meet the rows of its key on the other side that are near enough, in order; whether it has a partner that counts.
    fn meet(&mut self, arrival: Arrival, key: u32) -> bool {
        let other = 1 - arrival.side;
        let Some(mut number) = self.groups.of(key)[other].first() else { return false };
        let time = arrival.place.time();
        let low = time.saturating_sub(self.sides[other].horizon());
        let high = time.saturating_add(self.sides[arrival.side].horizon());
        let (mut is_matched, mut is_decided) = (false, false);
        loop {
            let partner = *self.sides[other].of(number);
            if partner.place.time() > high {
                break;
            }
            if partner.place.time() >= low && self.fits(arrival, partner.address) {
                if self.is_existence() && arrival.side == LEFT {
                    if self.kind == JoinKind::Semi {
                        self.going.push_alone(LEFT, arrival.address, arrival.place, arrival.moment);
                    }
                    return true;
                }
                is_matched = true;
                match self.kind {
                    JoinKind::Semi => self.going.push_alone(LEFT, partner.address, partner.place, arrival.moment),
                    JoinKind::Anti => {}
                    _ => self.going.push_pair(arrival, partner.address, arrival.place),
                }
                is_decided |= self.is_existence();
                self.sides[other].of(number).is_matched = true;
            }
            match self.sides[other].next(number) {
                Some(next) => number = next,
                None => break,
            }
        }
        if is_decided {
            // Left rows of an existence join that are decided: no row meets them again.
            self.sides[LEFT].keep_unmatched(&mut self.groups.of(key)[LEFT]);
        }
        is_matched && !self.is_existence()
    }

    fn fits(&self, arrival: Arrival, partner: u64) -> bool {
        let Some(residual) = &self.residual else { return true };
        let (left, right) = if arrival.side == LEFT { (arrival.address, partner) } else { (partner, arrival.address) };
        let pair = Pair { left: self.blocks[LEFT].row(left), right: self.blocks[RIGHT].row(right) };
        residual.is_true(&pair, &self.context)
    }

    /// Keeps a new row if a partner can still come.
    fn keep(&mut self, arrival: Arrival, key: u32, is_matched: bool) {
        let Arrival { side, address, place, moment, .. } = arrival;
        let is_decided = is_matched && self.is_existence();
        if Place::behind(self.sides[side].deadline(place).time()) < place || is_decided {
            if !is_matched && self.gives_unmatched(side) {
                self.going.push_alone(side, address, place, moment);
            }
            self.idle.push(key);
            return;
        }
        self.sides[side].push(Stored::new(place, address, key, is_matched), &mut self.groups.of(key)[side]);
    }

    /// Whether a row is of no key any more: one of an existence join that is decided.
    fn has_left_its_key(&self, is_matched: bool) -> bool {
        is_matched && self.is_existence()
    }

    /// Lets rows go that no partner can reach any more: by deadline, then in order, the left one first.
    fn expire(&mut self, limit: Place, floor: Place, out: &mut Outbox) {
        loop {
            let due = [LEFT, RIGHT].into_iter().filter_map(|s| self.sides[s].next_deadline().map(|(deadline, place)| (deadline, place, s)));
            let Some((deadline, _, side)) = due.min().filter(|(deadline, ..)| Place::behind(deadline.time()) < limit) else { return };
            let Some(row) = self.sides[side].pop() else { return };
            if !self.has_left_its_key(row.is_matched) {
                Side::unlink(row, &mut self.groups.of(row.key)[side]);
                self.idle.push(row.key);
            }
            if row.is_matched {
                continue;
            }
            let moment = fired(deadline, floor);
            if self.gives_unmatched(side) {
                self.going.push_alone(side, row.address, row.place, moment);
            }
            self.tell(moment, out);
        }
    }

    /// Tells the first row that may still come out behind others.
    fn tell(&mut self, moment: Place, out: &mut Outbox) {
        if self.kind != JoinKind::Inner {
            let least = self.least_held();
            self.holds.tell(least, moment, out);
        }
    }

    /// The place of the first row that may still come out behind others.
    fn least_held(&mut self) -> Place {
        let mut least = Place::MAX;
        for side in [LEFT, RIGHT] {
            if self.gives_unmatched(side) || self.kind == JoinKind::Semi && side == LEFT {
                least = least.min(self.sides[side].first_unmatched());
            }
        }
        least
    }

    /// The key of each row of an inbox, and nothing for rows whose keys hold a NULL.
    fn keys_of(&mut self, inbox: &Inbox) -> [Vec<Option<u32>>; 2] {
        let mut found = Vec::new();
        [LEFT, RIGHT].map(|side| {
            let batch = &inbox.inputs[side];
            let keys = columns(&self.keys[side], batch, &self.context);
            self.groups.find_all(&keys, 0..batch.len(), Default::default, &mut found);
            let key = |(row, &key): (usize, &u32)| {
                let has_null = keys.iter().any(|column| column.is_null(row));
                if has_null {
                    self.idle.push(key);
                }
                (!has_null).then_some(key)
            };
            found.iter().enumerate().map(key).collect()
        })
    }

    /// Puts out what was noted, and forgets what is needed no more.
    fn end(&mut self, out: &mut Outbox) {
        let Going { rows: [left, right], places, moments, .. } = std::mem::take(&mut self.going);
        if !places.is_empty() {
            let mut columns = self.blocks[LEFT].gather(&self.schemas[LEFT], &left);
            if !self.is_existence() {
                columns.extend(self.blocks[RIGHT].gather(&self.schemas[RIGHT], &right));
            }
            out.columns(0, columns, places, moments.into());
        }
        while let Some(key) = self.idle.pop() {
            let is_idle = self.groups.get(key).is_some_and(|(_, [left, right])| left.is_empty() && right.is_empty());
            if is_idle {
                self.groups.remove(key);
            }
        }
        for side in [LEFT, RIGHT] {
            self.blocks[side].forget_before(self.sides[side].first_address(), &self.schemas[side]);
        }
    }
}

impl Operator for IntervalJoin {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        self.going.allowance = *out.allowance();
        let keys = self.keys_of(inbox);
        let first = [LEFT, RIGHT].map(|side| self.blocks[side].push(&inbox.inputs[side]));
        for turn in turns(inbox) {
            match turn {
                Turn::Time { limit, floor } => self.expire(limit, floor, out),
                Turn::Row { input, row, place, moment } => {
                    self.take(Arrival { side: input, key: keys[input][row], address: first[input] + row as u64, place, moment });
                    self.tell(moment, out);
                }
            }
            // Where too many rows have been put aside, putting them out ends the work.
            if self.going.is_over {
                break;
            }
        }
        self.end(out);
    }

    fn keys(&self) -> usize {
        self.groups.len()
    }

    fn held(&self) -> Held {
        let rows = self.sides.iter().map(Side::len).sum();
        let bytes = self.sides.iter().map(Side::bytes).chain(self.blocks.iter().map(Blocks::bytes)).sum::<usize>();
        Held { keys: self.groups.len(), rows, bytes: bytes + self.groups.bytes(), dropped: 0 }
    }

    fn lags(&self) -> bool {
        self.kind != JoinKind::Inner
    }

    fn held_from(&self) -> Place {
        self.holds.told()
    }

    fn take_nulls(&mut self) -> u64 {
        self.context.take_nulls()
    }

    /// A row that is decided, and only waits for its turn to go, is of no key any more, and gives nothing.
    fn save(&self, to: &mut StateWriter) {
        let kept = to.keys(self.groups.keys());
        for side in [LEFT, RIGHT] {
            let has_unkeyed = to.range().has_unkeyed();
            let is_asked = |row: &&Stored| if self.has_left_its_key(row.is_matched) { has_unkeyed } else { kept.has(row.key) };
            let rows: Vec<&Stored> = self.sides[side].iter().filter(is_asked).collect();
            let addresses: Vec<Option<u64>> = rows.iter().map(|row| Some(row.address)).collect();
            let waits = |row: &&Stored| Waits { place: row.place, key: row.key, is_matched: row.is_matched };
            to.put(&rows.iter().map(waits).collect::<Vec<_>>());
            to.columns(&self.blocks[side].gather(&self.schemas[side], &addresses), rows.len());
        }
        to.put(&self.holds);
    }

    /// The rows of a key are in order, and so follow from all rows.
    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let ids = self.groups.load_keys(from, Default::default)?;
        self.groups.iter_mut().for_each(|of_key| *of_key = Default::default());
        for side in [LEFT, RIGHT] {
            let waits: Vec<Waits> = from.take()?;
            let (columns, rows) = from.columns(&self.schemas[side])?;
            if rows != waits.len() {
                return Err(StateError::new("rows that wait of another number than their values"));
            }
            let first = self.blocks[side].push_columns(columns, rows);
            let mut all = self.sides[side].take_all();
            for (address, Waits { place, key, is_matched }) in (first..).zip(waits) {
                let key = if self.has_left_its_key(is_matched) { 0 } else { ids.get(key)? };
                all.push(Stored::new(place, address, key, is_matched));
            }
            // Of several parts, each is in order.
            all.sort_by_key(|row| row.place);
            let addresses: Vec<Option<u64>> = all.iter().map(|row| Some(row.address)).collect();
            let columns = self.blocks[side].gather(&self.schemas[side], &addresses);
            self.blocks[side].forget_before(None, &self.schemas[side]);
            let first = self.blocks[side].push_columns(columns, all.len());
            for (address, row) in (first..).zip(all) {
                let row = Stored::new(row.place, address, row.key, row.is_matched);
                if self.has_left_its_key(row.is_matched) {
                    self.sides[side].push_decided(row);
                } else {
                    self.sides[side].push(row, &mut self.groups.of(row.key)[side]);
                }
            }
        }
        self.holds = from.take()?;
        let least = self.least_held();
        self.holds.settle(least);
        Ok(())
    }
}
