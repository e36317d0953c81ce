//! The order against its definition, event by event, for any cut of the input into chunks.

use super::*;
use crate::data::Column;
use crate::data::{DataType, Field, Value};

/// Deterministic noise.
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int), Field::new("seq", DataType::Int)]))
}

/// An event: its row in each stream as (stream, time, seq); the id is its number.
type Event = Vec<(usize, i64, Option<i64>)>;

fn chunk(events: &[(u64, Event)], streams: usize) -> Vec<Arrivals> {
    (0..streams)
        .map(|stream| {
            let rows: Vec<_> = events.iter().flat_map(|(n, e)| e.iter().filter(|r| r.0 == stream).map(move |r| (*n, r.1, r.2))).collect();
            let int = |v: Option<i64>| v.map_or(Value::Null, Value::Int);
            Arrivals {
                columns: vec![
                    Column::from_values(&DataType::Int, rows.iter().map(|r| Value::Int(i64::try_from(r.0).unwrap()))),
                    Column::from_values(&DataType::Int, rows.iter().map(|r| int(r.2))),
                ],
                times: rows.iter().map(|r| Timestamp(r.1)).collect(),
                numbers: rows.iter().map(|r| r.0).collect(),
            }
        })
        .collect()
}

/// One released row: place, stream, id, whether late.
type Row = (Place, usize, i64, bool);

fn rows_of(released: &Released) -> Vec<Row> {
    let mut rows = Vec::new();
    for (is_late, batches) in [(false, &released.batches), (true, &released.late)] {
        for (stream, batch) in batches.iter().enumerate() {
            for row in 0..batch.len() {
                let Value::Int(id) = batch.value(0, row) else { panic!("ids are numbers") };
                rows.push((batch.places()[row], stream, id, is_late));
            }
        }
    }
    rows.sort();
    rows
}

fn run(timings: &[StreamTiming], events: &[(u64, Event)], chunk_size: usize, max_held: usize) -> (Vec<Row>, Vec<StreamStats>) {
    let mut order = Reorder::new(timings.to_vec(), max_held);
    let mut all = Vec::new();
    let mut watermark = Place::MIN;
    let mut check = |released: Released, all: &mut Vec<Row>| {
        let rows = rows_of(&released);
        assert!(rows.iter().all(|row| row.0 >= watermark), "no row stands before an earlier watermark");
        assert!(released.watermark >= watermark, "the watermark never goes back");
        watermark = released.watermark;
        all.extend(rows);
    };
    for (n, events) in events.chunks(chunk_size).enumerate() {
        order.push(chunk(events, timings.len()), Timestamp(0));
        if n % 3 != 1 {
            check(order.release(), &mut all);
        }
    }
    check(order.finish(), &mut all);
    assert_eq!(watermark, Place::MAX);
    assert!(order.stats().iter().all(|s| s.held == 0));
    (all, order.stats())
}

/// The definition: (time, ties, number, stream) of every row in order, with the late ones where they stand.
fn reference(timings: &[StreamTiming], events: &[(u64, Event)]) -> Vec<(i64, Option<i64>, u64, usize, bool)> {
    let mut largest: Vec<Option<i64>> = vec![None; timings.len()];
    let mut frontier = i64::MIN;
    let mut rows = Vec::new();
    for (number, event) in events {
        let before = largest.clone();
        let mut shared: Vec<(i64, Option<i64>)> = Vec::new();
        for &(stream, time, seq) in event {
            let own = before[stream].map_or(i64::MIN, |t| t - timings[stream].delay.0);
            let is_late = time < own || time < frontier;
            let stands = if is_late { time.max(frontier) } else { time };
            let seq = if timings[stream].ties.is_empty() { None } else { seq };
            let seq = match shared.iter().find(|s| s.0 == stands) {
                Some(s) => s.1,
                None => {
                    shared.push((stands, seq));
                    seq
                }
            };
            rows.push((stands, seq, *number, stream, is_late));
            if !is_late {
                largest[stream] = largest[stream].max(Some(time));
            }
        }
        let watermarks = (0..timings.len()).map(|s| largest[s].map_or(i64::MIN, |t| t - timings[s].delay.0));
        frontier = frontier.max(watermarks.min().unwrap());
    }
    rows.sort();
    rows
}

/// A calm case has hardly an event that is late.
fn random_case(noise: &mut Noise, with_ties: bool, streams: usize, is_calm: bool) -> (Vec<StreamTiming>, Vec<(u64, Event)>) {
    let timings: Vec<StreamTiming> = (0..streams)
        .map(|stream| StreamTiming {
            delay: Duration(i64::try_from(noise.below(30) + if is_calm { 38 } else { 0 }).unwrap()),
            ties: if with_ties && stream != 1 { vec![1] } else { Vec::new() },
            keeps_late: true,
            ..StreamTiming::new(schema())
        })
        .collect();
    let disorder = 1 + noise.below(40);
    let step = 1 + noise.below(3);
    // Some come in order all the time, some for long stretches.
    let in_order = noise.below(3);
    let events = (0..1500u64).map(|number| {
        let is_in_order = in_order == 0 || (in_order == 1 && number / 400 % 2 == 0);
        let disorder = if is_in_order { 1 } else { disorder };
        let jitter = |noise: &mut Noise| i64::try_from(number * step / 2 + noise.below(disorder)).unwrap();
        let seq = |noise: &mut Noise| (noise.below(8) > 0).then(|| i64::try_from(noise.below(4)).unwrap());
        let time = jitter(noise);
        let mut event: Event = Vec::new();
        for stream in 0..streams {
            if noise.below(3) == 0 {
                event.push((stream, if noise.below(5) == 0 { jitter(noise) } else { time }, seq(noise)));
            }
        }
        (number, event)
    });
    (timings, events.filter(|(_, event)| !event.is_empty()).collect())
}

#[test]
fn order_and_lateness_are_as_defined_for_every_chunk_size() {
    let mut late_seen = 0;
    for seed in 1..=48u64 {
        let mut noise = Noise(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let streams = [3, 3, 1, 2][usize::try_from(seed / 2 % 4).unwrap()];
        let (timings, events) = random_case(&mut noise, seed % 2 == 0, streams, seed % 3 == 0);
        let expected = reference(&timings, &events);
        let mut runs = Vec::new();
        for chunk_size in [1, 7, 20, 100, 1000] {
            let (rows, stats) = run(&timings, &events, chunk_size, Reorder::MAX_HELD);
            let told: Vec<_> = rows.iter().map(|r| (r.0.time().0, u64::try_from(r.2).unwrap(), r.1, r.3)).collect();
            let wanted: Vec<_> = expected.iter().map(|r| (r.0, r.2, r.3, r.4)).collect();
            assert_eq!(told, wanted, "seed {seed}, chunks of {chunk_size}");
            for (stream, stat) in stats.iter().enumerate() {
                let late = expected.iter().filter(|r| r.3 == stream && r.4).count() as u64;
                assert_eq!(stat.late, late, "seed {seed}, stream {stream}");
                late_seen += late;
            }
            runs.push(rows);
        }
        assert!(runs.windows(2).all(|pair| pair[0] == pair[1]), "seed {seed}: the same places for every chunk size");
    }
    assert!(late_seen > 1000, "the cases have late events");
}

#[test]
fn events_that_nobody_wants_only_leave_gaps() {
    use crate::expr::{CompareOp, Expr, SlotId};
    for seed in 1..=24u64 {
        let mut noise = Noise(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let streams = 1 + usize::try_from(seed % 2).unwrap();
        let (timings, events) = random_case(&mut noise, false, streams, seed % 3 == 0);
        let all: Vec<StreamTiming> = timings.into_iter().map(|timing| StreamTiming { keeps_late: false, ..timing }).collect();
        // Nearly all are wanted, or few are.
        let least = [100, 1200][usize::try_from(seed / 2 % 2).unwrap()];
        let wanted = Expr::compare(CompareOp::GreaterEq, Expr::slot(SlotId(0), DataType::Int), Expr::literal(Value::Int(least))).unwrap();
        let some: Vec<StreamTiming> = all.iter().map(|timing| StreamTiming { wanted: Some(wanted.clone()), ..timing.clone() }).collect();
        let (rows, stats) = run(&all, &events, 7, Reorder::MAX_HELD);
        let rows: Vec<_> = rows.iter().filter(|row| row.2 >= least).map(|row| (row.0.time(), row.1, row.2)).collect();
        for chunk_size in [1, 7, 20, 100, 1000] {
            let (kept, kept_stats) = run(&some, &events, chunk_size, Reorder::MAX_HELD);
            assert_eq!(kept.iter().map(|row| (row.0.time(), row.1, row.2)).collect::<Vec<_>>(), rows, "seed {seed}, {chunk_size}");
            let counts = |stats: &[StreamStats]| stats.iter().map(|s| (s.events, s.late, s.max_time, s.watermark)).collect::<Vec<_>>();
            assert_eq!(counts(&kept_stats), counts(&stats), "seed {seed}, {chunk_size}");
        }
    }
}

/// Chunks whose rows are a little out of order wait whole, also when others have had to wait one by one in between.
#[test]
fn what_is_a_little_out_of_order_waits_by_the_chunk() {
    let timing = StreamTiming { delay: Duration(40), ..StreamTiming::new(schema()) };
    let mut noise = Noise(7);
    let mut number = 0u64;
    let mut events = |count: u64| -> Vec<(u64, Event)> {
        let event = |_| {
            number += 1;
            (number, vec![(0, i64::try_from(number + noise.below(40)).unwrap(), None)])
        };
        (0..count).map(event).collect()
    };
    let mut order = Reorder::new(vec![timing.clone()], 1_000_000);
    let (mut all, mut rows, mut by_the_chunk) = (Vec::new(), Vec::new(), 0);
    for count in [100, 100, 30, 30, 30, 5, 5, 100, 17, 200, 3, 100] {
        let events = events(count);
        order.push(chunk(&events, 1), Timestamp(0));
        all.extend(events);
        assert!(order.queues.is_empty() || order.waiting.len() == 0, "rows wait in one way");
        by_the_chunk += u64::from(!order.queues.is_empty()) * count;
        rows.extend(rows_of(&order.release()));
    }
    rows.extend(rows_of(&order.finish()));
    assert_eq!(order.stats()[0].late, 0);
    assert_eq!(by_the_chunk, 707, "all but those that come a few at a time");
    assert_eq!(rows, run(&[timing], &all, 1, 1_000_000).0);
}

#[test]
fn what_comes_in_order_goes_as_it_came() {
    let late = StreamTiming { delay: Duration(50), ..StreamTiming::new(schema()) };
    let mut order = Reorder::new(vec![StreamTiming::new(schema()), late], 1000);
    let event = |number: u64| (number, vec![(usize::from(number.is_multiple_of(2)), i64::try_from(number).unwrap(), None)]);
    let pushed = chunk(&(0..200).map(event).collect::<Vec<_>>(), 2);
    let values = |column: &Column| if let Column::Int(values) = column { values.values().inner().clone() } else { panic!("numbers") };
    let (first, second) = (values(&pushed[0].columns[0]), values(&pushed[1].columns[0]));
    order.push(pushed, Timestamp(0));
    assert_eq!((order.queues.len(), order.waiting.len()), (200, 0));
    let released = order.release();
    assert_eq!(released.batches.iter().map(EventBatch::len).collect::<Vec<_>>(), [74, 75], "up to 198 - 50");
    assert_eq!(values(&released.batches[1].columns()[0]).as_ptr(), second.as_ptr(), "not copied");
    let released = order.finish();
    assert_eq!(values(&released.batches[0].columns()[0]).data_ptr(), first.data_ptr(), "not copied");
    assert_eq!((released.batches[0].places()[0], order.position()), (Place::event(Timestamp(149), 150), 200));
}

#[test]
fn positions_count_events_from_one() {
    let timings = vec![StreamTiming::new(schema()), StreamTiming::new(schema())];
    let events = vec![(0, vec![(0, 10, None), (1, 10, None)]), (1, vec![(0, 10, None)]), (2, vec![(1, 11, None), (0, 12, None)])];
    let (rows, _) = run(&timings, &events, 100, 100);
    let place = |time, position| Place::event(Timestamp(time), position);
    assert_eq!(
        rows,
        [
            (place(10, 1), 0, 0, false),
            (place(10, 1), 1, 0, false),
            (place(10, 2), 0, 1, false),
            (place(11, 3), 1, 2, false),
            (place(12, 4), 0, 2, false)
        ]
    );
}

#[test]
fn what_lies_at_the_watermark_goes_at_once_unless_ties_may_still_come() {
    let events = [(0, vec![(0, 5, Some(2))]), (1, vec![(0, 5, Some(1))])];
    let mut order = Reorder::new(vec![StreamTiming::new(schema())], 100);
    order.push(chunk(&events[..1], 1), Timestamp(0));
    assert_eq!(order.release().batches[0].len(), 1);

    let mut order = Reorder::new(vec![StreamTiming { ties: vec![1], ..StreamTiming::new(schema()) }], 100);
    order.push(chunk(&events[..1], 1), Timestamp(0));
    assert_eq!(order.release().batches[0].len(), 0);
    order.push(chunk(&events[1..], 1), Timestamp(0));
    let rows = rows_of(&order.finish());
    assert_eq!(rows.iter().map(|r| r.2).collect::<Vec<_>>(), [1, 0], "the tie-breaker decides, not the arrival");
}

#[test]
fn a_silent_stream_holds_back_until_it_is_idle() {
    let quiet = StreamTiming { idle_after: Some(Duration(30)), keeps_late: true, ..StreamTiming::new(schema()) };
    let mut order = Reorder::new(vec![StreamTiming::new(schema()), quiet], 100);
    order.push(chunk(&[(0, vec![(0, 100, None)])], 2), Timestamp(1000));
    assert_eq!(order.release().batches[0].len(), 0, "the second stream has had no event yet");
    assert_eq!(order.held_back_by(), Some(1));
    order.advance_clock(Timestamp(1030));
    assert_eq!(order.release().batches[0].len(), 0, "silent for the limit and no longer");
    order.advance_clock(Timestamp(1031));
    let released = order.release();
    assert_eq!(released.batches[0].len(), 1);
    assert_eq!(released.watermark, Place::event(Timestamp(100), 2));
    assert!(order.stats()[1].is_idle);
    assert_eq!(order.held_back_by(), Some(0));

    // It wakes up: one event before what has been released, one at it.
    order.push(chunk(&[(1, vec![(1, 99, None)]), (2, vec![(1, 100, None)])], 2), Timestamp(1040));
    let released = order.release();
    assert_eq!((released.late[1].len(), released.batches[1].len()), (1, 1));
    assert_eq!(released.late[1].places()[0].time(), Timestamp(100), "a late row stands where the frontier is");
    assert!(!order.stats()[1].is_idle);
    assert_eq!(order.held_back_by(), Some(0), "of equal watermarks the first stream's");
}

#[test]
fn when_all_are_idle_nobody_holds_anything_back() {
    let quiet = StreamTiming { idle_after: Some(Duration(30)), ..StreamTiming::new(schema()) };
    let mut order = Reorder::new(vec![quiet.clone(), quiet], 100);
    order.push(chunk(&[(0, vec![(0, 100, None)]), (1, vec![(1, 50, None)])], 2), Timestamp(0));
    assert_eq!(rows_of(&order.release()).len(), 1);
    order.advance_clock(Timestamp(31));
    assert_eq!(rows_of(&order.release()).len(), 1);
    assert_eq!(order.frontier(), Timestamp(100));
}

#[test]
fn a_stream_that_nobody_reads_neither_waits_nor_holds_back() {
    let unread = StreamTiming { is_read: false, ..StreamTiming::new(schema()) };
    let mut order = Reorder::new(vec![StreamTiming::new(schema()), unread], 100);
    order.push(chunk(&[(0, vec![(0, 100, None)]), (1, vec![(1, 5, None)]), (2, vec![(1, 4, None)])], 2), Timestamp(0));
    let released = order.release();
    assert_eq!((released.batches[0].len(), released.batches[1].len()), (1, 0));
    assert_eq!((order.stats()[1].events, order.stats()[1].late, order.stats()[1].held), (2, 1, 0));
}

#[test]
fn events_ahead_of_the_clock_do_not_move_the_watermark() {
    let timing = StreamTiming { ahead: Some(Duration(10)), ..StreamTiming::new(schema()) };
    let mut order = Reorder::new(vec![timing], 100);
    order.push(chunk(&[(0, vec![(0, 111, None)]), (1, vec![(0, 110, None)]), (2, vec![(0, 200, None)])], 1), Timestamp(100));
    let released = order.release();
    assert_eq!(released.ahead[0].numbers, [0, 2]);
    assert_eq!(released.ahead[0].columns[0].value(1), Value::Int(2));
    assert_eq!(released.batches[0].len(), 1);
    assert_eq!(order.stats()[0].max_time, Some(Timestamp(110)));
}

#[test]
fn beyond_the_bound_the_oldest_go_and_it_is_told() {
    let timing = StreamTiming { delay: Duration(1_000_000), keeps_late: true, ..StreamTiming::new(schema()) };
    let mut noise = Noise(99);
    let events: Vec<(u64, Event)> = (0..2000).map(|n| (n, vec![(0, i64::try_from(n + noise.below(300)).unwrap(), None)])).collect();
    let (expected, stats) = run(std::slice::from_ref(&timing), &events, 1, 100);
    assert!(stats[0].late > 0, "what comes before what was forced out is late");
    for chunk_size in [7, 1000] {
        assert_eq!(run(std::slice::from_ref(&timing), &events, chunk_size, 100).0, expected, "chunks of {chunk_size}");
    }
    let mut order = Reorder::new(vec![timing], 100);
    order.push(chunk(&events, 1), Timestamp(0));
    let released = order.release();
    assert!(released.forced > 0);
    assert!(order.stats()[0].held <= 100);
    let late = released.late[0].len() as u64;
    let on_time = released.batches[0].len() as u64;
    assert!(released.forced <= on_time && released.forced > on_time / 2);
    assert_eq!(on_time + late + order.stats()[0].held, 2000);
}

#[test]
fn stragglers_do_not_keep_their_chunk_in_memory() {
    let early = StreamTiming { delay: Duration(1_000_000), ..StreamTiming::new(schema()) };
    let mut order = Reorder::new(vec![StreamTiming::new(schema()), early], 1_000_000);
    let mut released = 0;
    for round in 0..50u64 {
        // The first stream tells the time; the second has one event a chunk that lies far ahead of it, the rest in step.
        let event = |i: u64| {
            let time = i64::try_from(round * 500 + i).unwrap();
            let row = if i == 400 { (1, 1_000_000 + time, None) } else { (usize::from(i < 400), time, None) };
            (round * 500 + i, vec![row])
        };
        order.push(chunk(&(0..500).map(event).collect::<Vec<_>>(), 2), Timestamp(0));
        released += rows_of(&order.release()).len();
    }
    assert_eq!(released, 50 * 499 - 99);
    let stored: usize = order.streams.iter().map(Stream::stored).sum();
    assert!(stored <= 4 * 149, "{stored} rows are stored for 149 that wait");
    assert_eq!(rows_of(&order.finish()).len(), 149);
}

#[test]
fn events_that_nobody_wants_count_and_go_no_further() {
    use crate::expr::{CompareOp, Expr, SlotId};
    for seed in 1..=24u64 {
        let mut noise = Noise(seed.wrapping_mul(0xD134_2543_DE82_EF95));
        let (mut timings, events) = random_case(&mut noise, false, 3, false);
        timings.iter_mut().for_each(|timing| timing.keeps_late = false);
        // Few of one stream's events are wanted, most of another's, and all of the third's.
        let least = |seq: i64| Expr::compare(CompareOp::GreaterEq, Expr::slot(SlotId(1), DataType::Int), Expr::literal(Value::Int(seq)));
        let mut choosy = timings.clone();
        choosy[0].wanted = Some(least(3).unwrap());
        choosy[1].wanted = Some(least(0).unwrap());
        let mut seqs = std::collections::BTreeMap::new();
        for (number, event) in &events {
            seqs.extend(event.iter().map(|&(stream, _, seq)| ((stream, i64::try_from(*number).unwrap()), seq)));
        }
        for chunk_size in [1, 7, 20, 100, 1000] {
            let (all, stats) = run(&timings, &events, chunk_size, Reorder::MAX_HELD);
            let (some, choosy_stats) = run(&choosy, &events, chunk_size, Reorder::MAX_HELD);
            let is_wanted = |row: &&Row| match row.1 {
                0 => seqs[&(0, row.2)].is_some_and(|seq| seq >= 3),
                1 => seqs[&(1, row.2)].is_some(),
                _ => true,
            };
            let told = |row: &Row| (row.0.time(), row.1, row.2);
            let expected: Vec<_> = all.iter().filter(is_wanted).map(told).collect();
            assert_eq!(some.iter().map(told).collect::<Vec<_>>(), expected, "seed {seed}, chunks of {chunk_size}");
            assert_eq!(choosy_stats, stats, "seed {seed}: they count all the same");
            assert!(expected.len() < all.len());
        }
    }
}

#[test]
fn what_nobody_wants_is_told_once() {
    use crate::expr::{CompareOp, Expr, SlotId};
    let wanted = Expr::compare(CompareOp::Greater, Expr::slot(SlotId(0), DataType::Int), Expr::literal(Value::Int(1))).unwrap();
    let mut order = Reorder::new(vec![StreamTiming { wanted: Some(wanted), ..StreamTiming::new(schema()) }], 100);
    order.push(chunk(&[(0, vec![(0, 5, None)]), (1, vec![(0, 4, None)]), (2, vec![(0, 6, None)])], 1), Timestamp(0));
    assert!(order.has_news());
    let released = order.release();
    assert_eq!((released.batches[0].len(), released.unwanted.as_slice()), (1, [1].as_slice()), "a late event is not one that nobody wants");
    assert_eq!(order.stats()[0].late, 1);
    assert!(!order.has_news());
    assert_eq!(order.release().unwanted, [0]);
}
