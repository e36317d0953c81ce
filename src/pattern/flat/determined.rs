//! The automaton of a pattern over symbols (`neighbours`), determinised: what the threads of a start are, in their order, is one state, and
//! what becomes of them at an event one look into a table, however many there are.
//!
//! Which event a thread has taken where is no part of a state: for each thread of a state a move tells which thread of the state before it
//! came from, and by which way, so that the way of a match is found backwards once it is known (the first of two passes gives the end, as
//! with a lazily determinised automaton in front of a slower one; Cox, “Regular Expression Matching in the Wild”, 2010). The table is made
//! when the pattern is compiled. It has a bound; a pattern beyond it keeps its threads.

use hashbrown::HashMap;

use super::captures::Update;
use super::machine::{FINISHED, LAST, Take};
use super::neighbours::Neighbours;
use super::table::{NONE, Table, Way};
use crate::pattern::automaton::Origin;

/// The state without threads.
pub(super) const NOWHERE: u32 = 0;
/// The state before the first event.
pub(super) const START: u32 = 1;

/// How many moves there may be.
const MOVES_MAX: usize = 1 << 14;

/// See the module.
#[derive(Debug)]
pub(super) struct Determined {
    /// By symbol: which of the others it cannot be told apart from.
    classes: Box<[u16]>,
    /// How many classes, and of how many bits their numbers are.
    width: usize,
    bits: u32,
    /// Of each state its threads, as states of the table, the most preferred first; a finished one is the last.
    states: Vec<Box<[u32]>>,
    /// By state and class.
    moves: Vec<Move>,
    /// For each of these where it is told for each thread of the state that it leads to how that one came there.
    came_at: Vec<u32>,
    came: Vec<Came>,
    /// All ways of the table, state by state.
    ways: Vec<Way>,
    /// Of each what it fills, where all records are that simple.
    fills: Vec<Fills>,
}

/// What an event of a class does to the threads of a start: the state that they are then, and two bits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Move(u32);

impl Move {
    const TAKES: u32 = 1 << 31;
    const DONE: u32 = 1 << 30;

    #[inline]
    pub(super) fn to(self) -> u32 {
        self.0 & !(Self::TAKES | Self::DONE)
    }

    /// A thread took it.
    #[inline]
    pub(super) fn takes(self) -> bool {
        self.0 & Self::TAKES != 0
    }

    /// What is preferred to all others is a finished match.
    #[inline]
    pub(super) fn is_done(self) -> bool {
        self.0 & Self::DONE != 0
    }
}

/// How a thread came to be in a state.
#[derive(Debug, Clone, Copy)]
pub(super) struct Came {
    /// Its number in the state before.
    pub(super) from: u32,
    /// The way that it took, among all; [`NONE`]: it was finished already.
    pub(super) way: u32,
}

/// The places of a record, as bits, in which a way notes its event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fills {
    /// Those of the last event of some variables, that of all among them.
    latest: u64,
    /// Those of the first.
    earliest: u64,
}

impl Fills {
    /// What taking an event fills; nothing where more is remembered than first and last events.
    fn of(take: &Take) -> Option<Self> {
        let mut fills = Self { latest: 1 << LAST, earliest: 0 };
        take.sets.iter().for_each(|at| fills.latest |= 1 << at);
        for update in &take.updates {
            let Update::Earliest { at, depth: 1 } = *update else { return None };
            fills.earliest |= 1 << at;
        }
        Some(fills)
    }

    /// Notes an event in the record of a thread that has taken others behind it. `open` are the places that none of those has filled for good;
    /// gives those that are left.
    #[inline]
    pub(super) fn fill(self, record: &mut [u32], event: u32, open: u64) -> u64 {
        let mut places = self.latest & open | self.earliest;
        while places != 0 {
            record[places.trailing_zeros() as usize] = event;
            places &= places - 1;
        }
        open & !self.latest
    }
}

impl Determined {
    /// The automaton of a pattern whose records have so many words, if it is not too large.
    pub(super) fn new(neighbours: &Neighbours, table: &Table, takes: &[[Take; 2]], record: usize) -> Option<Self> {
        let (classes, examples) = classes(neighbours, table);
        let ways: Vec<Way> = table.rows.iter().flat_map(|row| &row.ways).cloned().collect();
        let fills_of = |way: &Way| Fills::of(&takes[way.variable as usize][usize::from(way.first_in_loop)]);
        let fills = if record <= u64::BITS as usize { ways.iter().map(fills_of).collect() } else { None };
        let width = examples.len();
        let bits = width.next_power_of_two().trailing_zeros();
        let (states, moves, came_at, came) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut made = Self { classes, width, bits, states, moves, came_at, came, ways, fills: fills.unwrap_or_default() };
        let mut ids: HashMap<Box<[u32]>, u32, ahash::RandomState> = HashMap::with_hasher(ahash::RandomState::with_seeds(5, 7, 11, 13));
        for threads in [Box::from([]), Box::from([table.start(Origin::LaterRow)])] {
            made.number(threads, &mut ids);
        }
        let mut at = 0;
        while at < made.states.len() {
            if made.states.len() << bits > MOVES_MAX {
                return None;
            }
            for &symbol in &examples {
                let (threads, came) = step(&made.states[at], symbol, neighbours, table);
                let takes = if came.iter().any(|came| came.way != NONE) { Move::TAKES } else { 0 };
                let is_done = if threads.first() == Some(&FINISHED) { Move::DONE } else { 0 };
                let to = made.number(threads.into(), &mut ids);
                made.moves.push(Move(to | takes | is_done));
                made.came_at.push(u32::try_from(made.came.len()).expect("the moves are bounded"));
                made.came.extend(came);
            }
            at += 1;
            made.moves.resize(at << bits, Move::default());
            made.came_at.resize(at << bits, 0);
        }
        Some(made)
    }

    fn number(&mut self, threads: Box<[u32]>, ids: &mut HashMap<Box<[u32]>, u32, ahash::RandomState>) -> u32 {
        let next = u32::try_from(self.states.len()).expect("the states are bounded");
        *ids.entry(threads).or_insert_with_key(|threads| {
            self.states.push(threads.clone());
            next
        })
    }

    /// How many states.
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    /// How many classes.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The class of a symbol.
    #[inline]
    pub(super) fn class(&self, symbol: usize) -> usize {
        self.classes[symbol].into()
    }

    /// What an event of a class does in a state.
    #[inline]
    pub(super) fn step(&self, state: u32, class: usize) -> Move {
        self.moves[self.at(state, class)]
    }

    #[inline]
    fn at(&self, state: u32, class: usize) -> usize {
        (state as usize) << self.bits | class
    }

    /// The threads of a state, as states of the table.
    pub(super) fn threads(&self, state: u32) -> &[u32] {
        &self.states[state as usize]
    }

    /// How the `nth` thread behind a step from a state came there.
    #[inline]
    pub(super) fn came(&self, state: u32, class: usize, nth: usize) -> Came {
        self.came[self.came_at[self.at(state, class)] as usize + nth]
    }

    /// What a way fills, by its number, if that is known; nothing where a thread was finished already.
    #[inline]
    pub(super) fn fills(&self, way: u32) -> Option<&Fills> {
        self.fills.get(way as usize)
    }

    /// A way by its number; nothing where a thread was finished already.
    pub(super) fn way(&self, way: u32) -> Option<&Way> {
        self.ways.get(way as usize)
    }
}

/// Symbols by what they fulfil: the class of each, and one symbol of each class.
fn classes(neighbours: &Neighbours, table: &Table) -> (Box<[u16]>, Vec<u64>) {
    let states = 0..u32::try_from(table.rows.len()).expect("states are numbered with 32 bits");
    let mut needs: Vec<u64> = states.flat_map(|state| neighbours.needs(state)).copied().collect();
    needs.sort_unstable();
    needs.dedup();
    let mut ids: HashMap<Vec<bool>, u16, ahash::RandomState> = HashMap::with_hasher(ahash::RandomState::with_seeds(5, 7, 11, 13));
    let mut examples = Vec::new();
    let classes = (0..1u64 << neighbours.bits()).map(|symbol| {
        let fulfilled = needs.iter().map(|needs| needs & !symbol == 0).collect();
        *ids.entry(fulfilled).or_insert_with(|| {
            examples.push(symbol);
            u16::try_from(examples.len() - 1).expect("a symbol has few bits")
        })
    });
    (classes.collect(), examples)
}

/// What an event of this symbol makes of threads, and how each of those came to be: the rules are those of [`super::machine::Machine::step`]
/// and of merging.
fn step(threads: &[u32], symbol: u64, neighbours: &Neighbours, table: &Table) -> (Vec<u32>, Vec<Came>) {
    let (mut out, mut came) = (Vec::new(), Vec::new());
    let mut push = |state: u32, from: usize, way: u32| {
        if !out.contains(&state) {
            out.push(state);
            came.push(Came { from: u32::try_from(from).expect("threads of a start are few"), way });
        }
    };
    let first_way = |state: u32| table.rows[..state as usize].iter().map(|row| row.ways.len() as u32).sum::<u32>();
    'threads: for (from, &thread) in threads.iter().enumerate() {
        if thread == FINISHED {
            push(FINISHED, from, NONE);
            break;
        }
        for ((way, needs), nth) in table.row(thread).ways.iter().zip(neighbours.needs(thread)).zip(first_way(thread)..) {
            if needs & !symbol != 0 {
                continue;
            }
            if way.next != NONE {
                push(way.next, from, nth);
            }
            if way.finishes {
                push(FINISHED, from, nth);
                break 'threads;
            }
        }
    }
    // What is less preferred than a finished match does not matter once that is the most preferred.
    if out.first() == Some(&FINISHED) {
        out.truncate(1);
        came.truncate(1);
    }
    (out, came)
}
