//! A running program whose lines are decoded on several threads: lines go to the decoders as they come, and what they give is taken up in the
//! order of the lines, as if it had been decoded here.
//!
//! A call that pushes lines may come back before all of them have been taken up; every other call takes them up first. So the rows are those
//! of one thread, in the same order; only which call they come out behind is not.

use super::decoders::{Decoders, Job, Outcome};
use super::error::RunError;
use super::lines::{Lines, Piece, Start, Taken};
use super::running::Running;
use crate::codec::{BadEvent, ChunkStart, Portion};
use crate::data::Duration;

/// Fewer bytes than these are decoded at once where nothing is under way: handing them over would take longer.
const WORTH_HANDING_OVER: usize = 4 << 10;
/// A piece of fewer lines than this part of a batch, as the end of a cut line is, goes with what is behind it.
const SMALL_PART: u64 = 64;

/// Lines that wait for others to go with.
#[derive(Debug)]
struct Gathered {
    start: Start,
    bytes: Vec<u8>,
}

impl Running {
    /// Takes bytes of lines of JSON, cut anywhere; they go to the decoders.
    pub(super) fn push_apart(&mut self, decoders: &mut Decoders, chunk: &[u8]) -> Result<(), RunError> {
        let mut lines = std::mem::replace(&mut self.lines, Lines::new(0));
        let mut gathered: Option<Gathered> = None;
        let sent = lines.push(chunk, &mut |start, piece| self.send_piece(decoders, &mut gathered, start, &piece));
        self.lines = lines;
        sent?;
        if let Some(Gathered { start, bytes }) = gathered {
            if decoders.is_idle() && bytes.len() < WORTH_HANDING_OVER && !self.options.strict {
                let taken = self.take_whole(start, &bytes);
                decoders.give_back(bytes);
                return taken;
            }
            self.send(decoders, start, bytes)?;
        }
        while let Some(outcome) = decoders.take_done() {
            self.take_up(decoders, outcome)?;
        }
        Ok(())
    }

    /// Waits until all lines that were pushed have been taken up.
    pub fn catch_up(&mut self) -> Result<(), RunError> {
        let Some(mut decoders) = self.decoders.take() else { return Ok(()) };
        let mut done = Ok(());
        while let (Ok(()), Some(outcome)) = (&done, decoders.wait()) {
            done = self.take_up(&mut decoders, outcome);
        }
        if done.is_err() {
            decoders.forget();
        }
        self.decoders = Some(decoders);
        done
    }

    fn send_piece(
        &mut self,
        decoders: &mut Decoders,
        gathered: &mut Option<Gathered>,
        start: Start,
        piece: &Piece<'_>,
    ) -> Result<Taken, RunError> {
        let small = (self.options.batch_size as u64 / SMALL_PART).max(1);
        if let Some(before) = gathered.take_if(|before| start.line - before.start.line >= small || matches!(piece, Piece::TooLong { .. })) {
            self.send(decoders, before.start, before.bytes)?;
        }
        match *piece {
            Piece::Lines(lines) | Piece::Seam(lines) => {
                let taken = Taken::most_of(lines, self.options.batch_size);
                let gathered = gathered.get_or_insert_with(|| Gathered { start, bytes: decoders.buffer() });
                gathered.bytes.extend_from_slice(&lines[..taken.bytes]);
                Ok(taken)
            }
            Piece::TooLong { length, head } => {
                self.make_room(decoders)?;
                let limits = super::assemble::line_limits(&self.options);
                let portion = Portion::of_bad(BadEvent::too_long(start.line, start.offset, length, head.to_vec(), limits));
                decoders.put_done(self.chunk_start(decoders, start), portion);
                Ok(Taken { lines: 1, bytes: 0 })
            }
        }
    }

    fn send(&mut self, decoders: &mut Decoders, start: Start, bytes: Vec<u8>) -> Result<(), RunError> {
        self.make_room(decoders)?;
        let start = self.chunk_start(decoders, start);
        decoders.put(Job { bytes, start });
        Ok(())
    }

    /// As much is under way as may be: what comes first is taken up.
    fn make_room(&mut self, decoders: &mut Decoders) -> Result<(), RunError> {
        while decoders.is_full() {
            let Some(outcome) = decoders.wait() else { return Ok(()) };
            self.take_up(decoders, outcome)?;
        }
        Ok(())
    }

    /// Where a chunk begins, and when it has come: not before those that are under way.
    fn chunk_start(&self, decoders: &Decoders, Start { line, offset }: Start) -> ChunkStart {
        let now = self.look_at_clock();
        let clock = decoders.last_start().map_or(now, |before| before.clock.max(now));
        ChunkStart { line, offset, clock }
    }

    /// Takes up what a job came to, the next in order.
    fn take_up(&mut self, decoders: &mut Decoders, outcome: Outcome) -> Result<(), RunError> {
        let Outcome { job: Job { bytes, start }, portion, decoder, excused } = outcome;
        let portion = portion.map_err(|panic| {
            let error = RunError::Bug(format!("decoding the lines from line {} on panicked: {panic}", start.line));
            self.failed = Some(error.clone());
            error
        })?;
        let taken = if self.options.strict && portion.has_bad() && !bytes.is_empty() {
            self.take_up_to_bad(start, &bytes)
        } else {
            self.intake.decoder.note_types(&portion);
            let arrivals = self.intake.decoded.join(portion, decoders.known(decoder));
            self.take_arrivals(arrivals, start.clock)
        };
        decoders.give_back(bytes);
        if excused > Duration(0) {
            self.intake.reorder.excuse(excused);
        }
        taken
    }

    /// In strict mode nothing behind the first bad line may have an effect: the lines are decoded once more, one by one, up to it.
    fn take_up_to_bad(&mut self, start: ChunkStart, bytes: &[u8]) -> Result<(), RunError> {
        let (mut line, mut offset) = (start.line, start.offset);
        for text in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.take_lines(ChunkStart { line, offset, clock: start.clock }, text)?;
            line += 1;
            offset += text.len() as u64;
        }
        Ok(())
    }
}
