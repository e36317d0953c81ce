//! Lines decoded on several threads and given back in their order.
//!
//! Jobs are numbered and wait in one queue; whichever thread is free takes the oldest. Who asks for the next portion in order and would have
//! to wait for it decodes a job meanwhile, so that of N threads N work. The threads begin with the first job and end with this.
//!
//! Bounds: at most [`Decoders::most`] jobs are under way, of which nobody has taken the portion yet. A panic while decoding (in a function of
//! the user, say) is given back as what the job came to, and ends that thread.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::fault::{Panic, guarded};
use crate::codec::json::JsonDecoder;
use crate::codec::{ChunkStart, Decoded, KnownTexts, Portion};
use crate::data::Duration;

/// Jobs under way for each thread.
const JOBS_A_THREAD: usize = 2;

/// How many chunks, of one job each, can have come before the first of them has been taken up.
pub fn chunks_under_way(threads: usize) -> usize {
    if threads > 1 { JOBS_A_THREAD * threads + 2 } else { 1 }
}

/// Whole lines to be decoded.
#[derive(Debug)]
pub(super) struct Job {
    /// The lines.
    pub(super) bytes: Vec<u8>,
    /// Where and when they begin.
    pub(super) start: ChunkStart,
}

/// What a job came to.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The job; of lines that were decoded already it has no bytes.
    pub(super) job: Job,
    /// What was decoded, or the words of a panic.
    pub(super) portion: Result<Portion, String>,
    /// Which decoder it was.
    pub(super) decoder: usize,
    /// For so long nothing could be read after these lines had come, and before the next.
    pub(super) excused: Duration,
}

/// Decoders, each with a thread of its own but the first, which belongs to whoever asks.
#[derive(Debug)]
pub(super) struct Decoders {
    own: Bench,
    /// Of threads that have not begun.
    to_begin: Vec<Bench>,
    threads: Vec<JoinHandle<()>>,
    /// Nothing once this ends.
    jobs: Option<SyncSender<(u64, Job)>>,
    queue: Arc<Mutex<Receiver<(u64, Job)>>>,
    done: Receiver<(u64, Outcome)>,
    /// For threads that have not begun.
    done_sender: Option<Sender<(u64, Outcome)>>,
    /// What is under way, in the order of the lines.
    under_way: VecDeque<UnderWay>,
    /// The number of the first of it.
    first: u64,
    known: Vec<KnownTexts>,
    spare: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct UnderWay {
    start: ChunkStart,
    excused: Duration,
    outcome: Option<Outcome>,
}

/// A decoder and room to decode in.
#[derive(Debug)]
struct Bench {
    number: usize,
    decoder: JsonDecoder,
    room: Decoded,
}

impl Bench {
    fn decode(&mut self, job: Job) -> Outcome {
        let decode = || self.decoder.decode_apart(&job.bytes, job.start, &mut self.room);
        let portion = guarded(decode).map_err(|panic| Panic::of(&*panic).to_string());
        Outcome { job, portion, decoder: self.number, excused: Duration(0) }
    }
}

impl Decoders {
    /// One thread a decoder, of which the first is the caller's.
    pub(super) fn new(first: JsonDecoder, others: Vec<JsonDecoder>) -> Self {
        let bench = |(number, decoder): (usize, JsonDecoder)| Bench { number, room: decoder.decoded(), decoder };
        let known = (0..=others.len()).map(|_| KnownTexts::default()).collect();
        let to_begin: Vec<Bench> = others.into_iter().enumerate().map(|(number, decoder)| bench((number + 1, decoder))).collect();
        let (jobs, queue) = sync_channel(JOBS_A_THREAD * (to_begin.len() + 1));
        let (done_sender, done) = channel();
        Self {
            own: bench((0, first)),
            to_begin,
            threads: Vec::new(),
            jobs: Some(jobs),
            queue: Arc::new(Mutex::new(queue)),
            done,
            done_sender: Some(done_sender),
            under_way: VecDeque::new(),
            first: 0,
            known,
            spare: Vec::new(),
        }
    }

    /// How many jobs may be under way.
    pub(super) fn most(&self) -> usize {
        JOBS_A_THREAD * self.known.len()
    }

    /// Whether so many are.
    pub(super) fn is_full(&self) -> bool {
        self.under_way.len() >= self.most()
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// When the last lines under way came.
    pub(super) fn last_start(&self) -> Option<ChunkStart> {
        self.under_way.back().map(|job| job.start)
    }

    /// What is known of the texts of a decoder.
    pub(super) fn known(&mut self, decoder: usize) -> &mut KnownTexts {
        &mut self.known[decoder]
    }

    /// Takes lines to be decoded; it must not be full.
    pub(super) fn put(&mut self, job: Job) {
        debug_assert!(!self.is_full(), "the caller takes what is done first");
        self.begin();
        let number = self.first + self.under_way.len() as u64;
        self.under_way.push_back(UnderWay { start: job.start, excused: Duration(0), outcome: None });
        // The queue holds as many as may be under way, so this never waits; and its other end lives as long as this.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send((number, job));
        }
    }

    /// Takes what needs no decoding, to be given back in its order.
    pub(super) fn put_done(&mut self, start: ChunkStart, portion: Portion) {
        debug_assert!(!self.is_full(), "the caller takes what is done first");
        let outcome = Outcome { job: Job { bytes: Vec::new(), start }, portion: Ok(portion), decoder: 0, excused: Duration(0) };
        self.under_way.push_back(UnderWay { start, excused: Duration(0), outcome: Some(outcome) });
    }

    /// Nothing could be read for so long, behind the lines that came last.
    pub(super) fn excuse(&mut self, pause: Duration) {
        if let Some(last) = self.under_way.back_mut() {
            last.excused = Duration(last.excused.0.saturating_add(pause.0));
        }
    }

    /// What the oldest job under way came to, if it is done.
    pub(super) fn take_done(&mut self) -> Option<Outcome> {
        while let Ok((number, outcome)) = self.done.try_recv() {
            self.note(number, outcome);
        }
        let next = self.under_way.front_mut()?;
        let outcome = next.outcome.take()?;
        let excused = next.excused;
        self.under_way.pop_front();
        self.first += 1;
        Some(Outcome { excused, ..outcome })
    }

    /// What the oldest job under way comes to; the caller works until it is done. Nothing where nothing is under way.
    pub(super) fn wait(&mut self) -> Option<Outcome> {
        while !self.under_way.is_empty() {
            if let Some(outcome) = self.take_done() {
                return Some(outcome);
            }
            // Where the lock is held, a thread waits for the next job: there is none to take.
            let job = self.queue.try_lock().ok().and_then(|queue| queue.try_recv().ok());
            if let Some((number, job)) = job {
                let outcome = self.own.decode(job);
                self.note(number, outcome);
            } else if let Ok((number, outcome)) = self.done.recv() {
                self.note(number, outcome);
            } else {
                // No thread lives, so nobody will give what is lacking.
                let lacking = self.under_way.iter_mut().filter(|job| job.outcome.is_none());
                lacking.for_each(|UnderWay { start, outcome, .. }| {
                    let portion = Err("a thread ended and left lines behind".to_owned());
                    let job = Job { bytes: Vec::new(), start: *start };
                    *outcome = Some(Outcome { job, portion, decoder: 0, excused: Duration(0) });
                });
            }
        }
        None
    }

    /// Forgets all that is under way.
    pub(super) fn forget(&mut self) {
        while self.wait().is_some() {}
    }

    /// A buffer that has been used, or a fresh one.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Gives a buffer back.
    pub(super) fn give_back(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() > 0 && self.spare.len() < self.most() {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    fn note(&mut self, number: u64, outcome: Outcome) {
        let at = usize::try_from(number - self.first).ok();
        if let Some(job) = at.and_then(|at| self.under_way.get_mut(at)) {
            job.outcome = Some(outcome);
        }
    }

    /// Begins the threads, once. Where the system gives no more of them, those that there are do the work.
    fn begin(&mut self) {
        let Some(done) = self.done_sender.take() else { return };
        for bench in self.to_begin.drain(..) {
            let (queue, done) = (self.queue.clone(), done.clone());
            let thread = std::thread::Builder::new().name(format!("betide decoder {}", bench.number));
            self.threads.extend(thread.spawn(move || work(bench, &queue, &done)));
        }
    }
}

impl Drop for Decoders {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Decodes until nobody gives jobs any more.
fn work(mut bench: Bench, queue: &Mutex<Receiver<(u64, Job)>>, done: &Sender<(u64, Outcome)>) {
    loop {
        let job = queue.lock().ok().and_then(|queue| queue.recv().ok());
        let Some((number, job)) = job else { return };
        let outcome = bench.decode(job);
        let is_broken = outcome.portion.is_err();
        if done.send((number, outcome)).is_err() || is_broken {
            return;
        }
    }
}
