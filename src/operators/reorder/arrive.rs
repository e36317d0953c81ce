//! Rows on their way into the order: each is judged by what came before it, waits where it is to stand, and moves its stream's watermark.

use std::ops::Range;

use super::Reorder;
use super::stream::{Chunk, Verdict};
use super::waiting::{Key, Row, Ties};
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
        self.take_in((0u16..).zip(arrivals).filter(|(_, arrived)| !arrived.is_empty()).collect(), clock);
    }

    /// Takes what has arrived of one stream.
    pub fn push_to(&mut self, stream: usize, arrived: Arrivals, clock: Timestamp) {
        self.advance_clock(clock);
        if !arrived.is_empty() {
            let number = u16::try_from(stream).expect("a program has fewer than 65,536 source streams");
            self.take_in(vec![(number, arrived)], clock);
        }
    }

    fn take_in(&mut self, arrived: Vec<(u16, Arrivals)>, clock: Timestamp) {
        let rows = arrived.iter().map(|(_, arrived)| arrived.len()).sum::<usize>();
        let fits = self.held() + rows <= self.max_held;
        let queues = fits && self.may_wait_by_the_chunk(&arrived, clock);
        let receive = |(stream, arrived)| self.streams[usize::from(stream)].receive(stream, arrived);
        let mut chunks: Vec<Chunk> = arrived.into_iter().map(receive).collect();
        if queues {
            chunks.into_iter().for_each(|chunk| self.queue(chunk, clock));
            return self.move_frontier();
        }
        self.leave_queues();
        chunks.iter_mut().for_each(|chunk| self.streams[usize::from(chunk.stream)].make_room(chunk));
        match chunks.as_mut_slice() {
            _ if self.has_ties || !fits => self.take_together(&mut chunks, clock),
            [alone] => self.take_alone(alone, clock),
            several if self.are_in_time(several.iter().map(|chunk| (chunk.stream, &*chunk.arrived.times)), clock) => {
                several.iter_mut().for_each(|chunk| self.take_in_time(chunk, 0..chunk.arrived.len(), clock));
                self.move_frontier();
            }
            _ => self.take_together(&mut chunks, clock),
        }
        for chunk in chunks {
            self.streams[usize::from(chunk.stream)].store(chunk);
        }
    }

    /// Whether all rows are in time and may wait in queues.
    fn may_wait_by_the_chunk(&mut self, arrived: &[(u16, Arrivals)], clock: Timestamp) -> bool {
        let times = || arrived.iter().map(|(stream, arrived)| (*stream, &*arrived.times));
        let rows = arrived.iter().map(|(_, arrived)| arrived.len()).sum();
        self.may_queue()
            && self.are_in_time(times(), clock)
            && self.return_to_queues(rows)
            && times().all(|(stream, times)| self.queues.takes(usize::from(stream), times))
    }

    /// Lets rows of one stream wait in its queue. The frontier is moved afterwards.
    fn queue(&mut self, chunk: Chunk, clock: Timestamp) {
        let (index, rows) = (usize::from(chunk.stream), chunk.arrived.len());
        let stream = &mut self.streams[index];
        stream.note_seen(clock);
        stream.note_in_time(&chunk.arrived.times, clock);
        if stream.waits(Verdict::OnTime) {
            let part = chunk.into_part();
            stream.stats.held += part.len() as u64;
            stream.pass_over((rows - part.len()) as u64);
            self.queues.push(index, part);
        }
    }

    /// Whether all rows are in time: in whatever order those of several streams came, the same comes of it.
    fn are_in_time<'t>(&self, mut rows: impl Iterator<Item = (u16, &'t [Timestamp])>, clock: Timestamp) -> bool {
        let is_any_idle = self.streams.iter().any(|stream| stream.stats.is_idle);
        let are_in_time =
            |(stream, times): (u16, &[Timestamp])| self.streams[usize::from(stream)].in_time(times, self.frontier, clock) == times.len();
        !is_any_idle && rows.all(are_in_time)
    }

    /// Rows of one stream, where neither ties nor the bound need looking at: the same as [`Reorder::take_together`], many rows at once.
    fn take_alone(&mut self, chunk: &mut Chunk, clock: Timestamp) {
        let index = usize::from(chunk.stream);
        self.streams[index].note_seen(clock);
        self.move_frontier();
        let mut begin = 0;
        while begin < chunk.arrived.len() {
            let in_time = self.streams[index].in_time(&chunk.arrived.times[begin..], self.frontier, clock);
            if in_time > 0 {
                self.take_in_time(chunk, begin..begin + in_time, clock);
                self.move_frontier();
            } else {
                self.take_out_of_time(chunk, begin, clock);
            }
            begin += in_time.max(1);
        }
    }

    /// Rows of one stream that are all in time. The frontier is moved afterwards.
    fn take_in_time(&mut self, chunk: &mut Chunk, rows: Range<usize>, clock: Timestamp) {
        let stream = &mut self.streams[usize::from(chunk.stream)];
        stream.note_seen(clock);
        stream.note_in_time(&chunk.arrived.times[rows.clone()], clock);
        if stream.waits(Verdict::OnTime) {
            let count = rows.len();
            let held = chunk.wait_all(rows, &mut self.waiting);
            stream.stats.held += held as u64;
            stream.pass_over((count - held) as u64);
        }
    }

    /// A row that comes too late, or too early.
    fn take_out_of_time(&mut self, chunk: &mut Chunk, row: usize, clock: Timestamp) {
        let (time, number) = (chunk.arrived.times[row], chunk.arrived.numbers[row]);
        let stream = &mut self.streams[usize::from(chunk.stream)];
        let verdict = stream.judge(time, self.frontier, clock);
        stream.note(verdict, time, clock);
        match verdict {
            Verdict::Ahead => chunk.set_aside(row),
            Verdict::Late => self.late_events += 1,
            Verdict::OnTime => {}
        }
        if !stream.waits(verdict) {
            return;
        }
        match chunk.wait(row) {
            Some((segment, row)) => {
                let (time, is_late) = (time.max(self.frontier), verdict == Verdict::Late);
                let row = Row { number, segment, row, stream: chunk.stream, is_late };
                self.waiting.push(Key { time, ties: Ties::None, row });
                stream.stats.held += 1;
            }
            None => stream.pass_over(1),
        }
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
                    self.waiting.push(Key { time, ties, row: Row { number, segment, row, stream: chunk.stream, is_late } });
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
