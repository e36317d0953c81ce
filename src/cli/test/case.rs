//! Runs one test: events in, time moved, rows compared; then again by the general evaluators, and with the events shuffled.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use betide::connect::Input;
use betide::engine::StepCount;
use betide::{Engine, ManualClock, Options, OutputRow, Timestamp, Value};

use super::compare::{difference, time, written};
use super::parse::{Block, BlockKind, Case, Counted, Event, Fields, Given, Moment};

/// How often a test is run with its events shuffled.
const SHUFFLES: u64 = 3;

/// What a test is run on.
#[derive(Debug)]
pub(super) struct Setting {
    /// The program's text, under its name.
    pub(super) name: String,
    pub(super) text: String,
    /// Where the program lies: its tables are found from there.
    pub(super) folder: Option<PathBuf>,
    /// Where the test file lies: its files are found from there.
    pub(super) test_folder: PathBuf,
    /// Expectations are written instead of compared.
    pub(super) update: bool,
}

/// How a test went.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// What is wrong: a line of the test file, and what of it.
    pub(super) failures: Vec<(usize, String)>,
    pub(super) steps: Vec<StepCount>,
    /// Lines to be written in the place of others, from one up to, without, another.
    pub(super) rewrites: Vec<(usize, usize, Vec<String>)>,
    /// Golden files that were written.
    pub(super) written: Vec<PathBuf>,
}

/// The test cannot be run.
#[derive(Debug)]
pub(super) enum Broken {
    Program(betide::Error),
    Test(usize, String),
}

impl From<betide::Error> for Broken {
    fn from(error: betide::Error) -> Self {
        Self::Program(error)
    }
}

/// Runs a test in all ways.
pub(super) fn run(case: &Case, set: &BTreeMap<String, String>, setting: &Setting) -> Result<Verdict, Broken> {
    let mut verdict = Verdict::default();
    let rows = play(case, set, setting, Way::Plain, &mut verdict)?;
    let mut general = Verdict::default();
    let again = play(case, set, setting, Way::General, &mut general)?;
    verdict.steps = general.steps;
    if verdict.failures.is_empty() && again != rows {
        verdict
            .failures
            .push((case.line, "the general evaluators give other rows: this is a defect of betide, please report it".to_owned()));
    }
    if verdict.failures.is_empty() && !setting.update {
        for seed in 0..SHUFFLES {
            let Some(shuffled) = shuffled(case, set, setting, seed)? else { break };
            let mut other = Verdict::default();
            if play(&shuffled, set, setting, Way::Shuffled, &mut other)? != rows {
                let order =
                    shuffled.blocks.iter().find_map(|block| if let BlockKind::Given(events) = &block.kind { Some(events) } else { None });
                let lines: Vec<String> = order.into_iter().flatten().map(|given| given.line.to_string()).collect();
                let text = format!(
                    "the rows differ where the events arrive in another order within the DELAY (their lines: {})",
                    lines.join(", ")
                );
                verdict.failures.push((case.line, text));
                break;
            }
        }
    }
    Ok(verdict)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    General,
    Shuffled,
}

/// A test under way.
struct Play<'c> {
    case: &'c Case,
    engine: Engine,
    clock: ManualClock,
    /// The time of the last event.
    now: Timestamp,
    setting: &'c Setting,
    /// Events that are late or bad: their lines, and why.
    lost: Vec<(Counted, usize, String)>,
    /// Whether each source stream has a column of its event time, by name.
    times: BTreeMap<String, Option<String>>,
}

fn start(case: &Case, set: &BTreeMap<String, String>, setting: &Setting, way: Way) -> Result<Engine, Broken> {
    let clock = ManualClock::new(case.start);
    Ok(begin(case, set, setting, way, clock)?.engine)
}

fn begin<'c>(
    case: &'c Case,
    set: &BTreeMap<String, String>,
    setting: &'c Setting,
    way: Way,
    clock: ManualClock,
) -> Result<Play<'c>, Broken> {
    let mut set = set.clone();
    set.extend(case.set.iter().cloned());
    let options = Options {
        name: setting.name.clone(),
        set,
        folder: setting.folder.clone(),
        general_evaluators: way == Way::General,
        clock: Arc::new(clock.clone()),
        ..Options::default()
    };
    let engine = Engine::with_options(&setting.text, &options)?;
    let times = engine.sources().map(|source| (source.name.to_owned(), source.time.map(str::to_owned))).collect();
    Ok(Play { case, engine, clock, now: case.start, setting, times, lost: Vec::new() })
}

/// Runs a test one way and gives the rows as text.
fn play(case: &Case, set: &BTreeMap<String, String>, setting: &Setting, way: Way, verdict: &mut Verdict) -> Result<Vec<String>, Broken> {
    let mut play = begin(case, set, setting, way, ManualClock::new(case.start))?;
    let last_input = case.blocks.iter().rposition(|block| !block.kind.is_expectation());
    let mut all = Vec::new();
    let mut rows: Vec<OutputRow> = Vec::new();
    let mut was_expectation = true;
    for (index, block) in case.blocks.iter().enumerate() {
        if block.kind.is_expectation() {
            if !was_expectation || index == 0 {
                if last_input.is_none_or(|last| index > last) {
                    play.engine.finish()?;
                }
                rows = play.engine.take_rows();
                all.extend(rows.iter().map(OutputRow::to_json));
            }
            if way == Way::Plain {
                play.check(block, &rows, verdict)?;
            }
        } else {
            play.give(block)?;
        }
        was_expectation = block.kind.is_expectation();
    }
    if way == Way::Plain {
        play.check_accounts(verdict);
    }
    verdict.steps = play.engine.step_counts();
    Ok(all)
}

impl Play<'_> {
    /// Events come, or time goes by.
    fn give(&mut self, block: &Block) -> Result<(), Broken> {
        match &block.kind {
            BlockKind::Given(events) => events.iter().try_for_each(|given| self.event(given)),
            BlockKind::GivenFile(path) => self.file(block.line, path),
            BlockKind::Advance(length) => {
                let to = self.now.saturating_add(*length);
                self.now = to;
                self.clock.set(to);
                self.engine.tick()?;
                // As if every stream had told that it is so late: each waits for its DELAY.
                let delay = self.engine.sources().map(|source| source.delay).max().unwrap_or_default();
                Ok(self.engine.advance_watermark(to.saturating_sub(delay))?)
            }
            BlockKind::Expect(_)
            | BlockKind::ExpectSome(_)
            | BlockKind::ExpectNo(_)
            | BlockKind::ExpectFile(_)
            | BlockKind::ExpectCount(..) => Ok(()),
        }
    }

    fn event(&mut self, given: &Given) -> Result<(), Broken> {
        let row = match &given.event {
            Event::Json(text) => {
                let late = self.engine.stats().late;
                self.engine.push_json(format!("{text}\n").as_bytes())?;
                self.note_lost(given.line, late);
                return Ok(());
            }
            Event::Row(row) => row,
        };
        let Some(time_column) = self.times.get(&row.stream) else {
            let names: Vec<&str> = self.times.keys().map(String::as_str).collect();
            let near = betide::text::nearest(&row.stream, names.iter().copied());
            let hint = near.first().map_or_else(|| format!("there are {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
            return Err(Broken::Test(given.line, format!("the program has no source stream `{}`: {hint}", row.stream)));
        };
        let time_column = time_column.clone();
        self.now = self.time_of(given, row, time_column.as_deref());
        self.clock.set(self.now);
        let schema = self.engine.schema_of(&row.stream).cloned();
        let mut values: Vec<(&str, Value<'_>)> = Vec::new();
        for (name, text) in &row.values {
            let data_type = schema.as_ref().and_then(|schema| Some(&schema.fields()[schema.index_of(name)?].data_type));
            let is_null = !text.is_quoted && text.text.eq_ignore_ascii_case("null");
            let value = match data_type {
                _ if is_null => Value::Null,
                Some(betide::DataType::Timestamp) => {
                    time(&text.text, self.case.start).map_or_else(|| Value::string(text.text.as_str()), Value::Timestamp)
                }
                _ => Value::string(text.text.as_str()),
            };
            values.push((name, value));
        }
        if let Some(column) = &time_column
            && !values.iter().any(|(name, _)| name == column)
        {
            values.push((column, Value::Timestamp(self.now)));
        }
        let late = self.engine.stats().late;
        let pushed = self.engine.push_row(&row.stream, &values);
        pushed.map_err(|error| match error {
            betide::Error::Data(error) => Broken::Test(given.line, error.to_string()),
            other => other.into(),
        })?;
        self.note_lost(given.line, late);
        Ok(())
    }

    /// Notes whether the event of a line got lost.
    fn note_lost(&mut self, line: usize, late_before: u64) {
        if self.engine.stats().late > late_before {
            self.lost.push((Counted::Late, line, "this event comes too late: the watermark has passed it".to_owned()));
        }
        let bad = self.engine.take_bad_events();
        self.lost.extend(bad.into_iter().map(|bad| (Counted::Bad, line, format!("this event is bad: {}", bad.detail))));
    }

    /// When an event is: behind its `@`, in its column, or as the event before it.
    fn time_of(&self, given: &Given, row: &Fields, column: Option<&str>) -> Timestamp {
        let in_column = || {
            let (_, text) = row.values.iter().find(|(name, _)| Some(name.as_str()) == column)?;
            time(&text.text, self.case.start)
        };
        match given.at {
            Some(moment) => moment_at(moment, self.now, self.case.start),
            None => in_column().unwrap_or(self.now),
        }
    }

    fn file(&mut self, line: usize, path: &str) -> Result<(), Broken> {
        use std::io::Read;
        let broken = |error: &dyn std::fmt::Display| Broken::Test(line, error.to_string());
        let path = self.setting.test_folder.join(path);
        let mut input = Input::open(&path.to_string_lossy()).map_err(|error| broken(&error))?;
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes).map_err(|error| broken(&error))?;
        match input.format() {
            betide::codec::Format::JsonLines => self.engine.push_json(&bytes)?,
            betide::codec::Format::Csv => self.engine.push_csv(&bytes)?,
        }
        let late = self.engine.stats().late;
        self.engine.end_input()?;
        self.note_lost(line, late);
        Ok(())
    }

    /// Compares what came out.
    fn check(&self, block: &Block, rows: &[OutputRow], verdict: &mut Verdict) -> Result<(), Broken> {
        let start = self.case.start;
        match &block.kind {
            BlockKind::Expect(expected) => {
                if let Some(failure) = not_exactly(rows, expected, start, block.line) {
                    if self.setting.update {
                        let mut lines = vec![if rows.is_empty() { "expect nothing".to_owned() } else { "expect".to_owned() }];
                        lines.extend(rows.iter().map(|row| format!("    {}", written(row))));
                        verdict.rewrites.push((block.line, block.end, lines));
                    } else {
                        verdict.failures.push(failure);
                    }
                }
            }
            BlockKind::ExpectSome(expected) => {
                let mut left = rows.iter();
                for fields in expected {
                    if !left.any(|row| difference(row, fields, start).is_none()) {
                        let place =
                            if rows.iter().any(|row| difference(row, fields, start).is_none()) { " behind the row before it" } else { "" };
                        verdict.failures.push((fields.line, format!("no such row came{place}{}", came(rows))));
                    }
                }
            }
            BlockKind::ExpectNo(expected) => {
                for fields in expected {
                    if let Some(row) = rows.iter().find(|row| difference(row, fields, start).is_none()) {
                        verdict.failures.push((fields.line, format!("this must not come, and came: {}", written(row))));
                    }
                }
            }
            BlockKind::ExpectFile(path) => self.golden(block.line, path, rows, verdict)?,
            BlockKind::ExpectCount(counted, count) => {
                let stats = self.engine.stats();
                let (what, found) = match counted {
                    Counted::Late => ("late", stats.late),
                    Counted::Bad => ("bad", stats.bad),
                    Counted::Unrouted => ("unrouted", stats.unrouted),
                };
                if found != *count {
                    verdict.failures.push((block.line, format!("{found} events are {what}, not {count}")));
                }
            }
            BlockKind::Given(_) | BlockKind::GivenFile(_) | BlockKind::Advance(_) => {}
        }
        Ok(())
    }

    /// Compares with a golden file, or writes it.
    fn golden(&self, line: usize, path: &str, rows: &[OutputRow], verdict: &mut Verdict) -> Result<(), Broken> {
        let path = self.setting.test_folder.join(path);
        let found: String = rows.iter().map(|row| row.to_json() + "\n").collect();
        let before = std::fs::read_to_string(&path);
        if self.setting.update {
            if before.as_deref().ok() != Some(&found) {
                std::fs::write(&path, found).map_err(|error| Broken::Test(line, format!("{}: {error}", path.display())))?;
                verdict.written.push(path);
            }
            return Ok(());
        }
        let expected = before.map_err(|error| Broken::Test(line, format!("{}: {error}; --update writes it", path.display())))?;
        let differ = found.lines().zip(expected.lines()).position(|(found, expected)| found != expected);
        let (found_count, expected_count) = (found.lines().count(), expected.lines().count());
        let failure = match differ {
            Some(row) => {
                let (found, expected) = (found.lines().nth(row), expected.lines().nth(row));
                format!("row {}: expected {}\n      came     {}", row + 1, expected.unwrap_or_default(), found.unwrap_or_default())
            }
            None if found_count != expected_count => format!("{expected_count} rows were expected, and {found_count} came"),
            None => return Ok(()),
        };
        verdict.failures.push((line, failure));
        Ok(())
    }

    /// Events that got lost without being expected to are a mistake of the test, or of the program.
    fn check_accounts(&mut self, verdict: &mut Verdict) {
        let stats = self.engine.stats();
        for (which, count, word) in [(Counted::Late, stats.late, "late"), (Counted::Bad, stats.bad, "bad")] {
            let is_expected =
                self.case.blocks.iter().any(|block| matches!(block.kind, BlockKind::ExpectCount(counted, _) if counted == which));
            if count == 0 || is_expected {
                continue;
            }
            let first = self.lost.iter().find(|(lost, ..)| *lost == which);
            let (line, why) = first.map_or((self.case.line, format!("{count} events are {word}")), |(_, line, why)| (*line, why.clone()));
            verdict.failures.push((line, format!("{why} (where that is meant: expect {word} {count})")));
        }
    }
}

fn moment_at(moment: Moment, now: Timestamp, start: Timestamp) -> Timestamp {
    match moment {
        Moment::After(length) => now.saturating_add(length),
        Moment::OfDay(in_day) => Timestamp(start.0 - start.0.rem_euclid(86_400_000_000_000)).saturating_add(in_day),
        Moment::At(time) => time,
    }
}

/// Where rows are not exactly the expected ones: the first difference.
fn not_exactly(rows: &[OutputRow], expected: &[Fields], start: Timestamp, line: usize) -> Option<(usize, String)> {
    for (number, fields) in expected.iter().enumerate() {
        let Some(row) = rows.get(number) else {
            return Some((fields.line, format!("this row did not come{}", came(rows))));
        };
        if let Some(difference) = difference(row, fields, start) {
            let why = if difference.is_empty() { String::new() } else { format!("; {difference}") };
            return Some((fields.line, format!("another row came: {}{why}", written(row))));
        }
    }
    let more = rows.get(expected.len())?;
    Some((line, format!("a row came that was not expected: {}{}", written(more), count_more(rows.len() - expected.len() - 1))))
}

fn count_more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(", and {count} more") }
}

fn came(rows: &[OutputRow]) -> String {
    const SHOWN: usize = 5;
    if rows.is_empty() {
        return "; no row came".to_owned();
    }
    let lines: String = rows.iter().take(SHOWN).map(|row| format!("\n      {}", written(row))).collect();
    format!("; there came{lines}{}", if rows.len() > SHOWN { format!("\n      and {} more", rows.len() - SHOWN) } else { String::new() })
}

/// The test with its events in another order of arrival that no event is late in; nothing where there is no other, or where it would not
/// mean the same: where time is moved by hand, where events are late on purpose, and where their times are not known here.
fn shuffled(case: &Case, set: &BTreeMap<String, String>, setting: &Setting, seed: u64) -> Result<Option<Case>, Broken> {
    let inputs: Vec<&Block> = case.blocks.iter().filter(|block| !block.kind.is_expectation()).collect();
    let [Block { kind: BlockKind::Given(events), .. }] = inputs.as_slice() else { return Ok(None) };
    let has_late = case.blocks.iter().any(|block| matches!(block.kind, BlockKind::ExpectCount(..)));
    let engine = start(case, set, setting, Way::Shuffled)?;
    let delay = engine.sources().map(|source| source.delay).min().unwrap_or_default();
    let is_timed = engine.sources().all(|source| source.time.is_some());
    if has_late || !is_timed || delay.0 <= 0 || case.blocks.first().is_some_and(|block| block.kind.is_expectation()) {
        return Ok(None);
    }
    let mut now = case.start;
    let mut keyed: Vec<(i64, Given)> = Vec::new();
    let mut random =
        Random(seed ^ case.name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)));
    let mut held: BTreeMap<i64, i64> = BTreeMap::new();
    for given in events {
        let Event::Row(row) = &given.event else { return Ok(None) };
        let column = engine.sources().find(|source| source.name == row.stream).and_then(|source| source.time);
        let in_column =
            row.values.iter().find(|(name, _)| Some(name.as_str()) == column).and_then(|(_, text)| time(&text.text, case.start));
        now = match given.at {
            Some(moment) => moment_at(moment, now, case.start),
            None => in_column.unwrap_or(now),
        };
        // Events of one time keep their order: it is what orders them.
        let hold = *held.entry(now.0).or_insert_with(|| random.below(delay.0));
        let event = Event::Row(row.clone());
        keyed.push((now.0.saturating_add(hold), Given { line: given.line, event, at: Some(Moment::At(now)) }));
    }
    keyed.sort_by_key(|(key, _)| *key);
    let given = keyed.into_iter().map(|(_, given)| given).collect();
    let block = |kind| Block { line: case.line, end: case.line, kind };
    let blocks = vec![block(BlockKind::Given(given)), block(BlockKind::Expect(Vec::new()))];
    Ok(Some(Case { name: case.name.clone(), line: case.line, set: case.set.clone(), start: case.start, blocks }))
}

/// splitmix64: the same numbers for the same test, always.
struct Random(u64);

impl Random {
    /// A number from 0 up to and with `most`.
    fn below(&mut self, most: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let range = u64::try_from(most).unwrap_or(0).saturating_add(1);
        i64::try_from((mixed ^ (mixed >> 31)) % range).unwrap_or(0)
    }
}
