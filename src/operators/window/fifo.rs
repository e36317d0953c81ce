//! The aggregate of a queue: parts come in at the back and go out at the front, and the total of all is asked in between.
//!
//! Two stacks. What came in lately lies at the `back`, part by part, with the total of all but the newest beside it; what goes out next lies
//! in `front`, where each entry holds the total of its own part and all later ones of the front. When the front is empty the back is turned
//! over. Every part is merged a bounded number of times, so pushing, popping and asking cost O(1) merges on average, however long the queue.
//! Merges keep the order of the parts, so order-dependent aggregates come out as in one pass; sums of floats are compensated in parts
//! and may differ from one pass in the last bit.
//!
//! Contents that are as large as what they hold (rows, sets, lists) would be copied into every total. For those nothing is kept but the
//! parts, and asking merges all of them: O(length of the queue).

use std::borrow::Cow;
use std::collections::VecDeque;

use super::contents::{Contents, Recipe};

/// A queue of contents. Each part has a time, which orders them, and the number of its first row.
#[derive(Debug, Default)]
pub(super) struct Fifo {
    /// Totals of suffixes, the oldest part last; without totals: empty.
    front: Vec<Part>,
    /// The later parts, in order; the last one may still grow.
    back: VecDeque<Part>,
    /// Total of the back without its last part, where totals are kept and there is more than one.
    back_total: Option<Contents>,
}

/// One part.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Where in time it stands.
    pub(super) time: i64,
    /// The number of its first row, over all rows of the operator.
    pub(super) first: u64,
    pub(super) contents: Contents,
}

crate::saved!(Fifo { front, back, back_total });
crate::saved!(Part { time, first, contents });

impl Fifo {
    /// The same with its rows numbered from so many on.
    pub(super) fn behind(mut self, rows: u64) -> Self {
        self.front.iter_mut().chain(&mut self.back).for_each(|part| part.first = part.first.saturating_add(rows));
        self
    }

    /// Of each part, where it stands in time and the number of its first row.
    pub(super) fn firsts(&mut self) -> impl Iterator<Item = (i64, &mut u64)> {
        self.front.iter_mut().chain(&mut self.back).map(|part| (part.time, &mut part.first))
    }

    /// Appends an empty part and gives it to be filled.
    pub(super) fn push(&mut self, recipe: &Recipe, time: i64, first: u64) -> &mut Contents {
        if recipe.keeps_totals()
            && let Some(newest) = self.back.back()
        {
            match &mut self.back_total {
                Some(total) => recipe.merge(total, &newest.contents),
                None => self.back_total = Some(newest.contents.clone()),
            }
        }
        self.back.push_back(Part { time, first, contents: recipe.empty() });
        &mut self.back.back_mut().expect("one was pushed").contents
    }

    /// The newest part, to be filled further.
    pub(super) fn newest(&mut self) -> Option<&mut Part> {
        // The newest part is turned over only when it is the next to go, and then nothing more comes to it.
        self.back.back_mut()
    }

    /// The oldest part's time and first row.
    pub(super) fn oldest(&self) -> Option<(i64, u64)> {
        self.front.last().or_else(|| self.back.front()).map(|p| (p.time, p.first))
    }

    /// The newest part's time.
    pub(super) fn latest(&self) -> Option<i64> {
        self.back.back().map(|p| p.time)
    }

    /// Whether there is no part.
    pub(super) fn is_empty(&self) -> bool {
        self.front.is_empty() && self.back.is_empty()
    }

    /// How many parts there are.
    pub(super) fn len(&self) -> usize {
        self.front.len() + self.back.len()
    }

    /// About how many rows and bytes are held.
    pub(super) fn held(&self) -> (usize, usize) {
        let parts = self.front.iter().chain(&self.back).map(|p| &p.contents).chain(&self.back_total);
        let room = size_of::<Part>() * (self.front.capacity() + self.back.capacity());
        parts.map(Contents::held).fold((0, room), |(r, b), (s, c)| (r + s, b + c))
    }

    /// Drops the oldest part.
    pub(super) fn pop(&mut self, recipe: &Recipe) {
        if !recipe.keeps_totals() || (self.front.is_empty() && self.back.len() <= 1) {
            self.back.pop_front();
            return;
        }
        if self.front.is_empty() {
            self.turn_over(recipe);
        }
        self.front.pop();
    }

    /// All but the newest part go to the front, as totals of suffixes.
    fn turn_over(&mut self, recipe: &Recipe) {
        let newest = self.back.pop_back();
        while let Some(mut part) = self.back.pop_back() {
            if let Some(later) = self.front.last() {
                recipe.merge(&mut part.contents, &later.contents);
            }
            self.front.push(part);
        }
        self.back.extend(newest);
        self.back_total = None;
    }

    /// The total of all parts.
    pub(super) fn total(&self, recipe: &Recipe) -> Cow<'_, Contents> {
        if !recipe.keeps_totals() {
            return merged(recipe, self.back.iter().map(|p| &p.contents));
        }
        let front = self.front.last().map(|p| &p.contents);
        let newest = self.back.back().map(|p| &p.contents);
        merged(recipe, front.into_iter().chain(&self.back_total).chain(newest))
    }

    /// For each of these times, which fall: the first row of the parts that stand there or later, and their total; nothing where there are
    /// none. It costs one merge a part and one a time, however many parts the totals share.
    pub(super) fn totals_since(&self, recipe: &Recipe, times: impl Iterator<Item = i64>) -> Vec<Option<(u64, Contents)>> {
        let mut back = self.back.iter().rev().peekable();
        let mut total: Option<(u64, Contents)> = None;
        let mut front = self.front.iter().peekable();
        let mut suffix: Option<&Part> = None;
        let of_time = |time: i64| {
            while let Some(part) = back.next_if(|part| part.time >= time) {
                let mut contents = part.contents.clone();
                if let Some((_, later)) = &total {
                    recipe.merge(&mut contents, later);
                }
                total = Some((part.first, contents));
            }
            while let Some(part) = front.next_if(|part| part.time >= time) {
                suffix = Some(part);
            }
            let Some(part) = suffix else { return total.clone() };
            let mut contents = part.contents.clone();
            if let Some((_, later)) = &total {
                recipe.merge(&mut contents, later);
            }
            Some((part.first, contents))
        };
        times.map(of_time).collect()
    }
}

/// The parts merged in order; a single one is not copied.
fn merged<'c>(recipe: &Recipe, mut parts: impl Iterator<Item = &'c Contents>) -> Cow<'c, Contents> {
    let mut total = match parts.next() {
        Some(first) => Cow::Borrowed(first),
        None => Cow::Owned(recipe.empty()),
    };
    for part in parts {
        recipe.merge(total.to_mut(), part);
    }
    total
}
