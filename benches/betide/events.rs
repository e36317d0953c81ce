//! The events of the benchmarks: payments by a thousand cards, about 100 a second, in order, with a seed that never changes.

use std::fmt::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};

/// How many events a benchmark takes.
pub(crate) const EVENTS: usize = 100_000;

/// A payment.
pub(crate) struct Payment {
    pub(crate) card: String,
    pub(crate) amount: f64,
    /// Milliseconds since 1970.
    pub(crate) at: i64,
}

/// So many payments. Amounts are even from 0 to 1000, with two digits.
pub(crate) fn payments(count: usize) -> Vec<Payment> {
    let mut state = 0x00be_71de_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 32
    };
    let mut at = 1_772_359_200_000;
    let mut payment = move || {
        at += i64::try_from(random() % 20).unwrap_or_default();
        let cents = u32::try_from(random() % 100_000).unwrap_or_default();
        Payment { card: format!("card-{:03}", random() % 1000), amount: f64::from(cents) / 100.0, at }
    };
    (0..count).map(|_| payment()).collect()
}

/// The payments as lines of JSON, with fields that no query reads.
pub(crate) fn json_lines(payments: &[Payment]) -> Vec<u8> {
    let mut text = String::new();
    for (number, payment) in payments.iter().enumerate() {
        let Payment { card, amount, at } = payment;
        writeln!(
            text,
            r#"{{"type":"Payment","id":{number},"card":"{card}","amount":{amount},"currency":"EUR","merchant":{{"id":"m-17","name":"A \"shop\""}},"at":{at}}}"#
        )
        .expect("a text takes all that is written");
    }
    text.into_bytes()
}

/// The payments as Arrow batches of 4,096.
pub(crate) fn batches(payments: &[Payment]) -> Vec<RecordBatch> {
    let batch = |payments: &[Payment]| {
        let cards: ArrayRef = Arc::new(StringArray::from_iter_values(payments.iter().map(|p| &p.card)));
        let amounts: ArrayRef = Arc::new(Float64Array::from_iter_values(payments.iter().map(|p| p.amount)));
        let times: ArrayRef = Arc::new(TimestampMillisecondArray::from_iter_values(payments.iter().map(|p| p.at)));
        RecordBatch::try_from_iter([("card", cards), ("amount", amounts), ("at", times)]).expect("the columns are of one length")
    };
    payments.chunks(4096).map(batch).collect()
}
