//! Conditions over one column of codes: evaluated once a text, and looked up by the code for every row.
//!
//! What a condition is for a text does not change, and codes keep their texts; so it is kept in the [`EvalContext`] from batch to batch. A
//! text for which evaluation makes up NULLs is not kept, because those are counted a row.

use arrow_array::BooleanArray;
use arrow_buffer::{BooleanBuffer, NullBuffer};

use super::{Rows, bits_of};
use crate::data::{CodedText, Column, DataType, Value};
use crate::expr::tree::{Expr, ExprKind, SlotId};
use crate::expr::{EvalContext, Row};

/// Conditions that are remembered in one context; with more of them all are forgotten.
const MAX_KEPT: usize = 64;
/// Batches of fewer rows are evaluated row by row.
const MIN_ROWS: usize = 8;

/// What a condition is for the texts of one dictionary.
#[derive(Debug)]
pub(in crate::expr) struct KnownTexts {
    dictionary: u64,
    condition: Expr,
    /// By code.
    texts: Vec<Known>,
    /// How many of them are known to be true or false.
    settled: usize,
    null: Known,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Known {
    #[default]
    NotYet,
    True,
    False,
    Null,
    /// Evaluation makes up a NULL, which has to be counted each time.
    EachTime,
}

/// The one slot that is read.
struct OneText<'t>(Value<'t>);

impl Row for OneText<'_> {
    fn slot(&self, _: SlotId) -> Value<'_> {
        self.0.borrowed()
    }
}

/// What the slots of a term are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    Nothing,
    One(SlotId),
    /// Several, or something that is not known to be the same each time.
    More,
}

impl Reads {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (reads, Self::Nothing) | (Self::Nothing, reads) => reads,
            (a, b) if a == b => a,
            _ => Self::More,
        }
    }
}

impl Expr {
    /// The only slot that it reads, where it is the same each time that slot is.
    pub(crate) fn slot_alone(&self) -> Option<SlotId> {
        match reads(self) {
            Reads::One(slot) => Some(slot),
            Reads::Nothing | Reads::More => None,
        }
    }

    /// Whether a condition that reads one slot is true where that is this value.
    pub(crate) fn is_true_of(&self, value: &Value<'_>, context: &EvalContext) -> bool {
        self.is_true(&OneText(value.borrowed()), context)
    }
}

// Recursion: as deep as the expression, which the parser bounds.
fn reads(expr: &Expr) -> Reads {
    match &expr.kind {
        ExprKind::Literal(_) => Reads::Nothing,
        ExprKind::Slot(slot) => Reads::One(*slot),
        ExprKind::Custom(_) => Reads::More,
        _ => expr.args.iter().fold(Reads::Nothing, |all, arg| if all == Reads::More { all } else { all.and(reads(arg)) }),
    }
}

/// The values of a condition that reads one column of codes and nothing else.
pub(super) fn condition(expr: &Expr, rows: Rows<'_>) -> Option<Column> {
    if expr.data_type != DataType::Bool || rows.len() < MIN_ROWS {
        return None;
    }
    let Reads::One(slot) = reads(expr) else { return None };
    let Column::Coded(texts) = &rows.columns[slot.0 as usize] else { return None };
    rows.ctx.known_texts(|kept| {
        let at = kept.iter().position(|known| known.dictionary == texts.dictionary().id() && known.condition == *expr);
        let at = at.unwrap_or_else(|| {
            if kept.len() == MAX_KEPT {
                kept.clear();
            }
            kept.push(KnownTexts {
                dictionary: texts.dictionary().id(),
                condition: expr.clone(),
                texts: Vec::new(),
                settled: 0,
                null: Known::NotYet,
            });
            kept.len() - 1
        });
        kept[at].values(texts, rows)
    })
}

impl KnownTexts {
    fn values(&mut self, texts: &CodedText, rows: Rows<'_>) -> Option<Column> {
        self.texts.resize(texts.dictionary().len(), Known::NotYet);
        let codes = texts.codes().values();
        if texts.nulls().is_none() && self.settled == self.texts.len() {
            return Some(Column::Bool(BooleanArray::new(self.truths(codes), None)));
        }
        let (mut has_nulls, mut has_unknown) = (false, false);
        for (row, &code) in codes.iter().enumerate() {
            if texts.is_null(row) {
                if self.null == Known::NotYet && rows.counts(row) {
                    self.null = known(&self.condition, Value::Null);
                }
                has_nulls |= self.null == Known::Null;
                has_unknown |= self.null == Known::EachTime;
                continue;
            }
            let known_text = &mut self.texts[code as usize];
            if *known_text == Known::NotYet && rows.counts(row) {
                *known_text = known(&self.condition, Value::string(texts.dictionary().text(code)));
                self.settled += usize::from(matches!(*known_text, Known::True | Known::False));
            }
            has_nulls |= *known_text == Known::Null;
            has_unknown |= *known_text == Known::EachTime;
        }
        if has_unknown {
            return None;
        }
        let of_row = |row: usize| if texts.is_null(row) { self.null } else { self.texts[codes[row] as usize] };
        let values = if texts.nulls().is_some() {
            BooleanBuffer::collect_bool(codes.len(), |row| of_row(row) == Known::True)
        } else {
            self.truths(codes)
        };
        let nulls = has_nulls.then(|| NullBuffer::new(BooleanBuffer::collect_bool(codes.len(), |row| of_row(row) != Known::Null)));
        Some(Column::Bool(BooleanArray::new(values, nulls)))
    }
}

impl KnownTexts {
    /// Whether the condition is true, a bit a row.
    fn truths(&self, codes: &[u32]) -> BooleanBuffer {
        bits_of(codes, |code| self.texts[code as usize] == Known::True)
    }
}

fn known(condition: &Expr, text: Value<'_>) -> Known {
    let apart = EvalContext::new();
    let row = OneText(text);
    let value = condition.eval(&row, &apart);
    match value {
        _ if apart.nulls() > 0 => Known::EachTime,
        Value::Bool(true) => Known::True,
        Value::Bool(false) => Known::False,
        _ => Known::Null,
    }
}
