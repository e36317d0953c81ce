//! The simulated disk as all runs of a seed share it, and what may fail on it beside crashes: any operation, with an error that the program
//! is told. A write may be done in part before it fails, a sync gives up what it should have kept, a renaming may be done though it says no.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use betide::connect::storage::{Crash, Simulated, Storage};

use crate::support::random::Random;

/// One disk for all runs of a seed: a run that fails leaves it behind.
#[derive(Debug, Clone)]
pub struct Shared(Rc<RefCell<Inner>>);

#[derive(Debug)]
struct Inner {
    disk: Simulated,
    random: Random,
    /// How many of 1000 operations fail.
    rate: usize,
    /// How many bytes can still be written before the disk is full.
    room: Option<usize>,
    /// What has failed since somebody asked.
    failed: BTreeMap<&'static str, u64>,
}

impl Shared {
    /// An empty disk on which nothing fails.
    pub fn new(seed: u64) -> Shared {
        let random = Random::new(seed ^ 0xd15c);
        Shared(Rc::new(RefCell::new(Inner { disk: Simulated::new(), random, rate: 0, room: None, failed: BTreeMap::new() })))
    }

    /// The disk will stop at an operation, or not.
    pub fn will_crash(&self, crash: Crash) {
        let mut inner = self.0.borrow_mut();
        inner.disk = std::mem::take(&mut inner.disk).crashing(crash);
    }

    pub fn has_crashed(&self) -> bool {
        self.0.borrow().disk.has_crashed()
    }

    /// The machine starts again: what had been synced is there, and parts of the rest.
    pub fn start_again(&self) {
        let mut inner = self.0.borrow_mut();
        inner.disk = std::mem::take(&mut inner.disk).after_the_crash();
    }

    /// So many of 1000 operations will fail, and only so many bytes can be written.
    pub fn will_fail(&self, rate: usize, room: Option<usize>) {
        let mut inner = self.0.borrow_mut();
        (inner.rate, inner.room) = (rate, room);
    }

    /// What has failed since the last call.
    pub fn failed(&self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut self.0.borrow_mut().failed)
    }

    /// Whether the operation is to fail: then the error, which is counted.
    fn fails(&self, what: &'static str) -> Option<io::Error> {
        let mut inner = self.0.borrow_mut();
        if inner.rate == 0 {
            return None;
        }
        let rate = inner.rate;
        if inner.random.below(1000) >= rate {
            return None;
        }
        *inner.failed.entry(what).or_default() += 1;
        Some(io::Error::other(format!("simulated: {what}")))
    }

    fn below(&self, n: usize) -> usize {
        self.0.borrow_mut().random.below(n)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Simulated) -> T) -> T {
        change(&mut self.0.borrow_mut().disk)
    }

    fn look<T>(&self, look: impl FnOnce(&Simulated) -> T) -> T {
        look(&self.0.borrow().disk)
    }

    /// How many of these bytes come to be written, and the error if not all do.
    fn written(&self, count: usize, what: &'static str) -> (usize, Option<io::Error>) {
        if let Some(error) = self.fails(what) {
            return (self.below(count + 1), Some(error));
        }
        let mut inner = self.0.borrow_mut();
        let Some(room) = inner.room else { return (count, None) };
        inner.room = Some(room.saturating_sub(count));
        if count <= room {
            return (count, None);
        }
        *inner.failed.entry("full disk").or_default() += 1;
        (room, Some(io::ErrorKind::StorageFull.into()))
    }
}

impl Storage for Shared {
    fn make_folder(&mut self, folder: &str) -> io::Result<()> {
        match self.fails("make a folder") {
            Some(error) => Err(error),
            None => self.change(|disk| disk.make_folder(folder)),
        }
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        match self.fails("list") {
            Some(error) => Err(error),
            None => self.look(|disk| disk.list(folder)),
        }
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        match self.fails("read") {
            Some(error) => Err(error),
            None => self.look(|disk| disk.read(path)),
        }
    }

    fn read_at(&self, path: &str, offset: u64, count: usize) -> io::Result<Vec<u8>> {
        match self.fails("read") {
            Some(error) => Err(error),
            None => self.look(|disk| disk.read_at(path, offset, count)),
        }
    }

    fn length(&self, path: &str) -> io::Result<Option<u64>> {
        match self.fails("look at a length") {
            Some(error) => Err(error),
            None => self.look(|disk| disk.length(path)),
        }
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let (count, error) = self.written(bytes.len(), "write");
        self.change(|disk| disk.write(path, &bytes[..count]))?;
        error.map_or(Ok(()), Err)
    }

    fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let (count, error) = self.written(bytes.len(), "append");
        self.change(|disk| disk.append(path, &bytes[..count]))?;
        error.map_or(Ok(()), Err)
    }

    fn truncate(&mut self, path: &str, length: u64) -> io::Result<()> {
        match self.fails("truncate") {
            Some(error) => Err(error),
            None => self.change(|disk| disk.truncate(path, length)),
        }
    }

    fn sync(&mut self, path: &str) -> io::Result<()> {
        match self.fails("sync") {
            Some(error) => {
                self.change(|disk| disk.sync_fails(path));
                Err(error)
            }
            None => self.change(|disk| disk.sync(path)),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        match self.fails("rename") {
            // Over a network a renaming may be done though its answer is lost.
            Some(error) if self.below(3) == 0 => self.change(|disk| disk.rename(from, to)).and(Err(error)),
            Some(error) => Err(error),
            None => self.change(|disk| disk.rename(from, to)),
        }
    }

    fn remove(&mut self, path: &str) -> io::Result<()> {
        match self.fails("remove") {
            Some(error) => Err(error),
            None => self.change(|disk| disk.remove(path)),
        }
    }

    fn sync_folder(&mut self, folder: &str) -> io::Result<()> {
        match self.fails("sync a folder") {
            Some(error) => Err(error),
            None => self.change(|disk| disk.sync_folder(folder)),
        }
    }
}
