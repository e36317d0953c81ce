//! What the evaluator knows of a pattern before any event: the kinds of entries, what an event that fits a set of variables does, and where
//! the columns of a row come from.
//!
//! A *kind* is a variable and the state behind it. All events that took the same kind can go on in the same ways and were reached in the same
//! ways, so a kind has one column of entries, in the order of time.

use std::collections::BTreeSet;

use crate::data::DataType;
use crate::expr::aggregates::AggregateKind;
use crate::pattern::masks::ByMask;
use crate::pattern::net::{Net, NetWay, START};
use crate::spec::{NavigationBase, PatternSpec, SlotKind, VariableId};

/// The kinds of a pattern and the ways between them.
#[derive(Debug)]
pub(super) struct Kinds {
    pub(super) all: Vec<Kind>,
    /// The ways to start, in the order of preference.
    pub(super) starts: Vec<Way>,
    moves: Vec<Moves>,
    numbers: ByMask,
}

/// A variable and the state behind it.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) variable: VariableId,
    /// What may follow, in the order of preference; a way whose kind goes on and one that ends the match are two.
    pub(super) ways: Vec<Way>,
    /// Kinds of which an entry can stand before one of this kind.
    before: Vec<usize>,
    is_start: bool,
    /// How many of the ways lead to a kind.
    goes_on: usize,
}

impl Kind {
    pub(super) fn goes_on(&self) -> usize {
        self.goes_on
    }
}

/// A way on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) variable: VariableId,
    /// The kind that it leads to, if something can follow that.
    pub(super) kind: Option<usize>,
    /// The match may be done behind it.
    pub(super) accepts: bool,
}

/// What an event does that fits a set of variables.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// Kinds that it can be an entry of.
    pub(super) enters: Vec<usize>,
    /// Kinds whose entries it finishes, with the variables that it is taken for then, in the order of preference.
    pub(super) ends: Vec<(usize, Vec<VariableId>)>,
    /// Matches that begin and end with it.
    pub(super) alone: Vec<VariableId>,
    /// It is taken for one variable, whatever it finishes.
    pub(super) last: Option<VariableId>,
}

impl Kinds {
    pub(super) fn new(net: &Net) -> Self {
        let states = net.states();
        let reached: BTreeSet<(VariableId, usize)> = states
            .iter()
            .flat_map(|state| &state.ways)
            .filter(|way| !states[way.to].ways.is_empty())
            .map(|way| (way.variable, way.to))
            .collect();
        let reached: Vec<(VariableId, usize)> = reached.into_iter().collect();
        let ways_of = |state: usize| -> Vec<Way> {
            let way = |way: &NetWay| Way {
                variable: way.variable,
                kind: reached.binary_search(&(way.variable, way.to)).ok(),
                accepts: states[way.to].accepts,
            };
            states[state].ways.iter().map(way).collect()
        };
        let starts = ways_of(START);
        let mut all: Vec<Kind> = reached
            .iter()
            .enumerate()
            .map(|(number, &(variable, to))| {
                let ways = ways_of(to);
                let goes_on = ways.iter().filter(|way| way.kind.is_some()).count();
                Kind { variable, ways, before: Vec::new(), is_start: starts.iter().any(|way| way.kind == Some(number)), goes_on }
            })
            .collect();
        for from in 0..all.len() {
            for to in all[from].ways.iter().filter_map(|way| way.kind).collect::<BTreeSet<_>>() {
                all[to].before.push(from);
            }
        }
        let mut kinds = Self { all, starts, moves: Vec::new(), numbers: ByMask::default() };
        kinds.number_of(0);
        kinds
    }

    /// The number of what an event does that fits these variables; 0 is nothing.
    #[inline]
    pub(super) fn number_of(&mut self, mask: u64) -> u32 {
        if let Some(known) = self.numbers.get(mask) {
            return known;
        }
        let fits = |way: &Way| mask >> way.variable.0 & 1 == 1;
        let ends_of = |ways: &[Way]| ways.iter().filter(|way| way.accepts && fits(way)).map(|way| way.variable).collect::<Vec<_>>();
        let enters = self.all.iter().enumerate().filter(|(_, kind)| mask >> kind.variable.0 & 1 == 1).map(|(number, _)| number);
        let ends: Vec<(usize, Vec<VariableId>)> =
            self.all.iter().enumerate().map(|(number, kind)| (number, ends_of(&kind.ways))).filter(|(_, ends)| !ends.is_empty()).collect();
        let alone = ends_of(&self.starts);
        let mut last: Vec<VariableId> = ends.iter().flat_map(|(_, variables)| variables).chain(&alone).copied().collect();
        last.dedup();
        let last = if let [only] = last.as_slice() { Some(*only) } else { None };
        let number = u32::try_from(self.moves.len()).expect("a stream has fewer than 2^32 kinds of events");
        self.moves.push(Moves { enters: enters.collect(), ends, alone, last });
        self.numbers.insert(mask, number);
        number
    }

    pub(super) fn moves(&self, number: u32) -> &Moves {
        &self.moves[number as usize]
    }

    pub(super) fn before(&self, kind: usize) -> &[usize] {
        &self.all[kind].before
    }

    pub(super) fn is_start(&self, kind: usize) -> bool {
        self.all[kind].is_start
    }

    /// Whether a match can begin with an event that does this.
    pub(super) fn begins(&self, number: u32) -> bool {
        let moves = self.moves(number);
        !moves.alone.is_empty() || moves.enters.iter().any(|&kind| self.all[kind].is_start)
    }

    /// Whether a variable is taken by nothing but the first event of a match of several.
    fn is_first_only(&self, variable: VariableId) -> bool {
        let starts = |kind: &Kind| kind.is_start && kind.before.is_empty();
        let of = self.all.iter().filter(|kind| kind.variable == variable);
        of.clone().all(starts) && !self.all.iter().flat_map(|kind| &kind.ways).any(|way| way.variable == variable)
    }

    /// Whether a match can take several events for a variable.
    fn repeats(&self, variable: VariableId) -> bool {
        let of = |kind: &usize| self.all[*kind].variable == variable;
        let mut open: Vec<usize> = (0..self.all.len()).filter(of).collect();
        let mut seen = vec![false; self.all.len()];
        while let Some(kind) = open.pop() {
            if self.all[kind].ways.iter().any(|way| way.variable == variable) {
                return true;
            }
            if !std::mem::replace(&mut seen[kind], true) {
                open.extend(self.all[kind].ways.iter().filter_map(|way| way.kind));
            }
        }
        false
    }

    /// Whether a variable is taken by nothing but the last event of a match.
    fn is_last_only(&self, variable: VariableId) -> bool {
        self.all.iter().all(|kind| kind.variable != variable)
    }
}

/// A column of the rows.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// The variable; the start or end of the match has none.
    pub(super) variable: Option<VariableId>,
    /// The position of the column among those that are read of the variable; nothing is the event's time.
    pub(super) read: Option<usize>,
    pub(super) what: What,
    pub(super) at: At,
}

/// What of the events of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    First,
    Last,
    List,
    Count,
}

/// When a column is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// With the first event.
    First,
    /// With the last event.
    Last,
    /// Somewhere on the way.
    Way,
}

/// Which columns come out, where all of them are plain words, lists of them, or counts.
#[derive(Debug)]
pub(super) struct Sources {
    /// Of each variable, the columns of its input that are read.
    pub(super) reads: Vec<Vec<usize>>,
    pub(super) given: Vec<Given>,
    /// Those that are known on the way; and for each kind, those of its variable.
    pub(super) on_the_way: Vec<usize>,
    pub(super) of_kind: Vec<Vec<usize>>,
    /// Whether something goes on behind an entry that is not the first, and what a row has of the columns follows from what was taken up to an
    /// entry and what came behind it.
    pub(super) are_joined: bool,
}

impl Sources {
    /// Nothing where a column is something else, or there is HAVING.
    pub(super) fn new(spec: &PatternSpec, kinds: &Kinds) -> Option<Self> {
        if spec.having.is_some() {
            return None;
        }
        let reads = vec![Vec::new(); spec.variables.len()];
        let mut sources = Self { reads, given: Vec::new(), on_the_way: Vec::new(), of_kind: Vec::new(), are_joined: false };
        for expr in &spec.outputs {
            let slot = &spec.slots[expr.as_slot()?.0 as usize];
            let given = match &slot.kind {
                SlotKind::Column { variables, column, base, physical: 0, .. } => {
                    let [variable] = variables.as_slice() else { return None };
                    let what = match base {
                        NavigationBase::First(0) => What::First,
                        NavigationBase::Last(0) => What::Last,
                        NavigationBase::First(_) | NavigationBase::Last(_) => return None,
                    };
                    sources.column(spec, kinds, *variable, *column, what)?
                }
                SlotKind::Aggregate { variables, call, .. } if !call.distinct && call.filter.is_none() => {
                    let [variable] = variables.as_slice() else { return None };
                    match (call.function.kind(), call.args.as_slice()) {
                        (Some(AggregateKind::Count), []) => Given { variable: Some(*variable), read: None, what: What::Count, at: At::Way },
                        (Some(AggregateKind::ArrayAgg), [arg]) => {
                            let column = arg.as_slot()?.0 as usize;
                            Given { at: At::Way, ..sources.column(spec, kinds, *variable, column, What::List)? }
                        }
                        _ => return None,
                    }
                }
                SlotKind::StartTime => Given { variable: None, read: None, what: What::First, at: At::First },
                SlotKind::EndTime => Given { variable: None, read: None, what: What::Last, at: At::Last },
                _ => return None,
            };
            sources.given.push(given);
        }
        let is_on_the_way = |given: &Given| given.at == At::Way;
        let positions = |is_wanted: &dyn Fn(&Given) -> bool| {
            let wanted = sources.given.iter().enumerate().filter(|(_, given)| is_on_the_way(given) && is_wanted(given));
            wanted.map(|(at, _)| at).collect::<Vec<_>>()
        };
        let on_the_way = positions(&|_| true);
        let of_kind = kinds.all.iter().map(|kind| positions(&|given| given.variable == Some(kind.variable))).collect();
        let is_joined = |&at: &usize| match (&sources.given[at].what, sources.given[at].variable) {
            (What::List | What::Count, _) => true,
            (What::First | What::Last, variable) => variable.is_some_and(|variable| !kinds.repeats(variable)),
        };
        let has_tails = kinds.all.iter().any(|kind| kind.goes_on() > 0 && !kind.before.is_empty());
        let are_joined = has_tails && on_the_way.iter().all(is_joined);
        Some(Self { on_the_way, of_kind, are_joined, ..sources })
    }

    fn column(&mut self, spec: &PatternSpec, kinds: &Kinds, variable: VariableId, column: usize, what: What) -> Option<Given> {
        let input = spec.variables[variable.0 as usize].input;
        let data_type = &spec.inputs[input].fields()[column].data_type;
        if !matches!(data_type, DataType::Int | DataType::Timestamp | DataType::Duration | DataType::Float) {
            return None;
        }
        let reads = &mut self.reads[variable.0 as usize];
        let read = reads.iter().position(|known| *known == column).unwrap_or_else(|| {
            reads.push(column);
            reads.len() - 1
        });
        let at = if kinds.is_first_only(variable) {
            At::First
        } else if kinds.is_last_only(variable) {
            At::Last
        } else {
            At::Way
        };
        Some(Given { variable: Some(variable), read: Some(read), what, at })
    }
}
