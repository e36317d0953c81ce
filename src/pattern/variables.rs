//! Sets of variables.

use crate::spec::VariableId;

/// A set of variables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct VariableSet(Vec<u64>);

impl VariableSet {
    pub(crate) fn insert(&mut self, variable: VariableId) {
        let word = variable.0 as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (variable.0 % 64);
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

impl FromIterator<VariableId> for VariableSet {
    fn from_iter<I: IntoIterator<Item = VariableId>>(variables: I) -> Self {
        let mut set = Self::default();
        for variable in variables {
            set.insert(variable);
        }
        set
    }
}
