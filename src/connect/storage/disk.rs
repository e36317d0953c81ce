//! The machine's files.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::Storage;

/// The machine's files. One that is appended to stays open.
#[derive(Debug, Default)]
pub struct Disk {
    open: BTreeMap<String, File>,
}

impl Disk {
    /// With no file open.
    pub fn new() -> Self {
        Self::default()
    }

    fn file(&mut self, path: &str) -> io::Result<&mut File> {
        if !self.open.contains_key(path) {
            let file = OpenOptions::new().append(true).create(true).open(path)?;
            self.open.insert(path.to_owned(), file);
        }
        Ok(self.open.get_mut(path).expect("it is open"))
    }
}

impl Storage for Disk {
    fn make_folder(&mut self, folder: &str) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            // A name that is not UTF-8 is none of ours.
            if let (true, Ok(name)) = (entry.file_type()?.is_file(), entry.file_name().into_string()) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn read_at(&self, path: &str, offset: u64, count: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(count as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn length(&self, path: &str) -> io::Result<Option<u64>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.open.remove(path);
        File::create(path)?.write_all(bytes)
    }

    fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.file(path)?.write_all(bytes)
    }

    fn truncate(&mut self, path: &str, length: u64) -> io::Result<()> {
        self.file(path)?.set_len(length)
    }

    fn sync(&mut self, path: &str) -> io::Result<()> {
        self.file(path)?.sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.open.remove(from);
        self.open.remove(to);
        fs::rename(from, to)
    }

    fn remove(&mut self, path: &str) -> io::Result<()> {
        self.open.remove(path);
        fs::remove_file(path)
    }

    /// Where folders cannot be opened as files (not on Unix), renaming is all that there is.
    fn sync_folder(&mut self, folder: &str) -> io::Result<()> {
        if cfg!(unix) { File::open(Path::new(folder))?.sync_all() } else { Ok(()) }
    }
}
