//! Rows on their way into the order: each is judged by what came before it, waits where it is to stand, and moves its stream's watermark.

use super::Reorder;
use super::stream::{Chunk, Verdict};
use super::waiting::{Key, Ties};
use crate::data::{Arrivals, Timestamp};

/// A row that arrives: the number of its event, its chunk, its place in that.
type Arriving = (u64, u16, u32);

impl Reorder {
    /// Takes what has arrived at this time of the arrival clock: one [`Arrivals`] a stream.
    ///
    /// The clock should stand still while nothing can be read (a full output pipe, a debugger), else streams look idle that are not.
    pub fn push(&mut self, arrivals: Vec<Arrivals>, clock: Timestamp) {
        assert_eq!(arrivals.len(), self.streams.len(), "one Arrivals a stream");
        self.advance_clock(clock);
        let arrived = (0u16..).zip(arrivals).filter(|(_, arrived)| !arrived.is_empty());
        let chunks = arrived.map(|(stream, arrived)| self.streams[usize::from(stream)].receive(stream, arrived)).collect();
        self.take_in(chunks, clock);
    }

    /// Takes what has arrived of one stream.
    pub fn push_to(&mut self, stream: usize, arrived: Arrivals, clock: Timestamp) {
        self.advance_clock(clock);
        if !arrived.is_empty() {
            let number = u16::try_from(stream).expect("a program has fewer than 65,536 source streams");
            let chunk = self.streams[stream].receive(number, arrived);
            self.take_in(vec![chunk], clock);
        }
    }

    fn take_in(&mut self, mut chunks: Vec<Chunk>, clock: Timestamp) {
        match chunks.as_mut_slice() {
            [alone] if !self.has_ties && self.waiting.len() + alone.arrived.len() <= self.max_held => self.take_alone(alone, clock),
            _ => self.take_together(&mut chunks, clock),
        }
        for chunk in chunks {
            self.streams[usize::from(chunk.stream)].store(chunk);
        }
    }

    /// Rows of one stream, where neither ties nor the bound need looking at: the same as [`Reorder::take_together`], in one loop.
    fn take_alone(&mut self, chunk: &mut Chunk, clock: Timestamp) {
        let index = usize::from(chunk.stream);
        self.streams[index].note_seen(clock);
        self.move_frontier();
        let others = self.least_of_others(index);
        let stream = &mut self.streams[index];
        let (is_read, keeps_late) = (stream.timing.is_read, stream.timing.keeps_late);
        let (mut late, mut ahead, mut held, mut unwanted) = (0, 0, 0, 0);
        let mut frontier = self.frontier;
        for row in 0..chunk.arrived.len() {
            let (time, number) = (chunk.arrived.times[row], chunk.arrived.numbers[row]);
            let verdict = stream.judge(time, frontier, clock);
            let (waits, stands) = match verdict {
                Verdict::OnTime => (is_read, time),
                Verdict::Late => (keeps_late, time.max(frontier)),
                Verdict::Ahead => (false, time),
            };
            if waits {
                match chunk.wait(row) {
                    Some((segment, row)) => {
                        let is_late = verdict == Verdict::Late;
                        self.waiting.push(Key { time: stands, ties: Ties::None, number, stream: chunk.stream, is_late, row, segment });
                        held += 1;
                    }
                    None => unwanted += 1,
                }
            }
            match verdict {
                Verdict::OnTime if stream.note_time(time, clock) && is_read => {
                    frontier = frontier.max(stream.stats.watermark.unwrap_or(Timestamp::MIN).min(others));
                }
                Verdict::OnTime => {}
                Verdict::Late => late += 1,
                Verdict::Ahead => {
                    ahead += 1;
                    chunk.set_aside(row);
                }
            }
        }
        stream.stats.events += chunk.arrived.len() as u64;
        stream.stats.late += late;
        stream.stats.ahead += ahead;
        stream.stats.held += held;
        stream.pass_over(unwanted);
        self.late_events += late;
        self.frontier = frontier;
        self.move_frontier();
    }

    /// The least watermark of the streams that are read and live, but for this one.
    fn least_of_others(&self, index: usize) -> Timestamp {
        let others =
            self.streams.iter().enumerate().filter(|&(other, stream)| other != index && stream.timing.is_read && !stream.stats.is_idle);
        others.map(|(_, stream)| stream.stats.watermark.unwrap_or(Timestamp::MIN)).min().unwrap_or(Timestamp::MAX)
    }

    fn take_together(&mut self, chunks: &mut [Chunk], clock: Timestamp) {
        let mut verdicts: Vec<Verdict> = Vec::new();
        for event in in_order_of_arrival(chunks).chunk_by(|a, b| a.0 == b.0) {
            verdicts.clear();
            for &(_, chunk, row) in event {
                let chunk = &chunks[usize::from(chunk)];
                let stream = &self.streams[usize::from(chunk.stream)];
                verdicts.push(stream.judge(chunk.arrived.times[row as usize], self.frontier, clock));
            }
            self.hold(event, chunks, &verdicts);
            self.note(event, chunks, &verdicts, clock);
            self.keep_within_bound();
        }
    }

    /// Lets the rows of one event wait where they are to stand.
    fn hold(&mut self, event: &[Arriving], chunks: &mut [Chunk], verdicts: &[Verdict]) {
        let mut standing: Vec<(Timestamp, Ties)> = Vec::new();
        for (&(number, chunk, row), &verdict) in event.iter().zip(verdicts) {
            let chunk = &mut chunks[usize::from(chunk)];
            let row = row as usize;
            let stream = &mut self.streams[usize::from(chunk.stream)];
            if !stream.waits(verdict) {
                continue;
            }
            let own_time = chunk.arrived.times[row];
            let is_late = verdict == Verdict::Late;
            let time = if is_late { own_time.max(self.frontier) } else { own_time };
            let mut ties = Ties::None;
            if self.has_ties {
                // At one time an event stands at one place, so the tie-breaker of its first stream there holds for all of them.
                ties = match standing.iter().find(|(there, _)| *there == time) {
                    Some((_, ties)) => ties.clone(),
                    None => stream.ties(&chunk.arrived, row),
                };
                standing.push((time, ties.clone()));
            }
            match chunk.wait(row) {
                Some((segment, row)) => {
                    stream.stats.held += 1;
                    self.waiting.push(Key { time, ties, number, stream: chunk.stream, is_late, row, segment });
                }
                None => stream.pass_over(1),
            }
        }
    }

    /// Counts the rows of one event, and moves its streams' watermarks.
    fn note(&mut self, event: &[Arriving], chunks: &mut [Chunk], verdicts: &[Verdict], clock: Timestamp) {
        let mut may_move = self.holder.is_none();
        self.late_events += u64::from(verdicts.iter().all(|&verdict| verdict == Verdict::Late));
        for (&(_, chunk, row), &verdict) in event.iter().zip(verdicts) {
            let chunk = &mut chunks[usize::from(chunk)];
            let (index, row) = (usize::from(chunk.stream), row as usize);
            if verdict == Verdict::Ahead {
                chunk.set_aside(row);
            }
            let stream = &mut self.streams[index];
            let was_idle = stream.stats.is_idle;
            let has_moved = stream.note(verdict, chunk.arrived.times[row], clock);
            may_move |= was_idle || (has_moved && self.holder == Some(index));
        }
        if may_move {
            self.move_frontier();
        }
    }
}

/// The rows of all chunks, in order of arrival; those of one event by stream.
fn in_order_of_arrival(chunks: &[Chunk]) -> Vec<Arriving> {
    let mut rows = Vec::with_capacity(chunks.iter().map(|chunk| chunk.arrived.len()).sum());
    for (index, chunk) in (0u16..).zip(chunks) {
        let numbers = &chunk.arrived.numbers;
        debug_assert!(numbers.is_sorted_by(|a, b| a < b), "arrival numbers rise");
        rows.extend(numbers.iter().zip(0u32..).map(|(&number, row)| (number, index, row)));
    }
    // Each chunk's rows are a run already, and the stable sort merges runs.
    rows.sort();
    rows
}
