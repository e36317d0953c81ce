//! One look at each event for all operators that read a stream: rows in, for each operator the rows that can matter to it out.
//!
//! The terms on single events of all operators stand in one table: equal ones once, constants and texts looked up by column (`columns`,
//! `texts`), the rest evaluated once a batch. A row finds the conditions that it may fulfil by the rarest of their atoms; of conditions that
//! matter only while something is under way at the row's key (`waiting`), those that are looked for there. So an operator costs nothing for
//! rows that cannot change it, and what a row costs grows with what it fulfils.
//!
//! Always: the rows that an operator is given are in order, none that could change it is left out, and the bits beside a row say for which
//! variables of the operator its terms hold, but for variables that cannot count then. Which atoms find a condition is chosen by how often
//! they held so far, and shows in nothing but the time it takes.

mod atoms;
mod build;
mod columns;
mod condition;
mod texts;
mod waiting;

use std::ops::Range;

use crate::data::{EventBatch, Place, Timestamp};
use crate::expr::{EvalContext, Expr};
use crate::spec::Attention;
use atoms::Atom;
use columns::{Columns, row_number};
use condition::{Condition, ConditionId, Evaluated, When};
use texts::AtomId;
use waiting::{Open, Waiting};

/// After so many rows it is first looked how often atoms hold; then after eight times as many, and so on.
const ADAPT_FROM: u64 = 1024;
/// How many rows of a batch are looked at for that.
const SAMPLE: usize = 1024;
/// Conditions that are found in fewer rows than one of so many are looked for by their atoms, the others where they are waited for.
const DRIVEN_BELOW: f64 = 1.0 / 64.0;

/// How much room for rows an operator keeps between rounds.
const ROWS_KEPT: usize = 16;

/// The mark of a condition that no atoms find.
const LOOKED_FOR: u64 = u64::MAX;

/// An operator and what it looks at.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Which of the streams each of its inputs reads.
    pub edges: Vec<usize>,
    /// What it looks at.
    pub attention: Attention,
    /// The key of its partitions over the columns of each input; none where there is one partition.
    pub keys: Vec<Vec<Expr>>,
}

/// A row for an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// Which row of the batch of its input.
    pub row: u32,
    /// Which input of the operator.
    pub input: u16,
    /// The variables, as bits, whose terms hold for it.
    pub fits: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Dispatch {
    edges: Vec<OfEdge>,
    conditions: Vec<Condition>,
    evaluated: Vec<Evaluated>,
    groups: Vec<Waiting>,
    readers: Vec<OfReader>,
    deliveries: Vec<Vec<Delivery>>,
    /// For each operator, where its last event stands and where its rows begin.
    events: Vec<(Place, usize)>,
    /// Operators with rows in this round.
    touched: Vec<u32>,
    rows: u64,
    adapt_at: u64,
    /// By condition that is waited for, the row at which its atoms held last; [`LOOKED_FOR`] where it is looked for at each row.
    marks: Vec<u64>,
    /// Operators that have something under way of which nothing is known here.
    resumed: Option<Resumed>,
    context: EvalContext,
    /// What was found for the rows of this batch, by stream.
    found: Vec<Found>,
    fulfilled: Vec<ConditionId>,
}

/// A stream, and what is looked up in its rows.
#[derive(Debug)]
struct OfEdge {
    atoms: Vec<Atom>,
    columns: Columns,
    always: Option<AtomId>,
    /// By atom, the conditions that it finds: those that always matter, and those that matter later.
    finds: Vec<Finds>,
    groups: Vec<usize>,
    evaluated: Vec<usize>,
    /// Atoms that are such terms.
    found_by_terms: Vec<(AtomId, usize)>,
    hits: Vec<u64>,
    sampled: u64,
}

#[derive(Debug, Default)]
struct Finds {
    always: Vec<ConditionId>,
    later: Vec<ConditionId>,
}

#[derive(Debug)]
struct OfReader {
    /// Its conditions that matter later.
    later: Vec<ConditionId>,
    /// How long something can be under way, in nanoseconds.
    longest: i64,
    /// Its terms that make up NULLs, as often as they stand there.
    counting: Vec<usize>,
}

/// What was found for the rows of a batch.
#[derive(Debug, Default)]
struct Found {
    /// As it was found: of each column in order of the rows, of all in none.
    pairs: Vec<(u32, AtomId)>,
    /// In order of the rows.
    atoms: Vec<AtomId>,
    /// By row, where its own begin; and where all end.
    begins: Vec<u32>,
}

/// Operators whose state came from elsewhere: until it is over, all their conditions matter at every key.
#[derive(Debug)]
struct Resumed {
    readers: Vec<bool>,
    conditions: Vec<ConditionId>,
    /// The longest time that something can be under way, in nanoseconds, and when it is over; that is known from the first row on.
    longest: i64,
    until: Option<Timestamp>,
}

/// What a dispatch has and holds, for being told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DispatchSize {
    /// Distinct things that are looked up or evaluated.
    pub atoms: usize,
    /// Conditions of operators.
    pub conditions: usize,
    /// Operators that may have something under way, over all keys.
    pub waiting: usize,
    /// Bytes, about.
    pub bytes: usize,
}

impl Dispatch {
    /// The rows of one round, one batch a stream. Afterwards [`Self::touched`] says who has rows.
    pub fn round(&mut self, batches: &[&EventBatch]) {
        for reader in self.touched.drain(..) {
            let rows = &mut self.deliveries[reader as usize];
            rows.clear();
            rows.shrink_to(ROWS_KEPT);
        }
        self.find(batches);
        let with_rows: Vec<usize> = (0..batches.len()).filter(|&edge| !batches[edge].is_empty()).collect();
        match with_rows.as_slice() {
            [] => {}
            [edge] => (0..batches[*edge].len()).for_each(|row| self.row(*edge, batches[*edge], row)),
            _ => in_order(batches).into_iter().for_each(|(edge, row)| self.row(edge, batches[edge], row)),
        }
        self.touched.sort_unstable();
        if self.rows >= self.adapt_at {
            self.adapt_at = self.adapt_at.saturating_mul(8);
            self.adapt(batches);
        }
    }

    /// An operator has taken in a state, so it may have something under way: no row has come since that could have begun it.
    pub fn resumed(&mut self, reader: u32) {
        let OfReader { later, longest, .. } = &self.readers[reader as usize];
        let none = || Resumed { readers: vec![false; self.deliveries.len()], conditions: Vec::new(), longest: 0, until: None };
        let resumed = self.resumed.get_or_insert_with(none);
        resumed.readers[reader as usize] = true;
        resumed.conditions.extend(later);
        resumed.longest = resumed.longest.max(*longest);
    }

    /// The operators that have rows in this round, in their order.
    pub fn touched(&self) -> &[u32] {
        &self.touched
    }

    /// The rows of an operator in this round, in order.
    pub fn rows_of(&self, reader: u32) -> &[Delivery] {
        &self.deliveries[reader as usize]
    }

    /// How many NULLs the terms of an operator on single events had to make up so far.
    pub fn nulls_of(&self, reader: u32) -> u64 {
        self.readers[reader as usize].counting.iter().map(|&term| self.evaluated[term].nulls).sum()
    }

    /// What it has and holds.
    pub fn size(&self) -> DispatchSize {
        let waiting = self.groups.iter().map(Waiting::size);
        let (waiting, bytes) = waiting.fold((0, 0), |(n, bytes), (more, b)| (n + more, bytes + b));
        let columns: usize = self.edges.iter().map(|edge| edge.columns.bytes()).sum();
        DispatchSize {
            atoms: self.edges.iter().map(|edge| edge.atoms.len()).sum(),
            conditions: self.conditions.len(),
            waiting,
            bytes: bytes + columns + self.conditions.len() * size_of::<Condition>(),
        }
    }

    /// Looks up what is looked up and evaluates what has to be evaluated, for whole batches.
    fn find(&mut self, batches: &[&EventBatch]) {
        let Self { edges, evaluated, context, found, .. } = self;
        for ((edge, batch), found) in edges.iter_mut().zip(batches).zip(found) {
            found.pairs.clear();
            if batch.is_empty() {
                continue;
            }
            for &term in &edge.evaluated {
                evaluated[term].evaluate(batch, context);
            }
            for &(id, term) in edge.found_by_terms.iter().filter(|(id, _)| edge.finds[*id as usize].is_used()) {
                found.pairs.extend(evaluated[term].held.set_indices().map(|row| (row_number(row), id)));
            }
            edge.columns.look_up(batch, batch.len(), &mut found.pairs);
            found.sort(batch.len());
        }
    }

    fn row(&mut self, edge: usize, batch: &EventBatch, row: usize) {
        self.rows += 1;
        let range = self.found[edge].of(row);
        self.fulfilled.clear();
        self.later(edge, batch, row, range.clone());
        if self.resumed.is_some() {
            self.later_of_resumed(edge, batch, row, range.clone());
        }
        for at in range {
            let atom = self.found[edge].atoms[at];
            self.fulfil(edge, atom, batch, row);
        }
        if let Some(always) = self.edges[edge].always {
            self.fulfil(edge, always, batch, row);
        }
        for at in 0..self.fulfilled.len() {
            self.deliver(self.fulfilled[at], batch, row);
        }
    }

    /// The conditions that an atom finds and that hold.
    fn fulfil(&mut self, edge: usize, atom: AtomId, batch: &EventBatch, row: usize) {
        for at in 0..self.edges[edge].finds[atom as usize].always.len() {
            let condition = self.edges[edge].finds[atom as usize].always[at];
            if self.holds(condition, batch, row) {
                self.fulfilled.push(condition);
            }
        }
    }

    /// The conditions that the row fulfils of those that are waited for at its key.
    fn later(&mut self, edge: usize, batch: &EventBatch, row: usize, range: Range<usize>) {
        let Self { edges, conditions, evaluated, groups, marks, context, found, fulfilled, rows: now, .. } = self;
        let (now, time) = (*now, batch.time(row));
        let mut is_marked = false;
        for &group in &edges[edge].groups {
            let group = &mut groups[group];
            if group.is_empty() {
                continue;
            }
            let Some(key) = group.key_at(edge, batch, row) else { continue };
            let open = group.at(key);
            if open.is_empty() {
                continue;
            }
            if !is_marked {
                is_marked = true;
                let later = found[edge].atoms[range.clone()].iter().flat_map(|atom| &edges[edge].finds[*atom as usize].later);
                later.for_each(|&condition| marks[condition as usize] = now);
            }
            let mut is_over = false;
            for Open { condition: id, until } in open {
                let mark = marks[*id as usize];
                if *until < time {
                    is_over = true;
                } else if mark == now || mark == LOOKED_FOR {
                    let condition = &conditions[*id as usize];
                    if condition.edge == edge && condition.tests.iter().all(|test| test.holds(batch, row, evaluated, context)) {
                        fulfilled.push(*id);
                    }
                }
            }
            if is_over {
                group.forget(key, time);
            }
        }
    }

    /// The conditions that the row fulfils of operators of which it is not known where they wait.
    fn later_of_resumed(&mut self, edge: usize, batch: &EventBatch, row: usize, range: Range<usize>) {
        let Some(mut resumed) = self.resumed.take() else { return };
        let time = batch.time(row);
        let until = *resumed.until.get_or_insert(Timestamp(time.0.saturating_add(resumed.longest)));
        if time > until {
            return;
        }
        let is_of = |condition: &ConditionId| resumed.readers[self.conditions[*condition as usize].reader as usize];
        let by_atoms = self.found[edge].atoms[range].iter().flat_map(|atom| &self.edges[edge].finds[*atom as usize].later);
        let looked_for = resumed.conditions.iter().filter(|&&id| self.marks[id as usize] == LOOKED_FOR);
        let candidates = by_atoms.filter(|id| is_of(id)).chain(looked_for).copied();
        let of_edge = candidates.filter(|&id| self.conditions[id as usize].edge == edge);
        let fulfilled: Vec<ConditionId> = of_edge.filter(|&id| self.holds(id, batch, row)).collect();
        self.fulfilled.extend(fulfilled);
        self.resumed = Some(resumed);
    }

    fn holds(&self, condition: ConditionId, batch: &EventBatch, row: usize) -> bool {
        let tests = &self.conditions[condition as usize].tests;
        tests.iter().all(|test| test.holds(batch, row, &self.evaluated, &self.context))
    }

    /// The row goes to the operator of a condition that it fulfils.
    fn deliver(&mut self, condition: ConditionId, batch: &EventBatch, row: usize) {
        let condition = &self.conditions[condition as usize];
        let reader = condition.reader;
        if let When::Opens { group, within } = condition.when {
            let until = Timestamp(batch.time(row).0.saturating_add(within));
            self.groups[group].open(condition.edge, batch, row, &self.readers[reader as usize].later, until);
        }
        let rows = &mut self.deliveries[reader as usize];
        let (last, begin) = &mut self.events[reader as usize];
        if rows.is_empty() {
            self.touched.push(reader);
        }
        let place = batch.places()[row];
        if rows.is_empty() || *last != place {
            (*last, *begin) = (place, rows.len());
        }
        // Rows of one event stand in the order of the inputs.
        let at = (condition.input, row_number(row));
        match rows[*begin..].binary_search_by_key(&at, |other| (other.input, other.row)) {
            Ok(known) => rows[*begin + known].fits |= condition.bit,
            Err(next) => rows.insert(*begin + next, Delivery { row: at.1, input: at.0, fits: condition.bit }),
        }
    }

    /// Looks how often atoms hold, and finds each condition by the rarest.
    fn adapt(&mut self, batches: &[&EventBatch]) {
        for ((edge, batch), found) in self.edges.iter_mut().zip(batches).zip(&mut self.found) {
            edge.sample(batch, &self.evaluated, &mut found.pairs);
        }
        self.choose();
    }
}

impl Found {
    /// Puts what was found in order of the rows, of which there are so many.
    fn sort(&mut self, rows: usize) {
        let Self { pairs, atoms, begins } = self;
        begins.clear();
        begins.resize(rows + 1, 0);
        pairs.iter().for_each(|(row, _)| begins[*row as usize] += 1);
        let mut end = 0;
        for begin in &mut *begins {
            end += *begin;
            *begin = end;
        }
        // From the last to the first, where those of a row end becomes where they begin.
        atoms.resize(pairs.len(), 0);
        for &(row, atom) in pairs.iter().rev() {
            let place = &mut begins[row as usize];
            *place -= 1;
            atoms[*place as usize] = atom;
        }
    }

    /// Where the atoms of a row are.
    fn of(&self, row: usize) -> Range<usize> {
        self.begins[row] as usize..self.begins[row + 1] as usize
    }
}

impl OfEdge {
    fn sample(&mut self, batch: &EventBatch, evaluated: &[Evaluated], found: &mut Vec<(u32, AtomId)>) {
        self.columns.ask(|_| true);
        let rows = batch.len().min(SAMPLE);
        found.clear();
        self.columns.look_up(batch, rows, found);
        found.drain(..).for_each(|(_, atom)| self.hits[atom as usize] += 1);
        if let Some(always) = self.always {
            self.hits[always as usize] += rows as u64;
        }
        self.sampled += rows as u64;
        for &(atom, term) in &self.found_by_terms {
            if evaluated[term].held.len() >= rows {
                self.hits[atom as usize] += evaluated[term].held.slice(0, rows).count_set_bits() as u64;
            }
        }
    }

    /// In how many rows one of these holds, of one.
    fn frequency(&self, cover: &[AtomId]) -> f64 {
        let of = |&atom: &AtomId| (self.hits[atom as usize] as f64 + self.atoms[atom as usize].guess()) / (self.sampled as f64 + 1.0);
        cover.iter().map(of).sum()
    }
}

impl Finds {
    fn is_used(&self) -> bool {
        !self.always.is_empty() || !self.later.is_empty()
    }
}

/// The rows of several streams in order; rows of one event in the order of the streams.
fn in_order(batches: &[&EventBatch]) -> Vec<(usize, usize)> {
    let rows = batches.iter().enumerate().flat_map(|(edge, batch)| (0..batch.len()).map(move |row| (edge, row)));
    let mut rows: Vec<(usize, usize)> = rows.collect();
    rows.sort_by_key(|&(edge, row)| (batches[edge].places()[row], edge));
    rows
}
