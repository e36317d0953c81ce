//! Random numbers, random streams and random pattern queries, all from a seed.
//! In: a seed. Out: a program text and its input. The same text goes to the engine and to the reference, each reads it in its own way.
//! Where the language page leaves a combination open, the generator does not make it; each such place says so.

use serde_json::{Value as Json, json};

/// SplitMix64: small, good enough, the same everywhere. Choices may come from a tape of bytes first, so that a small change of the bytes is a
/// small change of what is made of them.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
    tape: Vec<u8>,
    at: usize,
}

impl Random {
    pub fn new(seed: u64) -> Random {
        Random { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D, tape: Vec::new(), at: 0 }
    }

    /// The first choices are these bytes; when they are used up, the rest follows from them.
    pub fn of_bytes(bytes: &[u8]) -> Random {
        let digest = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        Random { tape: bytes.to_vec(), ..Random::new(digest) }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to `n` - 1.
    pub fn below(&mut self, n: usize) -> usize {
        if let Some(byte) = self.tape.get(self.at).filter(|_| n <= 256) {
            self.at += 1;
            return usize::from(*byte) % n;
        }
        (self.next() % n as u64) as usize
    }

    /// True in `percent` of 100.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// A case: what is asked, and of what.
#[derive(Debug, Clone)]
pub struct Pair {
    pub program: String,
    pub input: Vec<Json>,
}

/// How many pairs a test runs: `normal`, or what `BETIDE_PAIRS` says.
pub fn pairs(normal: u64) -> u64 {
    std::env::var("BETIDE_PAIRS").ok().and_then(|n| n.parse().ok()).unwrap_or(normal)
}

/// The seeds of a test: so many, more by `BETIDE_PAIRS`, or the one of `BETIDE_SEED`.
pub fn seeds(normal: u64) -> std::ops::Range<u64> {
    let one = std::env::var("BETIDE_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    one.map_or(0..pairs(normal), |seed| seed..seed + 1)
}

/// The four source streams.
pub fn sources(delay: &str) -> String {
    let stream = |s| format!("CREATE STREAM {s} (id INT, k STRING, x FLOAT, at TIMESTAMP) TIMESTAMP BY at{delay};\n");
    ["A", "B", "C", "D"].map(stream).concat()
}

/// A stream of events in order of time: ties, gaps, two keys, NULLs.
pub fn stream(random: &mut Random, length: usize, streams: &[&str]) -> Vec<Json> {
    let mut at = 0;
    let event = |id| {
        at += match random.below(10) {
            0 | 1 => 0,
            2 => 500,
            3 => 3000,
            4 => 5000,
            _ => 1000,
        };
        let mut event = json!({"type": random.pick(streams), "id": id, "at": at});
        if !random.chance(6) {
            event["k"] = json!(random.pick(&["u", "v"]));
        }
        if !random.chance(6) {
            event["x"] = json!(random.below(7) as f64);
        }
        event
    };
    (1..=length).map(event).collect()
}

#[derive(Debug, Clone)]
struct Variable {
    name: String,
    negated: bool,
    /// How many loops stand around it.
    loops: usize,
    /// It stands in an operand of `&`.
    beside: bool,
    /// It stands inside a loop that holds `&` or inside `&` in a loop: what a term across would mean is not said.
    unclear: bool,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    depth: usize,
    loops: usize,
    beside: bool,
    /// The outermost sequence.
    top: bool,
}

struct Generator<'a> {
    random: &'a mut Random,
    all: bool,
    within_time: bool,
    within_events: bool,
    /// Negations and terms on them are what it is about.
    negations: bool,
    /// An operand of the next `&` may be a negation with FOR.
    may_wait_beside: bool,
    variables: Vec<Variable>,
}

/// A random pattern query over a random stream.
pub fn pair(seed: u64) -> Pair {
    pair_of(&mut Random::new(seed))
}

/// The same by these choices.
pub fn pair_of(random: &mut Random) -> Pair {
    made(random, false)
}

/// One in which much is forbidden, and steps before and behind say what.
pub fn negations_of(random: &mut Random) -> Pair {
    made(random, true)
}

fn made(random: &mut Random, negations: bool) -> Pair {
    let all = random.chance(30);
    let within = match random.below(10) {
        0..=5 => format!("WITHIN {}s ", 2 + random.below(11)),
        6 => format!("WITHIN {} EVENTS ", 2 + random.below(6)),
        _ => String::new(),
    };
    let within_time = within.ends_with("s ");
    let within_events = within.ends_with("EVENTS ");
    let mut generator = Generator { random, all, within_time, within_events, negations, may_wait_beside: false, variables: vec![] };
    let pattern = generator.pattern(Place { depth: 0, loops: 0, beside: false, top: true });
    let terms = generator.terms();
    // Which of two histories is the later one where the shorter is the other's end is not said.
    let one_length = !pattern.contains(['+', '*', '?', '{', '|']);
    let tail = generator.tail(&terms, &within, one_length);
    let columns = generator.columns();
    let mode = if all { "ALL MATCHES " } else { "" };
    let length = if all { 8 + random.below(8) } else { 10 + random.below(20) };
    let input = stream(random, length, &["A", "A", "A", "B", "B", "C", "C", "D"]);
    let program = format!("{}SELECT {mode}{columns}\nFROM PATTERN ({pattern})\n{tail};\n", sources(""));
    Pair { program, input }
}

impl Generator<'_> {
    fn pattern(&mut self, place: Place) -> String {
        // An alternative with a wait inside, or at the front with a negation, is left to the cases by hand.
        if place.depth < 3 && self.random.chance(14) {
            let inner = Place { depth: place.depth + 1, top: false, ..place };
            return format!("{} | {}", self.sequence(inner), self.sequence(inner));
        }
        self.sequence(place)
    }

    fn sequence(&mut self, place: Place) -> String {
        let length = if place.top { 1 + self.random.below(3) } else { 1 + self.random.below(2) };
        let mut text = String::new();
        if place.top && self.random.chance(7) {
            // Without WITHIN or FOR this is one bit a key; with WITHIN n EVENTS the page does not say what it means.
            let length =
                if self.within_events || self.random.chance(50) { format!(" FOR {}s", 1 + self.random.below(5)) } else { String::new() };
            text += &format!("{}{length} -> ", self.negation(place));
        }
        let mut until = false;
        // What a negation watches in front of steps that may all be left out, and then a wait, is not said.
        let mut watched = false;
        for index in 0..length {
            if index > 0 {
                let mut arrow = self.arrow();
                // What `,` behind UNTIL reaches is not said.
                if until {
                    arrow = " -> ";
                }
                text += arrow;
                // `->>` before a negation is an error: a negation takes no event.
                if arrow != " ->> " && self.random.chance(if self.negations { 45 } else { 12 }) {
                    let for_ = !self.all && !watched && arrow == " -> " && self.random.chance(30);
                    let length = if for_ { format!(" FOR {}s", 1 + self.random.below(4)) } else { String::new() };
                    text += &self.negation(place);
                    text += &length;
                    text += if for_ { " -> " } else { self.pick_behind_negation() };
                    watched |= !for_;
                }
            }
            // Side by side in loops nothing is said.
            self.may_wait_beside = place.top && !self.all && (text.is_empty() || text.ends_with(" -> "));
            let (element, ends) = self.element(place);
            self.may_wait_beside = false;
            watched &= element.contains(['?', '*', '|']) || element.contains("{0");
            text += &element;
            until = ends;
        }
        if place.top && self.random.chance(12) {
            if self.within_time && self.random.chance(60) {
                text += &format!(" -> {}", self.negation(place));
            } else if !self.all && !watched {
                text += &format!(" -> {} FOR {}s", self.negation(place), 1 + self.random.below(5));
            }
        }
        text
    }

    fn arrow(&mut self) -> &'static str {
        match self.random.below(10) {
            0 | 1 => " , ",
            3..=5 if self.all => " ->> ",
            _ => " -> ",
        }
    }

    fn pick_behind_negation(&mut self) -> &'static str {
        if self.all && self.random.chance(30) { " ->> " } else { " -> " }
    }

    fn negation(&mut self, place: Place) -> String {
        format!("!{}", self.step(place, true))
    }

    fn step(&mut self, place: Place, negated: bool) -> String {
        let name = format!("{}{}", if negated { "n" } else { "v" }, self.variables.len() + 1);
        let unclear = place.beside && place.loops > 0;
        self.variables.push(Variable { name: name.clone(), negated, loops: place.loops, beside: place.beside, unclear });
        let stream = self.random.pick(&["A", "A", "A", "B", "B", "C"]);
        let condition = if self.random.chance(12) { format!("[{}]", self.bare_condition()) } else { String::new() };
        format!("{stream}{condition} {name}")
    }

    fn bare_condition(&mut self) -> String {
        let op = self.random.pick(&[">", "<", ">=", "<>"]);
        format!("x {op} {}", self.random.below(5))
    }

    /// One element, and whether it is a loop with UNTIL.
    fn element(&mut self, place: Place) -> (String, bool) {
        let inner = Place { depth: place.depth + 1, top: false, ..place };
        if place.depth < 2 && self.random.chance(10) {
            return (self.both(inner), false);
        }
        if place.depth < 2 && self.random.chance(16) {
            let quantifier = self.quantifier();
            let again = usize::from(!quantifier.is_empty() && !quantifier.starts_with('?'));
            let inside = Place { loops: inner.loops + again, ..inner };
            let first = self.variables.len();
            let body = self.pattern(inside);
            // What a pass without an event counts in all matches is not said.
            let may_be_empty = body.contains(['?', '*']) || body.contains("{0");
            if may_be_empty {
                self.variables[first..].iter_mut().for_each(|v| v.loops -= again);
                return (format!("({body})"), false);
            }
            return (format!("({body}){quantifier}"), false);
        }
        if self.random.chance(35) {
            let quantifier = self.quantifier();
            let step = self.step(Place { loops: place.loops + usize::from(!quantifier.starts_with('?')), ..place }, false);
            if !place.beside && (quantifier == "+" || quantifier == "*") && self.random.chance(15) {
                let end = if self.random.chance(50) {
                    format!("({})", self.bare_condition())
                } else {
                    format!("{} u{}", self.random.pick(&["B", "C", "D"]), self.variables.len())
                };
                return (format!("{step}{quantifier} UNTIL {end}"), true);
            }
            return (format!("{step}{quantifier}"), false);
        }
        (self.step(place, false), false)
    }

    /// Operands of `&`; what reluctant operands prefer, and how all matches of loops side by side count, is not said.
    fn both(&mut self, place: Place) -> String {
        let place = Place { beside: true, depth: 3, ..place };
        let count = 2 + usize::from(self.random.chance(25));
        let mut operands = Vec::new();
        for _ in 0..count {
            operands.push(match self.random.below(10) {
                3..=5 if std::mem::take(&mut self.may_wait_beside) => {
                    format!("{} FOR {}s", self.negation(place), 1 + self.random.below(4))
                }
                0 | 1 if !self.all => {
                    let step = self.step(Place { loops: place.loops + 1, ..place }, false);
                    format!("{step}{}", self.random.pick(&["+", "{2}", "{1,2}", "+ STRICT"]))
                }
                2 if !self.all => {
                    let (first, second) = (self.step(place, false), self.step(place, false));
                    format!("({first}{}{second})", self.arrow())
                }
                _ => self.step(place, false),
            });
        }
        format!("({})", operands.join(" & "))
    }

    fn quantifier(&mut self) -> String {
        let base = self.random.pick(&["+", "+", "*", "?", "{2}", "{2,}", "{1,2}", "{0,2}", "{2,3}"]).to_owned();
        let reluctant = if !self.all && self.random.chance(25) { "?" } else { "" };
        let inside = match self.random.below(10) {
            0 | 1 => " STRICT",
            2 | 3 if self.all => " ANY",
            _ => "",
        };
        let inside = if base == "?" { "" } else { inside };
        format!("{base}{reluctant}{inside}")
    }

    fn terms(&mut self) -> String {
        let count = [0, 0, 0, 1, 1, 2, 3][self.random.below(7)];
        let mut terms: Vec<String> = (0..count).filter_map(|_| self.term()).collect();
        if self.negations {
            terms.extend((0..self.variables.len()).filter_map(|at| self.forbidding_term(at)));
        }
        if terms.is_empty() { String::new() } else { format!("WHERE {} ", terms.join(" AND ")) }
    }

    /// A term that says which events a negation forbids, by a step that takes some.
    fn forbidding_term(&mut self, at: usize) -> Option<String> {
        let other = self.random.below(self.variables.len());
        let (negated, step) = (&self.variables[at], &self.variables[other]);
        let clear = negated.negated && !step.negated && !negated.beside && !step.beside;
        clear.then(|| format!("{}.x {} {}.x", negated.name, self.random.pick(&["<", "<=", ">", "<>"]), step.name))
    }

    fn term(&mut self) -> Option<String> {
        let at = self.random.below(self.variables.len());
        let other = self.random.below(self.variables.len());
        let (one, two) = (self.variables[at].clone(), self.variables[other].clone());
        let constant = self.random.below(6);
        let op = self.random.pick(&[">", "<", ">=", "<=", "<>"]);
        let v = &one.name;
        let single = at == other || one.negated && two.negated || one.unclear || two.unclear;
        let plain_pair = !one.negated && !two.negated;
        // A negation with a term over an operand's events: seen from where, is not said.
        let negated_pair = !plain_pair && !one.beside && !two.beside;
        if single || !(plain_pair || negated_pair) {
            let in_one_loop = one.loops == 1 && !one.negated && !one.beside;
            return Some(match self.random.below(6) {
                0 | 1 if in_one_loop => format!("{v}.x {op} PREV({v}.x)"),
                2 if in_one_loop => format!("COUNT({v}) <= {}", 1 + constant),
                3 if in_one_loop => format!("SUM({v}.x) < {}", 3 + 2 * constant),
                _ => format!("{v}.x {op} {constant}"),
            });
        }
        let u = &two.name;
        if negated_pair {
            return Some(match self.random.below(3) {
                0 => format!("{v}.k = {u}.k"),
                _ => format!("{v}.x {op} {u}.x"),
            });
        }
        Some(match self.random.below(8) {
            0 | 1 => format!("{v}.k = {u}.k"),
            2 if !two.beside && !one.beside => format!("{v}.x {op} FIRST({u}.x)"),
            3 => format!("({v}.x > {constant} OR {u}.x > {constant})"),
            4 => format!("({u}.x IS NULL OR {v}.x {op} {u}.x)"),
            5 => format!("{v}.x + {u}.x > {constant}"),
            _ => format!("{v}.x {op} {u}.x"),
        })
    }

    /// PARTITION BY and what follows it.
    fn tail(&mut self, terms: &str, within: &str, one_length: bool) -> String {
        let partition = if self.random.chance(35) { "PARTITION BY k " } else { "" };
        let taken: Vec<String> = self.variables.iter().filter(|v| !v.negated).map(|v| v.name.clone()).collect();
        let v = taken[self.random.below(taken.len())].clone();
        let having = match self.random.below(20) {
            0 => format!("HAVING COUNT({v}) >= 2 "),
            1 => format!("HAVING {v}.x > {} ", self.random.below(4)),
            _ => String::new(),
        };
        let after = match self.random.below(18) {
            0 | 1 => "AFTER MATCH SKIP PAST LAST EVENT ".to_owned(),
            2 => "AFTER MATCH SKIP TO LAST EVENT ".to_owned(),
            3 => "AFTER MATCH SKIP TO NEXT EVENT ".to_owned(),
            4 => format!("AFTER MATCH SKIP TO FIRST {v} "),
            5 => format!("AFTER MATCH SKIP TO LAST {v} "),
            6 => "AFTER MATCH RESTART ".to_owned(),
            7 | 8 => "AFTER MATCH CONSUME ".to_owned(),
            _ => String::new(),
        };
        // How a bound on runs and a clause on what matches use meet is not said.
        let runs = match self.random.below(12) {
            0 if after.is_empty() && one_length => "RUNS LATEST ".to_owned(),
            1 if after.is_empty() => format!("RUNS {} ", 1 + self.random.below(2)),
            2 if after.is_empty() => format!("RUNS {} ON OVERFLOW DROP OLDEST ", 1 + self.random.below(3)),
            _ => String::new(),
        };
        let limit = if self.random.chance(4) { format!("LIMIT {}", 1 + self.random.below(3)) } else { String::new() };
        format!("{partition}{terms}{within}{having}{after}{runs}{limit}")
    }

    fn columns(&mut self) -> String {
        let of = |v: &Variable| format!("ARRAY_AGG({0}.id) AS {0}", v.name);
        let mut columns: Vec<String> = self.variables.iter().filter(|v| !v.negated).map(of).collect();
        if self.random.chance(40) {
            columns.push("START_TIME AS began, END_TIME AS ended".to_owned());
        }
        columns.join(", ")
    }
}

/// The smallest input (by dropping events one at a time) that still fails.
pub fn shrink(pair: &Pair, fails: impl Fn(&Pair) -> bool) -> Pair {
    let mut smallest = pair.clone();
    loop {
        let shorter = (0..smallest.input.len()).rev().find_map(|at| {
            let mut candidate = smallest.clone();
            candidate.input.remove(at);
            fails(&candidate).then_some(candidate)
        });
        match shorter {
            Some(shorter) => smallest = shorter,
            None => return smallest,
        }
    }
}
