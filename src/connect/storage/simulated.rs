//! A disk in memory that crashes: at a given operation it stops, and what had not been synced is there in parts, or not.
//!
//! Files have contents on the disk and contents as the program sees them, and so have folders with their names. An operation changes what
//! the program sees; syncing brings that to the disk. A crash takes, for each file that was not synced, any of the states that it was in
//! since, torn in the middle of a change or with stretches of zeros where bytes had not come to the disk; and for each folder any mixture of
//! old and new names. All chance comes from one seed.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use super::{Storage, folder_of};

/// When the disk stops, and what it does then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crash {
    /// The operation, from 0, at which it stops: nothing of it or a part of it is done.
    pub at: Option<u64>,
    /// Of what is left then.
    pub seed: u64,
}

/// A disk in memory.
#[derive(Debug, Clone, Default)]
pub struct Simulated {
    files: Vec<Inode>,
    /// Names as the program sees them, and as they are on the disk.
    names: BTreeMap<String, usize>,
    names_on_disk: BTreeMap<String, usize>,
    operations: u64,
    crash: Crash,
    has_crashed: bool,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    now: Vec<u8>,
    on_disk: Vec<u8>,
    /// Since it was synced: what it was before each change.
    since: Vec<Vec<u8>>,
    /// Bytes that a failed sync has given up: whoever reads sees them, and no later sync brings them to the disk.
    given_up: Vec<Range<usize>>,
}

impl Simulated {
    /// An empty disk that will not crash.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same disk, which will crash.
    #[must_use]
    pub fn crashing(mut self, crash: Crash) -> Self {
        self.crash = crash;
        self.operations = 0;
        self
    }

    /// How many operations there were that change something, since [`Simulated::crashing`].
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// A sync of a file that fails as it does on many systems: what had been written since the last one is given up. The program still sees
    /// it, the next sync says that all is well, and after a crash there are zeros in its place.
    pub fn sync_fails(&mut self, path: &str) {
        let file = self.find_or_make(path);
        let common = file.now.iter().zip(&file.on_disk).take_while(|(a, b)| a == b).count();
        if common < file.now.len() {
            file.given_up.push(common..file.now.len());
        }
    }

    /// Whether it has stopped.
    pub fn has_crashed(&self) -> bool {
        self.has_crashed
    }

    /// What is there when the machine starts again: all that was synced, and of the rest what chance says.
    #[must_use]
    pub fn after_the_crash(mut self) -> Self {
        let mut chance = Chance(self.crash.seed | 1);
        let names: Vec<String> = self.names.keys().chain(self.names_on_disk.keys()).cloned().collect();
        for name in names {
            let (now, before) = (self.names.get(&name).copied(), self.names_on_disk.get(&name).copied());
            match if chance.below(2) == 0 { now } else { before } {
                Some(file) => drop(self.names_on_disk.insert(name, file)),
                None => drop(self.names_on_disk.remove(&name)),
            }
        }
        for file in &mut self.files {
            let left = file.left(&mut chance);
            *file = Inode { now: left.clone(), on_disk: left, since: Vec::new(), given_up: Vec::new() };
        }
        self.names = self.names_on_disk.clone();
        (self.operations, self.crash, self.has_crashed) = (0, Crash::default(), false);
        self
    }

    /// Counts an operation; whether it is done. The one at which the disk stops may be done in part.
    fn step(&mut self) -> io::Result<bool> {
        if self.has_crashed {
            return Err(stopped());
        }
        let number = self.operations;
        self.operations += 1;
        if self.crash.at == Some(number) {
            self.has_crashed = true;
            return Ok(false);
        }
        Ok(true)
    }

    /// Does something, unless the disk stops at it; a change that it stops at is begun.
    fn change(&mut self, change: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        if self.step()? {
            return change(self);
        }
        change(self)?;
        Err(stopped())
    }

    /// Does something that has an effect only when it is done.
    fn whole(&mut self, change: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        if self.step()? { change(self) } else { Err(stopped()) }
    }

    fn find(&self, path: &str) -> io::Result<&Inode> {
        self.names.get(path).map(|&file| &self.files[file]).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn find_or_make(&mut self, path: &str) -> &mut Inode {
        let next = self.files.len();
        let file = *self.names.entry(path.to_owned()).or_insert(next);
        if file == next {
            self.files.push(Inode::default());
        }
        &mut self.files[file]
    }
}

fn stopped() -> io::Error {
    io::Error::other("the machine has stopped")
}

impl Inode {
    fn change(&mut self, change: impl FnOnce(&mut Vec<u8>)) {
        self.since.push(self.now.clone());
        change(&mut self.now);
        // What is cut off, and written anew, will come to the disk.
        self.given_up.iter_mut().for_each(|lost| lost.end = lost.end.min(self.now.len()));
        self.given_up.retain(|lost| !lost.is_empty());
    }

    /// Brings it to the disk, but for what was given up.
    fn sync(&mut self) {
        self.on_disk = self.now.clone();
        self.given_up.iter().for_each(|lost| self.on_disk[lost.clone()].fill(0));
        self.since.clear();
    }

    /// What is there after a crash: one of its states since it was synced, torn, or with holes where bytes had not come yet.
    fn left(&self, chance: &mut Chance) -> Vec<u8> {
        if self.since.is_empty() {
            return self.on_disk.clone();
        }
        let states: Vec<&Vec<u8>> = std::iter::once(&self.on_disk).chain(&self.since).chain([&self.now]).collect();
        let at = chance.below(states.len());
        let state = states[at];
        if at == 0 || chance.below(3) == 0 {
            return state.clone();
        }
        // A later state that came to the disk in part: what it has in common with the synced one is there.
        let common = state.iter().zip(&self.on_disk).take_while(|(a, b)| a == b).count();
        let end = common + chance.below(state.len() - common + 1);
        let mut left = state[..end].to_vec();
        if end > common && chance.below(2) == 0 {
            let hole = common + chance.below(end - common);
            let hole_end = hole + chance.below(end - hole + 1);
            left[hole..hole_end].fill(0);
        }
        left
    }
}

impl Storage for Simulated {
    fn make_folder(&mut self, _folder: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let within = self.names.keys().filter(|path| folder_of(path) == folder);
        Ok(within.filter_map(|path| path.rsplit('/').next()).map(str::to_owned).collect())
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.find(path).map(|file| file.now.clone())
    }

    fn read_at(&self, path: &str, offset: u64, count: usize) -> io::Result<Vec<u8>> {
        let bytes = &self.find(path)?.now;
        let begin = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes[begin..bytes.len().min(begin.saturating_add(count))].to_vec())
    }

    fn length(&self, path: &str) -> io::Result<Option<u64>> {
        Ok(self.find(path).ok().map(|file| file.now.len() as u64))
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(|disk| {
            let file = disk.find_or_make(path);
            file.given_up.clear();
            file.change(|now| *now = bytes.to_vec());
            Ok(())
        })
    }

    fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(|disk| {
            disk.find_or_make(path).change(|now| now.extend_from_slice(bytes));
            Ok(())
        })
    }

    fn truncate(&mut self, path: &str, length: u64) -> io::Result<()> {
        self.change(|disk| {
            let length = usize::try_from(length).map_err(io::Error::other)?;
            disk.find_or_make(path).change(|now| now.resize(length, 0));
            Ok(())
        })
    }

    fn sync(&mut self, path: &str) -> io::Result<()> {
        self.whole(|disk| {
            disk.find_or_make(path).sync();
            Ok(())
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.change(|disk| {
            let file = disk.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            disk.names.insert(to.to_owned(), file);
            Ok(())
        })
    }

    fn remove(&mut self, path: &str) -> io::Result<()> {
        self.change(|disk| disk.names.remove(path).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into()))
    }

    fn sync_folder(&mut self, folder: &str) -> io::Result<()> {
        self.whole(|disk| {
            disk.names_on_disk.retain(|path, _| folder_of(path) != folder);
            let within = disk.names.iter().filter(|(path, _)| folder_of(path) == folder);
            let within: Vec<(String, usize)> = within.map(|(path, file)| (path.clone(), *file)).collect();
            disk.names_on_disk.extend(within);
            Ok(())
        })
    }
}

/// Chance of one seed.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let wide = u128::from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)) * n as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }
}
