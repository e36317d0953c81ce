//! Sets of variables.

use crate::spec::VariableId;

/// A set of variables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct VariableSet(Vec<u64>);

crate::saved!(VariableSet(words));

impl VariableSet {
    /// The variables of these bits, the first being the lowest.
    pub(crate) fn of_bits(bits: u64) -> Self {
        Self(if bits == 0 { Vec::new() } else { vec![bits] })
    }

    pub(crate) fn insert(&mut self, variable: VariableId) {
        let word = variable.0 as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (variable.0 % 64);
    }

    /// The set in one word: a bit for each of the first 63 variables, the last bit for all others.
    pub(crate) fn marks(&self) -> u64 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        if rest.iter().any(|word| *word != 0) { first | 1 << 63 } else { *first }
    }

    pub(crate) fn contains(&self, variable: VariableId) -> bool {
        self.0.get(variable.0 as usize / 64).is_some_and(|word| word >> (variable.0 % 64) & 1 == 1)
    }

    pub(crate) fn extend(&mut self, other: &VariableSet) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }
}

/// The bit of a variable in [`VariableSet::marks`].
pub(crate) fn mark_of(variable: VariableId) -> u64 {
    1 << variable.0.min(63)
}

impl FromIterator<VariableId> for VariableSet {
    fn from_iter<I: IntoIterator<Item = VariableId>>(variables: I) -> Self {
        let mut set = Self::default();
        for variable in variables {
            set.insert(variable);
        }
        set
    }
}
