//! A market day of our own making: trades and quotes of four symbols, with ties, gaps and disorder within five seconds.
//! In: nothing. Out: the same lines of JSON every time, in the order of their arrival.

use serde_json::{Value as Json, json};

use super::random::Random;

/// How far out of order an event may arrive.
pub const DELAY_MS: i64 = 5000;

/// All events. Times are milliseconds since 2026-03-01; no two quotes of a symbol are of one time, so that "the latest" is one.
pub fn events() -> Vec<Json> {
    let random = &mut Random::new(2026);
    let start = 1_772_323_200_000_i64;
    let mut arriving: Vec<(i64, i64, Json)> = Vec::new();
    let mut now = start;
    let mut last_quote = [start; 4];
    for id in 1..=1200_i64 {
        now += [0, 0, 100, 250, 700, 1000, 1500, 2500, 4000, 30_000][random.below(10)];
        let symbol = random.below(4);
        let name = ["ADA", "BEL", "CUR", "DIM"][symbol];
        let price = 1000 + random.below(500) as i64;
        let event = if random.chance(50) {
            json!({"type": "Trade", "id": id, "symbol": name, "price": price, "size": 1 + random.below(90), "at": now})
        } else {
            let at = now.max(last_quote[symbol] + 1);
            last_quote[symbol] = at;
            json!({"type": "Quote", "id": id, "symbol": name, "bid": price - 3, "at": at})
        };
        // Trades of one time keep their order, so that nothing depends on which of them came first.
        let shift = random.below(DELAY_MS as usize - 10) as i64;
        arriving.push((event["at"].as_i64().unwrap() + shift, id, event));
    }
    arriving.sort_by_key(|(arrival, id, _)| (*arrival, *id));
    arriving.into_iter().map(|(_, _, event)| event).collect()
}
