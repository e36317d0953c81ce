//! Files that must survive a crash, behind a small trait: the machine's ([`Disk`]), and one in memory that crashes as disks do ([`Simulated`]).
//!
//! What the trait promises is what disks promise, and no more: bytes are there after a crash once their file has been synced, and a name
//! stands for what it was given to once its folder has been synced. Without that, anything may be there: all, nothing, or parts.

mod disk;
mod simulated;

pub use disk::Disk;
pub use simulated::{Crash, Simulated};

use std::fmt;
use std::io;

/// A place for files. Paths are as the system has them.
pub trait Storage: fmt::Debug {
    /// Makes a folder, and those that it is in, where they are not there.
    fn make_folder(&mut self, folder: &str) -> io::Result<()>;

    /// The names of the files of a folder, in order.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// All bytes of a file.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// So many bytes of a file from an offset on; fewer where it ends before.
    fn read_at(&self, path: &str, offset: u64, count: usize) -> io::Result<Vec<u8>>;

    /// How long a file is; nothing where there is none.
    fn length(&self, path: &str) -> io::Result<Option<u64>>;

    /// Makes a file of these bytes, in the place of one that was there.
    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Writes behind the end of a file, which is made where it is not there.
    fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Cuts a file off at a length; one that is not there is made.
    fn truncate(&mut self, path: &str, length: u64) -> io::Result<()>;

    /// Has the bytes of a file survive a crash.
    fn sync(&mut self, path: &str) -> io::Result<()>;

    /// Gives a file another name, in the place of one that was there.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Takes a file away.
    fn remove(&mut self, path: &str) -> io::Result<()>;

    /// Has the names of a folder's files survive a crash.
    fn sync_folder(&mut self, folder: &str) -> io::Result<()>;
}

/// The folder that a file is in.
pub fn folder_of(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) => "/",
        Some(end) => &path[..end],
        None => ".",
    }
}
