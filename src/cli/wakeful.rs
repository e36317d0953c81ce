//! Waiting for a pipe without going to sleep, where events come one by one and soon after each other.
//!
//! What sleeps is woken by another processor, and that takes longer (20 to 50 µs) than an event does. So while events keep coming within such a
//! time of each other, one a read, their reader asks again and again for as long before it sleeps. It costs at most [`AWAKE`] of a processor a
//! read, and nothing where reads bring many events, where they come seldom, or where there is one processor only: whoever writes the events
//! needs it. Each time that it has asked in vain, twice as many have to come soon before it does so again: who is busy where others want to
//! work is let wait.

use std::time::Duration;

use super::summary::Elapsed;

/// How long it asks before it sleeps: about what falling asleep and being woken cost.
const AWAKE: Duration = Duration::from_micros(50);
/// Waits up to this are short; one with sleep in it lasts as long as the sleeper takes to wake.
const SHORT: Duration = Duration::from_micros(200);
/// So many short waits one after the other, and the next is expected to be short; of so many at most, however often it was not.
const EXPECTED: u32 = 8;
const EXPECTED_MOST: u32 = 1 << 14;
/// Reads of more bytes than this bring many events: it is their number that counts then, and not how soon the first of them is seen.
const FEW: usize = 4096;

/// How long events have let wait lately.
#[derive(Debug)]
pub(super) struct Wakeful {
    has_processors: bool,
    /// Short waits since the last long one.
    short: u32,
    /// How many it takes.
    expected: u32,
}

impl Wakeful {
    pub(super) fn new() -> Self {
        Self { has_processors: std::thread::available_parallelism().is_ok_and(|count| count.get() > 1), short: 0, expected: EXPECTED }
    }

    /// Waits for so long at most; `is_ready` is asked whether anything can be read, now or within a time. Gives its last answer.
    pub(super) fn wait(&mut self, time: Duration, mut is_ready: impl FnMut(Duration) -> bool) -> bool {
        if time.is_zero() {
            return is_ready(time);
        }
        let waited = Elapsed::start();
        if self.is_wakeful() {
            while waited.get() < AWAKE {
                if is_ready(Duration::ZERO) {
                    self.expected = EXPECTED.max(self.expected - 1);
                    return true;
                }
                std::hint::spin_loop();
            }
            self.short = 0;
            self.expected = EXPECTED_MOST.min(2 * self.expected);
            return is_ready(time);
        }
        let is_ready = is_ready(time);
        self.waited(waited.get());
        is_ready
    }

    /// A read has brought so many bytes.
    pub(super) fn has_read(&mut self, bytes: usize) {
        if bytes > FEW {
            self.short = 0;
        }
    }

    fn is_wakeful(&self) -> bool {
        self.has_processors && self.short >= self.expected
    }

    fn waited(&mut self, time: Duration) {
        self.short = if time <= SHORT { self.short.saturating_add(1) } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that has two processors, and for which this many short waits lie behind it.
    fn after(short: u32) -> Wakeful {
        Wakeful { has_processors: true, short, expected: EXPECTED }
    }

    #[test]
    fn it_is_wakeful_once_waits_are_short_and_until_one_is_in_vain() {
        let mut wakeful = after(0);
        for _ in 0..EXPECTED {
            assert!(!wakeful.is_wakeful());
            wakeful.waited(SHORT);
        }
        assert!(wakeful.is_wakeful());
        let mut asked = Vec::new();
        assert!(!wakeful.wait(Duration::from_millis(7), |time| {
            asked.push(time);
            false
        }));
        let sleep = asked.pop();
        assert_eq!(sleep, Some(Duration::from_millis(7)), "in the end it sleeps");
        assert!(asked.iter().all(Duration::is_zero) && !wakeful.is_wakeful());
        (0..EXPECTED).for_each(|_| wakeful.waited(SHORT));
        assert!(!wakeful.is_wakeful(), "next time it takes twice as many");
        (0..EXPECTED).for_each(|_| wakeful.waited(SHORT));
        assert!(wakeful.is_wakeful() && wakeful.wait(SHORT, |_| true));
        assert_eq!(wakeful.expected, 2 * EXPECTED - 1, "and fewer again, the more often it was right");
    }

    #[test]
    fn what_comes_while_it_is_awake_is_taken_without_sleep() {
        let (mut wakeful, mut asked) = (after(EXPECTED), 0);
        assert!(wakeful.wait(Duration::MAX, |time| {
            asked += 1;
            assert!(time.is_zero(), "it must not sleep");
            true
        }));
        assert!(asked == 1 && wakeful.is_wakeful());
    }

    #[test]
    fn a_long_wait_or_a_long_read_lets_it_sleep() {
        let mut wakeful = after(EXPECTED);
        wakeful.has_read(FEW);
        assert!(wakeful.is_wakeful());
        wakeful.has_read(FEW + 1);
        assert!(!wakeful.is_wakeful());
        let mut wakeful = after(EXPECTED - 1);
        wakeful.waited(SHORT + Duration::from_micros(1));
        wakeful.waited(SHORT);
        assert!(!wakeful.is_wakeful());
        let alone = Wakeful { has_processors: false, short: EXPECTED, expected: EXPECTED };
        assert!(!alone.is_wakeful(), "the one processor is needed by whoever writes");
    }
}
