//! Operators and what they look at, put into one table.

use arrow_buffer::BooleanBuffer;
use hashbrown::HashMap;

use super::atoms::{Atom, covers};
use super::columns::Columns;
use super::condition::{Condition, ConditionId, Evaluated, Test, When};
use super::texts::AtomId;
use super::waiting::{Partition, Waiting};
use super::{ADAPT_FROM, DRIVEN_BELOW, Dispatch, Finds, Found, LOOKED_FOR, OfEdge, OfReader, Reader};
use crate::data::Place;
use crate::expr::{EvalContext, Expr, ExprKind};
use crate::spec::Wanted;

/// Equal atoms and terms have one number.
type Numbers<T, N> = HashMap<T, N, ahash::RandomState>;

/// A dispatch in the making.
struct Builder {
    atoms: Vec<(Vec<Atom>, Numbers<Atom, AtomId>)>,
    evaluated: Vec<Evaluated>,
    terms: Numbers<(usize, Expr), usize>,
    conditions: Vec<Condition>,
    groups: Vec<Waiting>,
    partitions: Numbers<Partition, usize>,
}

fn numbers<T, N>() -> Numbers<T, N> {
    HashMap::with_hasher(ahash::RandomState::with_seeds(21, 23, 25, 27))
}

impl Dispatch {
    /// For these operators, over so many streams.
    pub fn new(edges: usize, readers: &[Reader]) -> Self {
        let mut builder = Builder {
            atoms: (0..edges).map(|_| (Vec::new(), numbers())).collect(),
            evaluated: Vec::new(),
            terms: numbers(),
            conditions: Vec::new(),
            groups: Vec::new(),
            partitions: numbers(),
        };
        let of_readers: Vec<OfReader> = (0u32..).zip(readers).map(|(number, reader)| builder.reader(number, reader)).collect();
        let mut terms_of: Vec<Vec<usize>> = vec![Vec::new(); edges];
        builder.evaluated.iter().enumerate().for_each(|(number, term)| terms_of[term.edge].push(number));
        let mut groups_of: Vec<Vec<usize>> = vec![Vec::new(); edges];
        for (number, group) in builder.groups.iter().enumerate() {
            group.edges().for_each(|edge| groups_of[edge].push(number));
        }
        let Builder { atoms, evaluated, conditions, groups, .. } = builder;
        let mut of_edge = |(edge, (atoms, numbers)): (usize, (Vec<Atom>, Numbers<Atom, AtomId>))| OfEdge {
            columns: Columns::new((0..).zip(&atoms)),
            always: numbers.get(&Atom::Always).copied(),
            finds: atoms.iter().map(|_| Finds::default()).collect(),
            groups: std::mem::take(&mut groups_of[edge]),
            evaluated: std::mem::take(&mut terms_of[edge]),
            found_by_terms: (0..).zip(&atoms).filter_map(|(id, atom)| atom.term().map(|term| (id, term))).collect(),
            hits: vec![0; atoms.len()],
            sampled: 0,
            atoms,
        };
        let edge_count = edges;
        let edges: Vec<OfEdge> = atoms.into_iter().enumerate().map(&mut of_edge).collect();
        let mut dispatch = Self {
            found: (0..edge_count).map(|_| Found::default()).collect(),
            edges,
            marks: vec![0; conditions.len()],
            conditions,
            evaluated,
            groups,
            readers: of_readers,
            deliveries: readers.iter().map(|_| Vec::new()).collect(),
            events: vec![(Place::MIN, 0); readers.len()],
            touched: Vec::new(),
            rows: 0,
            adapt_at: ADAPT_FROM,
            resumed: None,
            context: EvalContext::new(),
            fulfilled: Vec::new(),
        };
        dispatch.choose();
        dispatch
    }

    /// Finds each condition by the cover that is thought to hold in the fewest rows.
    pub(super) fn choose(&mut self) {
        for edge in &mut self.edges {
            edge.finds.iter_mut().for_each(|finds| *finds = Finds::default());
        }
        for (id, condition) in (0..).zip(&mut self.conditions) {
            let edge = &mut self.edges[condition.edge];
            let rated = condition.covers.iter().map(|cover| (edge.frequency(cover), cover));
            let (frequency, cover) = rated.min_by(|a, b| a.0.total_cmp(&b.0)).expect("every condition has a cover");
            let is_driven = frequency < DRIVEN_BELOW;
            self.marks[id as usize] = if condition.when == When::Later && !is_driven { LOOKED_FOR } else { 0 };
            for &atom in cover {
                let finds = &mut edge.finds[atom as usize];
                match condition.when {
                    When::Always | When::Opens { .. } => finds.always.push(id),
                    When::Later if is_driven => finds.later.push(id),
                    When::Later => continue,
                }
            }
        }
        for OfEdge { columns, finds, .. } in &mut self.edges {
            columns.ask(|atom| finds[atom as usize].is_used());
        }
    }
}

impl Builder {
    fn reader(&mut self, number: u32, reader: &Reader) -> OfReader {
        let group = reader.attention.within.and_then(|_| self.group(reader));
        let mut of_reader =
            OfReader { later: Vec::new(), longest: reader.attention.within.map_or(0, |within| within.0), counting: Vec::new() };
        for (variable, wanted) in reader.attention.wanted.iter().enumerate() {
            let bit = 1 << variable;
            let when = match (reader.attention.opening & bit != 0, group, reader.attention.within) {
                (true, Some(group), Some(within)) => When::Opens { group, within: within.0 },
                (false, Some(_), _) => When::Later,
                _ => When::Always,
            };
            let id = ConditionId::try_from(self.conditions.len()).expect("a program has less than 2^32 conditions");
            if when == When::Later {
                of_reader.later.push(id);
            }
            let edge = reader.edges[wanted.input];
            let (covers, tests) = self.condition(edge, wanted, &mut of_reader.counting);
            let input = u16::try_from(wanted.input).expect("the planner bounds the inputs of an operator");
            self.conditions.push(Condition { edge, reader: number, input, bit, when, covers, tests });
        }
        of_reader
    }

    /// The operators with the same partition; none where rows of one stream have several keys.
    fn group(&mut self, reader: &Reader) -> Option<usize> {
        let key_of = |input: usize| reader.keys.get(input).cloned().unwrap_or_default();
        let mut partition: Partition = reader.edges.iter().enumerate().map(|(input, &edge)| (edge, key_of(input))).collect();
        partition.sort_by_key(|(edge, _)| *edge);
        partition.dedup();
        if partition.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return None;
        }
        let next = self.groups.len();
        let group = *self.partitions.entry(partition.clone()).or_insert(next);
        if group == next {
            self.groups.push(Waiting::new(partition));
        }
        Some(group)
    }

    /// The covers and tests of a condition; notes its terms that make up NULLs.
    fn condition(&mut self, edge: usize, wanted: &Wanted, counting: &mut Vec<usize>) -> (Vec<Vec<AtomId>>, Vec<Test>) {
        let mut found = Vec::new();
        let mut tests = Vec::new();
        let mut open: Vec<&Expr> = wanted.terms.iter().rev().collect();
        let mut last_resort = None;
        while let Some(term) = open.pop() {
            if !term.is_total() {
                let number = self.evaluated(edge, term);
                counting.push(number);
                found.push(vec![Atom::Evaluated(number)]);
                tests.push(Test::Held(number));
            } else if matches!(term.kind(), ExprKind::And) {
                open.extend(term.args().iter().rev());
            } else {
                let covers = covers(term);
                if covers.is_empty() {
                    last_resort.get_or_insert(term);
                }
                found.extend(covers);
                tests.push(Test::of(term.clone()));
            }
        }
        if found.is_empty() {
            found.push(vec![last_resort.map_or(Atom::Always, |term| Atom::Evaluated(self.evaluated(edge, term)))]);
        }
        let covers = found.into_iter().map(|cover| cover.into_iter().map(|atom| self.atom(edge, atom)).collect()).collect();
        (covers, tests)
    }

    fn evaluated(&mut self, edge: usize, term: &Expr) -> usize {
        if let Some(&known) = self.terms.get(&(edge, term.clone())) {
            return known;
        }
        let number = self.evaluated.len();
        let held = BooleanBuffer::new_unset(0);
        self.evaluated.push(Evaluated { edge, expr: term.clone(), held, nulls: 0 });
        self.terms.insert((edge, term.clone()), number);
        number
    }

    fn atom(&mut self, edge: usize, atom: Atom) -> AtomId {
        let (atoms, numbers) = &mut self.atoms[edge];
        if let Some(&known) = numbers.get(&atom) {
            return known;
        }
        let id = AtomId::try_from(atoms.len()).expect("a program has less than 2^32 atoms");
        atoms.push(atom.clone());
        numbers.insert(atom, id);
        id
    }
}
