//! Which variables the rows of a batch fit, as bits, where nothing but the row decides that; and numbers for the sets that occur.

use hashbrown::HashMap;

use super::terms::Terms;
use crate::data::EventBatch;
use crate::spec::VariableId;

/// The variables that the rows of a batch fit.
pub(crate) type Masks = Vec<u64>;

/// For each input, which variables its rows fit, of a pattern of at most 64 variables with unary terms.
pub(super) fn masks(terms: &Terms, inputs: &[EventBatch]) -> Vec<Masks> {
    let mut masks: Vec<Masks> = inputs.iter().map(|batch| vec![0; batch.len()]).collect();
    for (number, variable) in (0..).zip(&terms.spec.variables) {
        let (batch, masks) = (&inputs[variable.input], &mut masks[variable.input]);
        if !batch.is_empty() {
            mark(terms, VariableId(number), batch, masks);
        }
    }
    masks
}

fn mark(terms: &Terms, variable: VariableId, batch: &EventBatch, masks: &mut Masks) {
    let bit = 1 << variable.0;
    match terms.unary_of(variable) {
        [] => masks.iter_mut().for_each(|mask| *mask |= bit),
        [term] => {
            let truth = term.truth(batch, &terms.context);
            for (masks, mut truths) in masks.chunks_mut(64).zip(truth.bit_chunks().iter_padded()) {
                while truths != 0 {
                    masks[truths.trailing_zeros() as usize] |= bit;
                    truths &= truths - 1;
                }
            }
        }
        of_variable => {
            let mut held = vec![0; batch.len()];
            for term in of_variable {
                term.select(batch, &terms.context).into_iter().for_each(|row| held[row as usize] += 1);
            }
            let all = held.iter().zip(masks).filter(|(held, _)| **held == of_variable.len());
            all.for_each(|(_, mask)| *mask |= bit);
        }
    }
}

/// Numbers by sets of variables; sets of the first eight in a table.
#[derive(Debug)]
pub(super) struct ByMask {
    small: [u32; 256],
    others: HashMap<u64, u32, ahash::RandomState>,
    /// In the order of their numbers.
    all: Vec<u64>,
}

/// Not known yet.
const UNKNOWN: u32 = u32::MAX;

impl Default for ByMask {
    fn default() -> Self {
        Self { small: [UNKNOWN; 256], others: HashMap::with_hasher(ahash::RandomState::with_seeds(53, 59, 61, 67)), all: Vec::new() }
    }
}

impl ByMask {
    #[inline]
    pub(super) fn get(&self, mask: u64) -> Option<u32> {
        match usize::try_from(mask).ok().and_then(|small| self.small.get(small)) {
            Some(number) => Some(*number).filter(|number| *number != UNKNOWN),
            None => self.others.get(&mask).copied(),
        }
    }

    /// All sets, in the order of their numbers.
    pub(super) fn masks(&self) -> &Vec<u64> {
        &self.all
    }

    /// Gives a set the next number, from 0.
    pub(super) fn insert(&mut self, mask: u64, number: u32) {
        debug_assert_eq!(self.all.len(), number as usize, "numbers are given in order");
        self.all.push(mask);
        match u8::try_from(mask) {
            Ok(small) => self.small[usize::from(small)] = number,
            Err(_) => {
                self.others.insert(mask, number);
            }
        }
    }
}
