//! Operators that take notes: each does what the one in its place does, and remembers what it refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::data::{Duration, Entry, EventBatch, Inbox, Key, Place, StateError, StateReader, StateWriter, Value};
use crate::expr::{BatchRow, EvalContext, Expr, ExprKind};
use crate::operators::{Held, Operator, Outbox, Plain, Transform};
use crate::pattern::trace::{FalseTerm, Tracer, false_terms};
use crate::spec::{JoinSpec, WindowKind, WindowSpec};

/// Refused rows that are kept: the closest.
const REFUSED_KEPT: usize = 8;

/// Notes that an operator and whoever asks share.
pub(super) type Shared<T> = Arc<Mutex<T>>;

/// Looks at shared notes. What a panic left behind is still notes.
pub(super) fn locked<T, R>(shared: &Shared<T>, look: impl FnOnce(&mut T) -> R) -> R {
    look(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
}

/// What is known of one operator.
#[derive(Debug)]
pub(super) enum Notes {
    Pattern(Shared<Option<Tracer>>),
    Filter(Shared<FilterNotes>),
    Join(Shared<JoinNotes>),
    Window(Shared<WindowNotes>),
    Nothing,
}

/// What a condition has refused.
#[derive(Debug, Default)]
pub(super) struct FilterNotes {
    /// The AND-ed terms.
    pub(super) terms: Vec<Expr>,
    pub(super) rows: u64,
    pub(super) passed: u64,
    /// For how many rows each term alone is true.
    pub(super) true_for: Vec<u64>,
    /// The refused rows that came closest, the closest first.
    pub(super) refused: Vec<RefusedRow>,
    pub(super) asked: Vec<(String, String)>,
}

/// A row that a condition has refused.
#[derive(Debug)]
pub(super) struct RefusedRow {
    pub(super) place: Place,
    pub(super) terms: Vec<FalseTerm>,
    pub(super) row: EventBatch,
}

/// What has come to the sides of a join.
#[derive(Debug)]
pub(super) struct JoinNotes {
    pub(super) rows: [u64; 2],
    /// Rows with a NULL in their keys.
    pub(super) without_key: [u64; 2],
    /// The last rows of each key, on either side.
    pub(super) keys: BTreeMap<Key, [Vec<Place>; 2]>,
    /// So many keys are remembered.
    most_keys: usize,
    /// Rows of further keys, which are left out.
    pub(super) left_out: u64,
    /// Pairs of equal keys that lay near enough.
    pub(super) near: u64,
    /// The pair of equal keys that lay nearest of those too far apart: by how much, left, right, key.
    pub(super) nearest: Option<(Duration, Place, Place, Key)>,
    /// Pairs that were near enough, and the first of them.
    pub(super) example: Option<(Place, Place)>,
}

/// What has come to a window.
#[derive(Debug)]
pub(super) struct WindowNotes {
    pub(super) rows: u64,
    /// Rows of each group.
    pub(super) groups: BTreeMap<Key, u64>,
    /// So many groups are remembered.
    most_groups: usize,
    /// Rows of further groups, which are left out.
    pub(super) left_out: u64,
}

/// The AND-ed terms of a condition.
pub(super) fn and_terms(condition: &Expr) -> Vec<Expr> {
    match condition.kind() {
        ExprKind::And => condition.args().iter().flat_map(and_terms).collect(),
        _ => vec![condition.clone()],
    }
}

/// A filter that takes notes.
#[derive(Debug)]
pub(super) struct FilterTap {
    pub(super) inner: Box<dyn Transform>,
    pub(super) notes: Shared<FilterNotes>,
}

impl Transform for FilterTap {
    fn apply(&mut self, batch: &EventBatch) -> EventBatch {
        locked(&self.notes, |notes| notes.see(batch));
        let out = self.inner.apply(batch);
        locked(&self.notes, |notes| notes.passed += out.len() as u64);
        out
    }

    fn is_done(&self) -> bool {
        self.inner.is_done()
    }

    fn take_nulls(&mut self) -> u64 {
        self.inner.take_nulls()
    }
}

impl FilterNotes {
    fn see(&mut self, batch: &EventBatch) {
        let context = EvalContext::new();
        self.true_for.resize(self.terms.len(), 0);
        for row in 0..batch.len() {
            self.rows += 1;
            let view = BatchRow { batch, row };
            for (term, count) in self.terms.iter().zip(&mut self.true_for) {
                *count += u64::from(term.eval(&view, &context).is_true());
            }
            let wrong = false_terms(&self.terms, &view, &context);
            if wrong.is_empty() || !self.is_asked(batch, row) {
                continue;
            }
            let measure = |terms: &[FalseTerm]| (terms.len(), terms.iter().map(|term| term.distance).sum::<f64>());
            let at = self.refused.iter().position(|known| measure(&wrong) < measure(&known.terms)).unwrap_or(self.refused.len());
            if at < REFUSED_KEPT {
                let number = [u32::try_from(row).expect("a batch has fewer than 2^32 rows")];
                self.refused.insert(at, RefusedRow { place: batch.places()[row], terms: wrong, row: batch.gather(&number) });
                self.refused.truncate(REFUSED_KEPT);
            }
        }
    }

    fn is_asked(&self, batch: &EventBatch, row: usize) -> bool {
        self.asked.iter().all(|(name, value)| {
            let column = name.rsplit_once('.').map_or(name.as_str(), |(_, column)| column);
            let columns = batch.schema().fields().iter().enumerate().filter(|(_, field)| *field.name == **name || *field.name == *column);
            columns.into_iter().any(|(column, _)| super::text_of(&batch.value(column, row)) == *value)
        })
    }
}

/// An operator with state that takes notes.
#[derive(Debug)]
pub(super) struct Tap {
    pub(super) inner: Box<dyn Operator>,
    pub(super) looker: Looker,
}

/// Who takes the notes.
#[derive(Debug)]
pub(super) enum Looker {
    Pattern(Shared<Option<Tracer>>),
    Join(Box<JoinSpec>, Shared<JoinNotes>),
    Window(Box<WindowSpec>, Shared<WindowNotes>),
}

impl Operator for Tap {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        match &self.looker {
            Looker::Pattern(tracer) => locked(tracer, |tracer| tracer.iter_mut().for_each(|tracer| tracer.take(inbox))),
            Looker::Join(spec, notes) => locked(notes, |notes| notes.see(spec, inbox)),
            Looker::Window(spec, notes) => locked(notes, |notes| notes.see(spec, inbox)),
        }
        self.inner.advance(inbox, out);
    }

    fn takes_plain(&self) -> Plain {
        self.inner.takes_plain()
    }

    fn keys(&self) -> usize {
        self.inner.keys()
    }

    fn forget_idle(&mut self, at: Place) {
        self.inner.forget_idle(at);
    }

    fn held(&self) -> Held {
        self.inner.held()
    }

    fn lags(&self) -> bool {
        self.inner.lags()
    }

    fn take_nulls(&mut self) -> u64 {
        self.inner.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        self.inner.save(to);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.inner.load(from)
    }
}

/// The rows of an inbox: input, batch, row, place.
fn rows_of(inbox: &Inbox) -> Vec<(usize, usize, Place)> {
    if inbox.is_plain {
        return inbox.inputs[0].places().iter().enumerate().map(|(row, place)| (0, row, *place)).collect();
    }
    let rows = inbox.entries.iter().filter_map(|entry| match *entry {
        Entry::Row { input, row, place, .. } => Some((usize::from(input), row as usize, place)),
        Entry::Watermark(_) => None,
    });
    rows.collect()
}

impl JoinNotes {
    pub(super) fn new(most_keys: usize) -> Self {
        let (rows, without_key, keys) = ([0; 2], [0; 2], BTreeMap::new());
        Self { rows, without_key, keys, most_keys, left_out: 0, near: 0, nearest: None, example: None }
    }

    fn see(&mut self, spec: &JoinSpec, inbox: &Inbox) {
        let context = EvalContext::new();
        for (input, row, place) in rows_of(inbox) {
            let side = input.min(1);
            self.rows[side] += 1;
            let view = BatchRow { batch: &inbox.inputs[input], row };
            let exprs = if side == 0 { &spec.left_keys } else { &spec.right_keys };
            let values: Vec<Value<'_>> = exprs.iter().map(|expr| expr.eval(&view, &context)).collect();
            if values.iter().any(Value::is_null) {
                self.without_key[side] += 1;
                continue;
            }
            let key = Key::encode(values.into_iter());
            if self.keys.len() >= self.most_keys && !self.keys.contains_key(&key) {
                self.left_out += 1;
                continue;
            }
            let known = self.keys.entry(key.clone()).or_default();
            for other in known[1 - side].clone() {
                let (left, right) = if side == 0 { (place, other) } else { (other, place) };
                self.meet(spec, left, right, &key);
            }
            let known = self.keys.entry(key).or_default();
            known[side].push(place);
            if known[side].len() > 4 {
                known[side].remove(0);
            }
        }
    }

    /// Two rows of one key.
    fn meet(&mut self, spec: &JoinSpec, left: Place, right: Place, key: &Key) {
        let after = right.time().since(left.time());
        let too_far = if after.0 > spec.after.0 {
            after.0.saturating_sub(spec.after.0)
        } else {
            after.0.saturating_neg().saturating_sub(spec.before.0)
        };
        if too_far <= 0 {
            self.near += 1;
            self.example.get_or_insert((left, right));
        } else if self.nearest.as_ref().is_none_or(|(known, ..)| too_far < known.0) {
            self.nearest = Some((Duration(too_far), left, right, key.clone()));
        }
    }
}

impl WindowNotes {
    pub(super) fn new(most_groups: usize) -> Self {
        Self { rows: 0, groups: BTreeMap::new(), most_groups, left_out: 0 }
    }

    fn see(&mut self, spec: &WindowSpec, inbox: &Inbox) {
        let context = EvalContext::new();
        for (input, row, _) in rows_of(inbox) {
            self.rows += 1;
            if !matches!(spec.kind, WindowKind::Rows(_)) {
                continue;
            }
            let view = BatchRow { batch: &inbox.inputs[input], row };
            let key = Key::encode(spec.keys.iter().map(|expr| expr.eval(&view, &context)));
            if self.groups.len() < self.most_groups || self.groups.contains_key(&key) {
                *self.groups.entry(key).or_default() += 1;
            } else {
                self.left_out += 1;
            }
        }
    }
}
