//! Aggregates that a user of the library brings. In: random programs and streams, once with SUM, AVG and COUNT of the language and once with
//! copies of these that are brought, saved and resumed between cuts. Out: the same bytes. And what is said of calls, names and snapshots that
//! are wrong, and what becomes of a panic in code of the user's.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

mod support;

use betide::engine::EndCause;
use betide::{AggregateFunction, AggregateState, DataType, Engine, Options, SnapshotError, StateError, TypeError, Value};
use serde_json::Value as Json;
use support::own_aggregates::{Own, What, options, replaced};
use support::random::{self, Random};
use support::{random_rows, windows};

fn write(engine: &mut Engine, rows: &mut Vec<u8>) {
    engine.write_rows(rows).unwrap();
}

fn text(events: &[Json]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

fn whole(program: &str, events: &[Json]) -> String {
    let mut engine = Engine::with_options(program, &Options::default()).unwrap_or_else(|why| panic!("{why}\n{program}"));
    let mut rows = Vec::new();
    engine.push_json(text(events).as_bytes()).unwrap();
    engine.finish().unwrap();
    write(&mut engine, &mut rows);
    String::from_utf8(rows).unwrap()
}

/// The same with aggregates of the user's own, in pieces, saved and taken up between some of them.
fn in_pieces(random: &mut Random, program: &str, events: &[Json], resumed: &mut u64) -> String {
    let options = Options { batch_size: 1 + random.below(9), general_evaluators: random.chance(30), ..options() };
    let mut engine = Engine::with_options(program, &options).unwrap_or_else(|why| panic!("{why}\n{program}"));
    let mut rows = Vec::new();
    let mut rest = events;
    while !rest.is_empty() {
        let (now, later) = rest.split_at((1 + random.below(12)).min(rest.len()));
        engine.push_json(text(now).as_bytes()).unwrap();
        rest = later;
        if random.chance(30) {
            write(&mut engine, &mut rows);
            let snapshot = engine.snapshot().unwrap();
            engine = Engine::restore(program, &options, &snapshot).unwrap_or_else(|why| panic!("{why}\n{program}")).0;
            assert!(engine.snapshot().unwrap() == snapshot, "a state that is read is written as it was\n{program}");
            *resumed += 1;
        }
    }
    engine.finish().unwrap();
    write(&mut engine, &mut rows);
    String::from_utf8(rows).unwrap()
}

/// A program of random windows or patterns, its input, and which kind it is.
fn case(random: &mut Random) -> (String, Vec<Json>, usize) {
    let kind = random.below(8);
    let query = match kind {
        0..=3 => windows::window_pair(random, &[]).0,
        4 => windows::top_pair(random, &[]).0,
        5 => {
            // Few of these patterns have a sum.
            let pair = std::iter::repeat_with(|| random::pair(random.next() % 100_000)).find(|pair| pair.program.contains("SUM("));
            let pair = pair.unwrap();
            return (pair.program, pair.input, kind);
        }
        6 => {
            let pair = random_rows::pair(random.next() % 100_000);
            return (pair.program, pair.input, kind);
        }
        _ => [
            "CREATE TABLE T AS SELECT k, SUM(x) AS s, COUNT(*) AS n FROM A WHERE k IS NOT NULL GROUP BY k;
             SELECT b.id, T.s, T.n FROM B b JOIN T ON b.k = T.k;",
            "SELECT a.k AS k, SUM(b.x) AS s, AVG(b.id) AS m FROM PATTERN (A a -> B b{1,4} -> C c) PARTITION BY k
             WHERE SUM(b.x) < 9 WITHIN 20s HAVING SUM(b.id) > 3;",
            "SELECT SUM(x) AS s, AVG(DISTINCT x) AS d, COUNT(*) FILTER (WHERE id > 9) AS n FROM (SELECT ALL MATCHES b.id, b.x
             FROM PATTERN (A a ->> B b) WITHIN 4s) WINDOW TUMBLING 5s;",
        ][random.below(3)]
        .to_owned(),
    };
    let mut events = random::stream(random, 70, &["A", "A", "A", "B", "C"]);
    if random.chance(50) {
        // Late by less than the delay.
        for at in (1..events.len()).step_by(3) {
            events.swap(at - 1, at);
        }
    }
    (format!("{}{query}", random::sources(" DELAY 10s")), events, kind)
}

#[test]
fn copies_of_built_in_aggregates_give_the_same_bytes() {
    let (mut compared, mut resumed, mut of_kind) = (0, 0, [0; 8]);
    let seeds = random::seeds(250);
    let programs = seeds.end - seeds.start;
    for seed in seeds {
        let random = &mut Random::new(seed ^ 0x000a_99e6);
        let (program, events, kind) = case(random);
        let own = replaced(&program);
        if own == program {
            continue;
        }
        let expected = whole(&program, &events);
        assert_eq!(in_pieces(random, &own, &events, &mut resumed), expected, "seed {seed}\n{own}\n{}", text(&events));
        compared += expected.lines().count();
        of_kind[kind] += 1;
    }
    if programs > 100 {
        let enough = compared as u64 > 5 * programs && resumed > programs && of_kind.iter().all(|count| *count > 2);
        assert!(enough, "{compared} rows, {resumed} times resumed, {of_kind:?} in {programs} programs");
    }
}

/// `RISKY(x, where)`: the least x; panics at 13 in what the second argument says.
#[derive(Debug)]
struct Risky;

#[derive(Debug, Clone, PartialEq, Default)]
struct Least(Option<i64>, Option<String>);

impl Least {
    fn check(&self, here: &str) {
        assert!(self.0 != Some(13) || self.1.as_deref() != Some(here), "thirteen is not liked in {here}");
    }
}

impl AggregateFunction for Risky {
    type State = Least;

    fn name(&self) -> &str {
        "RISKY"
    }

    fn resolve(&self, found: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError> {
        match found {
            [_, _] => Ok((vec![DataType::Int, DataType::String], DataType::Int)),
            _ => Err(TypeError::new("RISKY", found.to_vec(), "2 arguments")),
        }
    }

    fn start(&self, _: &[DataType]) -> Least {
        Least::default()
    }
}

impl AggregateState for Least {
    fn update(&mut self, args: &[Value<'_>]) {
        if let [Value::Int(x), Value::String(here)] = args {
            self.0 = Some(self.0.map_or(*x, |least| least.min(*x)));
            self.1 = Some(here.clone().into_owned());
        }
        self.check("update");
    }

    fn merge(&mut self, later: &Self) {
        self.0 = self.0.into_iter().chain(later.0).min();
        self.1 = self.1.clone().or_else(|| later.1.clone());
        self.check("merge");
    }

    fn finish(&self) -> Value<'static> {
        self.check("finish");
        match self.0 {
            // Of a type that was not promised.
            Some(14) => Value::Bool(true),
            least => least.map_or(Value::Null, Value::Int),
        }
    }

    fn save(&self) -> Vec<u8> {
        self.check("save");
        let here = self.1.clone().unwrap_or_default();
        [&self.0.unwrap_or(i64::MAX).to_le_bytes()[..], here.as_bytes()].concat()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        let (least, here) = saved.split_at_checked(8).ok_or_else(|| StateError::new("it is short"))?;
        let least = i64::from_le_bytes(least.try_into().map_err(|_| StateError::new("it is short"))?);
        if least == 99 {
            return Err(StateError::new("99 is of another version"));
        }
        self.0 = Some(least).filter(|least| *least != i64::MAX);
        self.1 = Some(String::from_utf8_lossy(here).into_owned());
        Ok(())
    }
}

fn risky() -> Options {
    let mut options = Options { batch_size: 1, ..options() };
    options.register_aggregate(Risky).unwrap();
    options
}

const STREAM: &str = "CREATE STREAM E (k STRING, x INT, f FLOAT, at TIMESTAMP(s)) TIMESTAMP BY at;\n";

fn engine(program: &str) -> Engine {
    betide::record_panics();
    Engine::with_options(&format!("{STREAM}{program}"), &risky()).unwrap_or_else(|why| panic!("{why}"))
}

fn push(engine: &mut Engine, xs: &[i64], from: i64) {
    for (second, x) in (from..).zip(xs) {
        engine.push_json(format!("{{\"k\":\"a\",\"x\":{x},\"at\":{second}}}\n").as_bytes()).unwrap();
    }
}

fn rows(engine: &mut Engine) -> String {
    let mut rows = Vec::new();
    write(engine, &mut rows);
    String::from_utf8(rows).unwrap()
}

#[test]
fn a_panic_in_it_ends_its_statement_alone() {
    for (here, window) in [("update", "TUMBLING 2s"), ("merge", "SLIDING 3s"), ("finish", "ROWS 2")] {
        let mut engine = engine(&format!(
            "CREATE STREAM Bad AS SELECT RISKY(x, '{here}') AS r FROM E WINDOW {window};
             CREATE STREAM Sound AS SELECT RISKY(x, 'nowhere') AS r, COUNT(*) AS n FROM E WINDOW ROWS 4;"
        ));
        push(&mut engine, &[20, 21, 22, 13, 15, 16, 17, 18], 0);
        engine.finish().unwrap();
        let ended = engine.ended();
        let [ended] = ended.as_slice() else { panic!("{ended:?}") };
        assert_eq!(ended.name.as_deref(), Some("Bad"), "{here}");
        assert!(matches!(&ended.cause, EndCause::Panic { message, .. } if message.contains(here)), "{:?}", ended.cause);
        let rows = rows(&mut engine);
        let sound: Vec<&str> = rows.lines().filter(|row| row.contains("Sound")).collect();
        assert_eq!(sound, [r#"{"stream":"Sound","r":13,"n":4}"#, r#"{"stream":"Sound","r":15,"n":4}"#], "{here}");
    }
}

#[test]
fn a_panic_while_it_is_saved_is_an_error() {
    let mut engine = engine("SELECT RISKY(x, 'save') AS r FROM E WINDOW TUMBLING 1h;");
    push(&mut engine, &[20, 13], 0);
    assert!(engine.snapshot().unwrap_err().to_string().contains("thirteen is not liked in save"));
}

#[test]
fn a_value_of_another_type_is_null_and_counted() {
    let mut engine = engine("SELECT RISKY(x, 'nowhere') AS r FROM E WINDOW ROWS 1;");
    push(&mut engine, &[14, 15], 0);
    engine.finish().unwrap();
    assert_eq!(rows(&mut engine), "{\"r\":null}\n{\"r\":15}\n");
    assert_eq!(engine.stats().eval_nulls, 1);
}

fn mistakes(program: &str) -> String {
    Engine::with_options(&format!("{STREAM}{program}"), &risky()).map(drop).unwrap_err().to_string()
}

#[test]
fn what_is_wrong_with_a_call_is_told_where_it_stands() {
    for (program, told) in [
        ("SELECT OWN_SUM(x, f) AS s FROM E;", "1 argument"),
        ("SELECT OWN_SUM() AS s FROM E;", "1 argument"),
        ("SELECT OWN_SUM(k) AS s FROM E;", "a number"),
        ("SELECT RISKY(k, 'a') AS s FROM E;", "INT"),
        ("SELECT OWN_ROWS(x) AS s FROM E;", "no argument"),
        ("SELECT OWN_ROWS(*) AS s FROM E;", "`*` stands in COUNT(*) only"),
        ("SELECT RISKY(DISTINCT x, 'a') AS s FROM E;", "no DISTINCT"),
        ("SELECT OWN_ROWS(DISTINCT) AS s FROM E;", ""),
        ("SELECT OWN_SUN(x) AS s FROM E;", "did you mean `OWN_SUM`?"),
        ("SELECT x FROM E WHERE OWN_SUM(x) > 2;", "the aggregate `OWN_SUM` cannot stand in WHERE"),
        ("SELECT SUM(OWN_SUM(x)) AS s FROM E;", "cannot stand in an aggregate"),
        ("SELECT x, OWN_SUM(x) AS s FROM E WINDOW ROWS 2;", "neither grouped by nor in an aggregate"),
        ("SELECT OWN_SUM(x) OVER (PARTITION BY k) AS s FROM E;", "OVER"),
        ("SELECT a.x FROM PATTERN (E a -> E b) PARTITION BY OWN_SUM(x) WITHIN 1m;", "PARTITION BY"),
    ] {
        let found = mistakes(program);
        assert!(found.contains(told) && found.contains(":2:"), "{program}\n{found}");
    }
}

#[test]
fn names_are_given_once_and_can_be_called() {
    #[derive(Debug)]
    struct Named(&'static str);
    impl AggregateFunction for Named {
        type State = Least;

        fn name(&self) -> &str {
            self.0
        }

        fn resolve(&self, found: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError> {
            Ok((found.to_vec(), DataType::Int))
        }

        fn start(&self, _: &[DataType]) -> Least {
            Least::default()
        }
    }
    let mut options = risky();
    for taken in ["OWN_SUM", "own_sum", "COUNT", "mean", "Upper"] {
        let told = options.register_aggregate(Named(taken)).unwrap_err().to_string();
        assert!(told.contains("already"), "{taken}: {told}");
        let told = options.register_fn(taken, &[], DataType::Int, |_| Value::Null).unwrap_err().to_string();
        assert!(told.contains("already"), "{taken}: {told}");
    }
    for wrong in ["", "two words", "1st", "select", "a;b", "f(x", "\"quoted\"", "PREV", "case", "cast", "a.b"] {
        let told = options.register_aggregate(Named(wrong)).unwrap_err().to_string();
        assert!(told.contains("no program could call"), "{wrong}: {told}");
    }
    options.register_aggregate(Named("_Größe9")).map_or_else(|told| assert!(told.to_string().contains("no program")), |()| ());
    options.register_aggregate(Named("Lower_case_9")).unwrap();
    assert!(Engine::with_options(&format!("{STREAM}SELECT LOWER_CASE_9(x) AS y FROM E;"), &options).is_ok());
}

#[test]
fn a_snapshot_needs_the_aggregates_of_its_program() {
    let program = format!("{STREAM}CREATE STREAM R AS SELECT RISKY(x, 'a') AS r FROM E WINDOW TUMBLING 1h;");
    let saved = |x: i64| {
        let mut engine = Engine::with_options(&program, &risky()).unwrap();
        push(&mut engine, &[x], 0);
        engine.snapshot().unwrap()
    };
    let told = Engine::resume(&options(), &saved(5)).map(drop).unwrap_err().to_string();
    assert!(told.contains("unknown function `RISKY`") && told.contains("register it"), "{told}");
    let told = Engine::restore(&program, &options(), &saved(5)).map(drop).unwrap_err().to_string();
    assert!(told.contains("unknown function `RISKY`"), "{told}");
    // Of a program that has the statement no more, it is not asked for.
    assert_eq!(Engine::restore(STREAM, &options(), &saved(5)).unwrap().1.removed.len(), 1);
    // What the state itself is not content with.
    let told = Engine::resume(&risky(), &saved(99)).map(drop).unwrap_err();
    assert!(told.to_string().contains("the state of RISKY: 99 is of another version"), "{told}");
    // One of the same name with other types is another.
    #[derive(Debug)]
    struct Other;
    impl AggregateFunction for Other {
        type State = Least;

        fn name(&self) -> &str {
            "RISKY"
        }

        fn resolve(&self, _: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError> {
            Ok((vec![DataType::Float, DataType::String], DataType::Int))
        }

        fn start(&self, _: &[DataType]) -> Least {
            Least::default()
        }
    }
    let mut other = options();
    other.register_aggregate(Other).unwrap();
    let told = Engine::resume(&other, &saved(5)).map(drop).unwrap_err();
    assert!(matches!(&told, betide::Error::Snapshot(SnapshotError::Differs(what)) if what[0].contains("`R`")), "{told}");
}

#[test]
fn it_is_named_bounded_and_comes_and_goes_as_others_do() {
    #[derive(Debug)]
    struct All;
    #[derive(Debug, Clone, PartialEq)]
    struct Texts(Vec<String>);
    impl AggregateFunction for All {
        type State = Texts;

        fn name(&self) -> &str {
            "ALL_TEXTS"
        }

        fn resolve(&self, found: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError> {
            Ok((vec![DataType::String; found.len()], DataType::String))
        }

        fn start(&self, _: &[DataType]) -> Texts {
            Texts(Vec::new())
        }

        fn is_strict(&self) -> bool {
            false
        }

        fn grows(&self) -> bool {
            true
        }
    }
    impl AggregateState for Texts {
        fn update(&mut self, args: &[Value<'_>]) {
            self.0.push(if let [Value::String(text)] = args { text.clone().into_owned() } else { "-".to_owned() });
        }

        fn merge(&mut self, later: &Self) {
            self.0.extend(later.0.iter().cloned());
        }

        fn finish(&self) -> Value<'static> {
            Value::string(self.0.join(" "))
        }

        fn save(&self) -> Vec<u8> {
            self.0.join(" ").into_bytes()
        }

        fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
            self.0 = String::from_utf8_lossy(saved).split_whitespace().map(str::to_owned).collect();
            Ok(())
        }

        fn bytes(&self) -> usize {
            self.0.iter().map(String::capacity).sum()
        }
    }
    let mut options = Options { open: true, ..options() };
    options.register_aggregate(All).unwrap();
    let endless = Options { endless: true, ..options.clone() };
    let told = Engine::with_options(&format!("{STREAM}SELECT ALL_TEXTS(k) AS t FROM E;"), &endless).map(drop).unwrap_err().to_string();
    assert!(told.contains("this aggregate keeps every value for ever"), "{told}");

    let mut engine = Engine::with_options(STREAM, &options).unwrap();
    engine.add("CREATE STREAM T AS SELECT ALL_TEXTS(k) AS t, OWN_SUM(f) AS s FROM E WINDOW SLIDING 10s;").unwrap();
    assert!(engine.explain().contains("ALL_TEXTS(k)") && engine.explain().contains("OWN_SUM(f)"), "{}", engine.explain());
    for (second, k) in ["\"b\"", "null", "\"a\"", "\"c\""].iter().enumerate() {
        engine.push_json(format!("{{\"k\":{k},\"f\":1.5,\"at\":{}}}\n", 4 * second).as_bytes()).unwrap();
        let snapshot = engine.snapshot().unwrap();
        engine = Engine::resume(&options, &snapshot).unwrap().0;
    }
    let long = "x".repeat(10_000);
    let held = |engine: &Engine| engine.stats().operators.iter().map(|operator| operator.bytes).sum::<u64>();
    let before = held(&engine);
    engine.push_json(format!("{{\"k\":\"{long}\",\"at\":14}}\n{{\"at\":15}}\n").as_bytes()).unwrap();
    assert!(held(&engine) >= before + 10_000, "what it holds is counted");
    engine.finish().unwrap();
    let rows = rows(&mut engine).replace(&long, "long");
    let texts: Vec<String> = rows.lines().map(|row| serde_json::from_str::<Json>(row).unwrap()["t"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts, ["b", "b -", "b - a", "- a c", "- a c long", "a c long -"]);
}

#[test]
fn own_aggregates_stand_beside_each_other() {
    let mut options = Options::default();
    options.register_aggregate(Own(What::Sum)).unwrap();
    let program = format!("{STREAM}SELECT OWN_SUM(x) AS a, OWN_SUM(f) AS b, OWN_SUM(x) + SUM(x) AS c FROM E WINDOW ROWS 2;");
    let mut engine = Engine::with_options(&program, &options).unwrap();
    engine.push_json(b"{\"x\":1,\"f\":0.5,\"at\":1}\n{\"x\":2,\"f\":0.25,\"at\":2}\n").unwrap();
    engine.finish().unwrap();
    assert_eq!(rows(&mut engine), "{\"a\":3,\"b\":0.75,\"c\":6}\n");
}
