//! What evaluation shares and counts besides its result.

use std::cell::{Cell, RefCell};

use regex::Regex;

use super::batch::KnownTexts;

/// Counts the NULLs that evaluation had to make up: by division by zero, overflow, failed casts and the like. One per thread of evaluation.
#[derive(Debug, Default)]
pub struct EvalContext {
    nulls: Cell<u64>,
    /// The last pattern that came from data; rows that follow each other mostly bring the same one.
    pattern: RefCell<Option<(String, Option<Regex>)>>,
    /// What conditions are for the texts of dictionaries.
    known_texts: RefCell<Vec<KnownTexts>>,
}

impl EvalContext {
    /// A context that has counted nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many NULLs were made up so far.
    pub fn nulls(&self) -> u64 {
        self.nulls.get()
    }

    /// Counts so many more.
    pub fn count_nulls(&self, count: u64) {
        self.nulls.set(self.nulls.get() + count);
    }

    /// The count, which starts again from zero.
    pub fn take_nulls(&self) -> u64 {
        self.nulls.take()
    }

    /// Works with what is kept of conditions over texts.
    pub(super) fn known_texts<T>(&self, work: impl FnOnce(&mut Vec<KnownTexts>) -> T) -> T {
        work(&mut self.known_texts.borrow_mut())
    }

    /// The regular expression of a pattern that is not constant, if it is one.
    pub(crate) fn regex(&self, pattern: &str) -> Option<Regex> {
        let mut last = self.pattern.borrow_mut();
        match &*last {
            Some((text, regex)) if text == pattern => regex.clone(),
            _ => {
                let regex = Regex::new(pattern).ok();
                *last = Some((pattern.to_owned(), regex.clone()));
                regex
            }
        }
    }
}
