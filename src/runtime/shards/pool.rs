//! Threads that work for whoever hands work over and waits for it.
//!
//! Pieces of work lie in one queue, and whichever thread is free takes the oldest. Who hands over does the first piece itself, and then
//! whatever nobody has begun, so that of N threads N work and nothing is left lying where the system gives no threads. The threads begin
//! with the first work and end with the pool. Nothing is in the queue while nobody waits: it is as long as what was handed over last.

use std::collections::VecDeque;
use std::fmt;
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

type Work = Box<dyn FnOnce() + Send>;

/// See the module.
pub(in crate::runtime) struct Pool {
    threads: usize,
    queue: Arc<Queue>,
    /// Those that have begun; nothing before the first work.
    begun: Mutex<Option<Vec<JoinHandle<()>>>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    works: VecDeque<Work>,
    is_over: bool,
}

impl Pool {
    /// Of so many threads, of which one is the caller's.
    pub(in crate::runtime) fn new(threads: usize) -> Self {
        Self { threads, queue: Arc::default(), begun: Mutex::new(None) }
    }

    /// How many threads work, the caller's among them.
    pub(in crate::runtime) fn threads(&self) -> usize {
        self.threads
    }

    /// Does something to each of these, which must not panic, and gives them back in their order.
    pub(super) fn each<T: Send + 'static>(&self, all: Vec<T>, work: fn(&mut T)) -> Vec<T> {
        let mut done: Vec<Option<T>> = all.iter().map(|_| None).collect();
        let mut all = all.into_iter().enumerate();
        let first = all.next();
        let (sender, finished) = channel();
        let others = all.map(|(number, mut one)| {
            let sender = sender.clone();
            Box::new(move || {
                work(&mut one);
                // Whoever handed it over waits for it.
                let _ = sender.send((number, one));
            }) as Work
        });
        self.queue.put(others);
        drop(sender);
        self.begin();
        if let Some((number, mut one)) = first {
            work(&mut one);
            done[number] = Some(one);
        }
        while let Some(work) = self.queue.take_now() {
            work();
        }
        // It ends when every sender is gone.
        finished.iter().for_each(|(number, one)| done[number] = Some(one));
        done.into_iter().map(|one| one.expect("work that does not panic is finished")).collect()
    }

    /// Begins the threads, once.
    fn begin(&self) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.get_or_insert_with(|| {
            let thread = |number: usize| {
                let queue = self.queue.clone();
                std::thread::Builder::new().name(format!("betide worker {number}")).spawn(move || queue.work())
            };
            // Where the system gives no more of them, those that there are do the work.
            (1..self.threads).filter_map(|number| thread(number).ok()).collect()
        });
    }
}

impl Queue {
    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, works: impl Iterator<Item = Work>) {
        self.locked().works.extend(works);
        self.news.notify_all();
    }

    fn take_now(&self) -> Option<Work> {
        self.locked().works.pop_front()
    }

    /// Works until the pool ends.
    fn work(&self) {
        loop {
            let work = {
                let mut state = self.locked();
                loop {
                    if let Some(work) = state.works.pop_front() {
                        break work;
                    }
                    if state.is_over {
                        return;
                    }
                    state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            };
            work();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.locked().is_over = true;
        self.queue.news.notify_all();
        let threads = self.begun.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        for thread in threads.into_iter().flatten() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::thread::ThreadId;

    use super::Pool;

    /// What is counted by the work, and on which thread it was.
    type Piece = (u64, Option<ThreadId>);

    fn work(piece: &mut Piece) {
        piece.0 = (0..20_000 + piece.0).fold(piece.0, |sum, n| sum.wrapping_mul(31).wrapping_add(n));
        piece.1 = Some(std::thread::current().id());
    }

    #[test]
    fn work_comes_back_in_its_order_whoever_did_it() {
        let alone: Vec<u64> = (0..50)
            .map(|n| {
                let mut piece = (n, None);
                work(&mut piece);
                piece.0
            })
            .collect();
        for threads in [1, 2, 8] {
            let pool = Pool::new(threads);
            let mut seen = BTreeSet::new();
            for _ in 0..40 {
                let pieces: Vec<Piece> = pool.each((0..50).map(|n| (n, None)).collect(), work);
                assert_eq!(pieces.iter().map(|piece| piece.0).collect::<Vec<_>>(), alone);
                seen.extend(pieces.into_iter().filter_map(|piece| piece.1).map(|id| format!("{id:?}")));
            }
            assert!(seen.len() <= threads, "{} threads of {threads}", seen.len());
        }
        assert!(Pool::new(3).each(Vec::new(), work).is_empty());
    }
}
