//! Transfers between accounts, out of order: whatever is read, and whenever, nothing is lost or made. Each transfer gives two entries, and no
//! state that can be read lies between them. `BETIDE_TRANSFERS=1000000` runs the long way.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use betide::{Engine, Options, Value};

const ACCOUNTS: i64 = 10;

const PROGRAM: &str = "
    CREATE STREAM Transfer (source INT, target INT, amount INT, at TIMESTAMP(ms)) TIMESTAMP BY at DELAY 10 seconds;
    INSERT INTO Entry SELECT source AS account, 0 - amount AS amount FROM Transfer;
    INSERT INTO Entry SELECT target AS account, amount FROM Transfer;
    CREATE TABLE Balance AS SELECT account, SUM(amount) AS total FROM Entry GROUP BY account;
    CREATE TABLE Zero AS SELECT SUM(amount) AS total, COUNT(*) AS entries FROM Entry;
    CREATE TABLE Count AS SELECT COUNT(*) AS transfers FROM Transfer;
    -- Through a second way: the balance as every transfer sees it, both of its halves done.
    CREATE STREAM Seen AS SELECT t.amount, z.total FROM Transfer t JOIN Zero z ON TRUE;
    SELECT * FROM Seen WHERE total <> 0;
    SELECT COUNT(*) AS seen FROM Seen WINDOW TUMBLING 1000 days;";

/// A generator of numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from((self.0 >> 11) % u64::try_from(bound).unwrap()).unwrap()
    }
}

fn number(view: &betide::TableView<'_>, key: &[Value<'_>], column: &str) -> i64 {
    match view.get(key).and_then(|row| row.get(column).cloned()) {
        Some(Value::Int(number)) => number,
        None => 0,
        Some(other) => panic!("{other:?} is no count"),
    }
}

/// Looks at all tables, which are as of one place.
fn check(engine: &Engine) {
    let (balance, zero, count) = (engine.table("Balance").unwrap(), engine.table("Zero").unwrap(), engine.table("Count").unwrap());
    let totals = balance.rows().into_iter().map(|row| match row.get("total") {
        Some(Value::Int(total)) => *total,
        other => panic!("{other:?} is no balance"),
    });
    assert_eq!(totals.sum::<i64>(), 0);
    assert_eq!(number(&zero, &[], "total"), 0);
    assert_eq!(number(&zero, &[], "entries"), 2 * number(&count, &[], "transfers"));
}

#[test]
fn the_total_is_zero_in_every_state_that_can_be_read() {
    let transfers: i64 = std::env::var("BETIDE_TRANSFERS").map_or(20_000, |count| count.parse().unwrap());
    let mut last = None;
    for (every, batch_size) in [(1, 4096), (7, 1), (4096, 4096)] {
        let mut random = Random(0x5eed_cafe);
        let mut engine = Engine::with_options(PROGRAM, &Options { batch_size, ..Options::default() }).unwrap();
        let mut text = String::new();
        // Event by event the run is slow: it is done on the first part.
        let transfers = if every == 1 || batch_size == 1 { transfers.min(20_000) } else { transfers };
        let mut expected = [0; 10];
        for number in 0..transfers {
            let (source, target, amount) = (random.below(ACCOUNTS), random.below(ACCOUNTS), random.below(1000));
            let time = number * 5 + 10_000 - random.below(10_000);
            text += &format!("{{\"source\":{source},\"target\":{target},\"amount\":{amount},\"at\":{time}}}\n");
            expected[usize::try_from(source).unwrap()] -= amount;
            expected[usize::try_from(target).unwrap()] += amount;
            if (number + 1) % every == 0 {
                engine.push_json(text.as_bytes()).unwrap();
                text.clear();
                check(&engine);
            }
        }
        engine.push_json(text.as_bytes()).unwrap();
        engine.finish().unwrap();
        check(&engine);
        let stats = engine.stats();
        assert_eq!((stats.processed, stats.late), (u64::try_from(transfers).unwrap(), 0));
        let balance = engine.table("Balance").unwrap();
        let found: Vec<i64> = (0..ACCOUNTS).map(|account| number(&balance, &[Value::Int(account)], "total")).collect();
        assert_eq!(found, expected);
        let rows: Vec<String> = engine.take_rows().iter().map(betide::OutputRow::to_json).collect();
        assert_eq!(rows, [format!("{{\"seen\":{transfers}}}")], "no transfer sees half of itself");
        if transfers == 20_000 {
            assert_eq!(*last.get_or_insert_with(|| found.clone()), found);
        }
    }
}
