//! A program and its input, made from a seed: statements of all kinds, events in disorder, late, bad and of no stream, and when the clock moves.

use std::fmt;
use std::sync::Arc;

use betide::{Engine, Error, ManualClock, Options, Timestamp};
use serde_json::{Value as Json, json};

use super::keyed;
use crate::support::random::{self, Random};
use crate::support::{any_patterns, joins, random_rows, windows};

/// What a run is given.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub declarations: String,
    pub statements: Vec<String>,
    /// The first line of comma-separated values; nothing where lines are JSON.
    pub header: Option<String>,
    /// Each with its end; before each, by how many milliseconds the clock moves.
    pub lines: Vec<(i64, Vec<u8>)>,
    pub batch_size: usize,
    pub general: bool,
}

/// The clock when the first line comes, in milliseconds.
const BEGIN: i64 = 20_000;

impl Scenario {
    pub fn new(seed: u64, is_keyed: bool) -> Scenario {
        let random = &mut Random::new(seed ^ 0x05ce_4a21);
        let (batch_size, general) = (1 + random.below(40), random.chance(10));
        if is_keyed {
            let (declarations, statements) = keyed::program(random);
            let lines = keyed::lines(random);
            return Scenario { declarations, statements, header: None, lines, batch_size, general };
        }
        let declarations = declarations(random);
        let mut statements = statements(random);
        // A combination that the language refuses goes; what is left says enough.
        statements.retain(|statement| Engine::compile(&format!("{declarations}{statement}")).is_ok());
        if statements.is_empty() || Engine::compile(&format!("{declarations}{}", statements.concat())).is_err() {
            statements = vec!["SELECT k, SUM(x) AS s, COUNT(*) AS c FROM A WINDOW TUMBLING 3s GROUP BY k;\n".to_owned()];
        }
        let is_csv = random.chance(20);
        let lines = lines(random, is_csv);
        let header = is_csv.then(|| "type,id,k,x,ch,v,at\n".to_owned());
        Scenario { declarations, statements, header, lines, batch_size, general }
    }

    pub fn program(&self) -> String {
        format!("{}{}", self.declarations, self.statements.concat())
    }

    pub fn input(&self) -> Vec<u8> {
        let header = self.header.iter().map(|header| header.as_bytes());
        header.chain(self.lines.iter().map(|(_, line)| line.as_slice())).collect::<Vec<_>>().concat()
    }

    /// Where in the input the clock moves, and to what.
    fn moves(&self) -> Vec<(usize, Timestamp)> {
        let (mut at, mut clock) = (self.header.as_ref().map_or(0, String::len), BEGIN);
        let mut moves = Vec::new();
        for (step, line) in &self.lines {
            clock += step;
            if *step > 0 {
                moves.push((at, Timestamp(clock * 1_000_000)));
            }
            at += line.len();
        }
        moves
    }

    /// Scenarios with a little less.
    pub fn smaller(&self) -> Vec<Scenario> {
        let statements = (0..self.statements.len()).filter(|_| self.statements.len() > 1).map(|at| {
            let mut smaller = self.clone();
            smaller.statements.remove(at);
            smaller
        });
        let count = self.lines.len();
        let pieces = [count / 2, count / 4, count / 8, 1].into_iter().filter(|piece| *piece > 0);
        let lines = pieces.flat_map(|piece| (0..count).step_by(piece).map(move |at| (at, piece))).map(|(at, piece)| {
            let mut smaller = self.clone();
            smaller.lines.drain(at..count.min(at + piece));
            smaller
        });
        let program_is_good = |smaller: &Scenario| Engine::compile(&smaller.program()).is_ok();
        statements.filter(program_is_good).chain(lines).collect()
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "--- program, in batches of {}", self.batch_size)?;
        writeln!(f, "{}--- input, with steps of the clock in milliseconds", self.program())?;
        write!(f, "{}", self.header.as_deref().unwrap_or_default())?;
        self.lines.iter().try_for_each(|(step, line)| write!(f, "{step:6} {}", String::from_utf8_lossy(line)))
    }
}

/// An engine that is given the bytes of a scenario in any pieces, and moves the clock between them where the scenario says.
#[derive(Debug)]
pub struct Fed {
    pub engine: Engine,
    clock: ManualClock,
    moves: Vec<(usize, Timestamp)>,
    is_csv: bool,
    /// How many bytes it has had.
    pub at: usize,
}

impl Fed {
    /// From the beginning, or from a snapshot that was taken behind so many bytes; `change` says how the options differ from the usual ones.
    pub fn new(scenario: &Scenario, taken_up: Option<(usize, &[u8])>, change: impl FnOnce(&mut Options)) -> Result<Fed, Error> {
        let clock = ManualClock::new(Timestamp(BEGIN * 1_000_000));
        let mut options = Options {
            clock: Arc::new(clock.clone()),
            batch_size: scenario.batch_size,
            general_evaluators: scenario.general,
            max_line: 300,
            ..Options::default()
        };
        change(&mut options);
        let (program, moves) = (scenario.program(), scenario.moves());
        let (at, engine) = match taken_up {
            None => (0, Engine::with_options(&program, &options)?),
            Some((at, snapshot)) => {
                moves.iter().take_while(|(offset, _)| *offset < at).for_each(|(_, time)| clock.set(*time));
                (at, Engine::restore(&program, &options, snapshot)?.0)
            }
        };
        Ok(Fed { engine, clock, moves, is_csv: scenario.header.is_some(), at })
    }

    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            if let Some((_, time)) = self.moves.iter().find(|(offset, _)| *offset == self.at) {
                self.clock.set(*time);
                self.engine.tick()?;
            }
            let next = self.moves.iter().map(|(offset, _)| *offset).find(|offset| *offset > self.at);
            let (piece, rest) = bytes.split_at(next.map_or(bytes.len(), |next| bytes.len().min(next - self.at)));
            if self.is_csv {
                self.engine.push_csv(piece)?
            } else {
                self.engine.push_json(piece)?
            };
            self.at += piece.len();
            bytes = rest;
        }
        Ok(())
    }

    /// The rows and the bad events that have come out since, as they are written.
    pub fn written(&mut self) -> [Vec<u8>; 2] {
        let mut rows = Vec::new();
        self.engine.write_rows(&mut rows).unwrap();
        let bad = self.engine.take_bad_events();
        let letter = |bad: &betide::BadEvent| format!("{} {} {} {} {:?}\n", bad.line, bad.offset, bad.cause, bad.detail, bad.bytes);
        [rows, bad.iter().map(letter).collect::<String>().into_bytes()]
    }
}

/// What comes out where nothing goes wrong, with the counters in the end.
pub fn calm(scenario: &Scenario, change: impl FnOnce(&mut Options)) -> Result<([Vec<u8>; 2], betide::Stats), Error> {
    let mut fed = Fed::new(scenario, None, change)?;
    fed.push(&scenario.input())?;
    fed.engine.finish()?;
    Ok((fed.written(), fed.engine.stats()))
}

const STREAMS: [&str; 4] = ["A", "B", "C", "D"];

fn declarations(random: &mut Random) -> String {
    let mut text = String::new();
    let timing = |random: &mut Random| {
        let delay = random.pick(&["", " DELAY 1s", " DELAY 4s"]);
        let idle = random.pick(&["", "", " IDLE AFTER 6s"]);
        format!("TIMESTAMP BY at{delay}{idle}")
    };
    for stream in STREAMS {
        text += &format!("CREATE STREAM {stream} (id INT, k STRING, x FLOAT, at TIMESTAMP) {};\n", timing(random));
    }
    text += &format!("CREATE STREAM Ev (id INT, k STRING, ch STRING, v INT, at TIMESTAMP) {};\n", timing(random));
    if random.chance(30) {
        let columns = "id INT, k STRING, x FLOAT, type STRING, at TIMESTAMP";
        text += &format!("CREATE STREAM AorB ({columns}) {} WHEN type = 'A' OR type = 'B';\n", timing(random));
    }
    text
}

/// One to five statements, each of another kind; patterns may be two.
fn statements(random: &mut Random) -> Vec<String> {
    let mut kinds: Vec<usize> = (0..10).collect();
    let count = 1 + random.below(5);
    let mut one = |number: usize| {
        let kind = if number == 4 { 0 } else { kinds.remove(random.below(10 - number)) };
        statement(random, kind)
    };
    (0..count).map(&mut one).collect()
}

fn statement(random: &mut Random, kind: usize) -> String {
    let condition = |random: &mut Random| match random.below(4) {
        0 => "x > 2".to_owned(),
        1 => format!("k = '{}'", random.pick(&["u", "v"])),
        2 => "x IS NOT NULL AND id % 3 <> 1".to_owned(),
        _ => "x / x = 1 OR k IS NULL".to_owned(),
    };
    match kind {
        0 | 1 => random::pair_of(random).program[random::sources("").len()..].to_owned(),
        2 => {
            let program = random_rows::pair_of(random).program;
            program.split_once('\n').unwrap().1.to_owned()
        }
        3 => any_pattern(random),
        4 => windows::window_pair(random, &[]).0 + "\n",
        5 if random.chance(50) => windows::rows_pair(random, &[]).0 + "\n",
        5 => windows::top_pair(random, &[]).0 + "\n",
        6 => {
            let make = [joins::join_pair, joins::as_of_pair, joins::chain_pair][random.below(3)];
            make(random, &[]).0 + "\n"
        }
        // A derived stream, and who reads it.
        7 => {
            let made = format!("CREATE STREAM Derived AS SELECT id, k, x FROM {} WHERE {};\n", random.pick(&STREAMS), condition(random));
            let reader = match random.below(4) {
                0 => "SELECT k, COUNT(*) AS c, SUM(x) AS s FROM Derived WINDOW SESSION 3s GROUP BY k;\n",
                1 => "SELECT a.id AS a, b.id AS b FROM PATTERN (Derived a -> B b) PARTITION BY k WITHIN 6s;\n",
                2 => "SELECT d.id, c.id AS other FROM Derived d LEFT JOIN C c ON d.k = c.k WITHIN 2s;\n",
                _ => {
                    "CREATE STREAM Twice AS SELECT id, x * 2 AS x FROM Derived;\nSELECT MAX(x) AS m FROM Twice WINDOW HOPPING 4s EVERY 2s;\n"
                }
            };
            made + reader
        }
        // A view, and a join with it.
        8 => {
            let view = "CREATE TABLE Newest AS SELECT k, LAST(x) AS x, COUNT(*) AS c FROM B GROUP BY k;\n";
            format!("{view}SELECT a.id, n.x, n.c FROM {} a LEFT JOIN Newest n ON a.k = n.k;\n", random.pick(&["A", "C"]))
        }
        _ => {
            let stream = random.pick(&STREAMS);
            let plain = format!("SELECT id, k, x, CASE WHEN x > 3 THEN 'high' ELSE k END AS c FROM {stream} WHERE {}", condition(random));
            plain + random.pick(&[";\n", " SUPPRESS BY k FOR 3s;\n", " LIMIT 5;\n"])
        }
    }
}

fn any_pattern(random: &mut Random) -> String {
    let pattern = any_patterns::pattern(random);
    let counts = pattern.steps.iter().map(
        |(alias, looped, _)| {
            if *looped { format!("COUNT({alias}) AS {alias}") } else { format!("{alias}.id AS {alias}") }
        },
    );
    let columns = counts.collect::<Vec<_>>().join(", ");
    let all = random.pick(&["ALL MATCHES ", ""]);
    let by = random.pick(&["", "PARTITION BY k "]);
    // Without the stream of two types where it is not declared: then the statement is refused, and goes.
    format!("SELECT {all}{columns} FROM PATTERN ({}) {by}WITHIN 3s;\n", pattern.text)
}

/// Events as they arrive.
fn lines(random: &mut Random, is_csv: bool) -> Vec<(i64, Vec<u8>)> {
    let mut at = 10_000_i64;
    let count = 15 + random.below(90);
    let mut found = Vec::new();
    for id in 0..count as i64 {
        let step = [0, 0, 500, 1000, 1000, 3000][random.below(6)];
        at += step;
        let time = at - [0, 0, 0, 500, 1000, 2000, 6000][random.below(7)];
        let stream = random.pick(&["A", "A", "B", "B", "C", "D", "Ev", "Ev", "Nobody"]);
        let mut event = json!({"type": stream, "id": id, "at": time});
        if !random.chance(6) {
            event["k"] = json!(random.pick(&["u", "v", "v", "w \"quoted\""]));
        }
        if !random.chance(6) {
            event["x"] = json!(random.below(7) as f64);
        }
        event["ch"] = json!(random.pick(&["a", "b", "b", "c"]));
        event["v"] = json!(random.below(5));
        let clock_moves = if random.chance(25) { step } else { 0 };
        found.push((clock_moves, if is_csv { record(random, &event) } else { line(random, &event) }));
    }
    if random.chance(20) {
        // The last line has no end.
        found.last_mut().unwrap().1.pop();
    }
    found
}

fn line(random: &mut Random, event: &Json) -> Vec<u8> {
    let mut bytes = event.to_string().into_bytes();
    match random.below(30) {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => bytes = event.to_string().replace("\"at\":", "\"at\":\"soon\",\"then\":").into_bytes(),
        2 => bytes.extend(b"\xff"),
        3 => bytes.extend([b' '; 400]),
        4 => bytes.clear(),
        5 => bytes = b"[1, 2]".to_vec(),
        6 => bytes.push(b'\r'),
        7 => bytes = vec![b' '; 296 + random.below(10)],
        _ => {}
    }
    bytes.push(b'\n');
    bytes
}

fn record(random: &mut Random, event: &Json) -> Vec<u8> {
    let cell = |name: &str| match &event[name] {
        Json::Null => String::new(),
        Json::String(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        other => other.to_string(),
    };
    let cells: Vec<String> = ["type", "id", "k", "x", "ch", "v", "at"].map(cell).to_vec();
    let mut record = match random.below(25) {
        0 => cells[1..].join(","),
        1 => format!("{},more", cells.join(",")),
        2 => String::new(),
        3 => [&cells[..6], &["soon".to_owned()]].concat().join(","),
        4 => [&cells[..2], &["\"two\nlines\"".to_owned()], &cells[3..]].concat().join(","),
        _ => cells.join(","),
    };
    record.push('\n');
    record.into_bytes()
}
