//! Which steps a text lets an event fit: where terms over an event alone read one column of texts and nothing else, a look at its code tells
//! all of them at once.

use std::sync::Arc;

use crate::data::{CodedText, Column, Dictionary, Value};
use crate::expr::{EvalContext, Expr};

/// The terms over one column of texts.
#[derive(Debug)]
pub(super) struct Marks {
    pub(super) column: usize,
    /// With the steps that have each, as bits.
    terms: Vec<(Expr, u64)>,
    /// It is held, so that no other has its name.
    dictionary: Option<Arc<Dictionary>>,
    /// Of each code, the steps that one of the terms forbids, as bits; and of NULL.
    forbidden: Vec<u64>,
    by_null: u64,
}

/// The column of texts that a term reads, if it reads nothing else, makes up no NULLs, and is of texts.
pub(super) fn text_column(term: &Expr, is_text: impl Fn(usize) -> bool) -> Option<usize> {
    let column = term.slot_alone()?.0 as usize;
    (is_text(column) && term.is_total()).then_some(column)
}

impl Marks {
    pub(super) fn new(column: usize, terms: Vec<(Expr, u64)>) -> Self {
        let by_null = forbidden(&terms, &Value::Null);
        Self { column, terms, dictionary: None, forbidden: Vec::new(), by_null }
    }

    /// Puts down, for each row, which of these steps its text leaves. Gives whether the texts come as codes.
    pub(super) fn put(&mut self, column: &Column, steps: u64, fits: &mut Vec<u64>) -> bool {
        let Column::Coded(texts) = column else { return false };
        self.turn_to(texts);
        let codes = texts.codes().values();
        match texts.nulls() {
            None => fits.extend(codes.iter().map(|code| steps & !self.forbidden[*code as usize])),
            Some(nulls) => fits.extend(codes.iter().zip(nulls).map(|(code, is_valid)| {
                let forbidden = if is_valid { self.forbidden[*code as usize] } else { self.by_null };
                steps & !forbidden
            })),
        }
        true
    }

    fn turn_to(&mut self, texts: &CodedText) {
        let dictionary = texts.dictionary();
        if !self.dictionary.as_ref().is_some_and(|known| Arc::ptr_eq(known, dictionary)) {
            self.dictionary = Some(dictionary.clone());
            self.forbidden.clear();
        }
        for code in self.forbidden.len()..dictionary.len() {
            let text = Value::string(dictionary.text(code as u32));
            self.forbidden.push(forbidden(&self.terms, &text));
        }
    }
}

/// The steps of which a term is not true of this value.
fn forbidden(terms: &[(Expr, u64)], text: &Value<'_>) -> u64 {
    let apart = EvalContext::new();
    let forbids = terms.iter().filter(|(term, _)| !term.is_true_of(text, &apart));
    forbids.fold(0, |steps, (_, of)| steps | of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ColumnBuilder, DataType};
    use crate::expr::{CompareOp, SlotId};

    #[test]
    fn a_text_leaves_the_steps_whose_terms_are_true_of_it() {
        let is = |text: &'static str| {
            Expr::compare(CompareOp::Eq, Expr::slot(SlotId(1), DataType::String), Expr::literal(Value::string(text))).unwrap()
        };
        let is_null = Expr::is_null(Expr::slot(SlotId(1), DataType::String));
        let mut marks = Marks::new(1, vec![(is("a"), 0b001), (is("b"), 0b010), (is_null, 0b100)]);
        let of = |builder: &mut ColumnBuilder, marks: &mut Marks, texts: &[Option<&str>]| {
            texts.iter().for_each(|text| builder.push(text.map_or(Value::Null, Value::string)));
            let mut fits = Vec::new();
            marks.put(&builder.finish(), 0b1111, &mut fits).then_some(fits)
        };
        let coded = &mut ColumnBuilder::interning(&DataType::String);
        assert_eq!(of(coded, &mut marks, &[Some("a"), Some("c"), Some("a")]), Some(vec![0b1001, 0b1000, 0b1001]));
        assert_eq!(of(coded, &mut marks, &[Some("b"), None, Some("a")]), Some(vec![0b1010, 0b1100, 0b1001]));
        let other = &mut ColumnBuilder::interning(&DataType::String);
        assert_eq!(of(other, &mut marks, &[Some("b"), Some("c")]), Some(vec![0b1010, 0b1000]));
        assert_eq!(of(&mut ColumnBuilder::new(&DataType::String, 0), &mut marks, &[Some("b")]), None);
    }
}
