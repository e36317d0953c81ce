//! Named inputs: standard input (`-`) and files, decompressed on the way where their bytes begin as those of gzip (one or several members) or
//! Zstandard do.
//!
//! The bytes decide what is compressed, not the name: a pipe has none. JSON cannot begin so. What is inside is told by the name: `.csv` and
//! `.tsv`, also before `.gz` and `.zst`, and else lines of JSON. Nothing is read before the first `read`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ConnectError;
use crate::codec::Format;

/// An open input: its name, and its bytes.
pub struct Input {
    name: Arc<str>,
    bytes: Box<dyn Read + Send>,
    format: Format,
    progress: Progress,
}

/// How much of an input has been read; it can be looked at while another thread reads.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Progress {
    /// Bytes read so far, as they are in the file.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Bytes there were when the file was opened; nothing for what has no length.
    pub fn total(&self) -> Option<u64> {
        self.total
    }
}

/// Counts what is read.
struct Counted<R> {
    bytes: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Input {
    /// Opens standard input (`-`) or a file.
    pub fn open(path: &str) -> Result<Self, ConnectError> {
        if path == "-" {
            return Ok(Self::unpacking("standard input".into(), io::stdin(), None));
        }
        let name: Arc<str> = path.into();
        let open_failed = |source: io::Error| ConnectError::Open { input: name.clone(), source: Arc::new(source) };
        let file = File::open(path).map_err(open_failed)?;
        let metadata = file.metadata().map_err(open_failed)?;
        if metadata.is_dir() {
            return Err(open_failed(io::ErrorKind::IsADirectory.into()));
        }
        let length = metadata.is_file().then_some(metadata.len());
        Ok(Self::unpacking(name, file, length))
    }

    fn unpacking(name: Arc<str>, bytes: impl Read + Send + 'static, total: Option<u64>) -> Self {
        let progress = Progress { read: Arc::default(), total };
        let counted = Counted { bytes, read: progress.read.clone() };
        let format = Format::of_name(&name);
        Self { name, bytes: Box::new(Unpacked::Unread(Box::new(counted))), format, progress }
    }

    /// An input of this name from any reader, whose bytes are taken as they are.
    pub fn new(name: &str, bytes: impl Read + Send + 'static) -> Self {
        Self { name: name.into(), bytes: Box::new(bytes), format: Format::of_name(name), progress: Progress::default() }
    }

    /// Whether the bytes of a file are taken as they are, and can be read from anywhere.
    pub fn is_plain(path: &str) -> bool {
        let file = if path == "-" { None } else { File::open(path).ok() };
        let file = file.filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()));
        file.is_some_and(|mut file| head(&mut file).is_ok_and(|head| PACKED.iter().all(|(_, magic)| head != *magic)))
    }

    /// Opens a file whose bytes are taken as they are, to read from an offset on.
    pub fn open_at(path: &str, offset: u64) -> Result<Self, ConnectError> {
        let name: Arc<str> = path.into();
        let open_failed = |source: io::Error| ConnectError::Open { input: name.clone(), source: Arc::new(source) };
        let mut file = File::open(path).map_err(open_failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(open_failed)?;
        Ok(Self::new(path, file))
    }

    /// What is inside.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Says what is inside, whatever the name says.
    #[must_use]
    pub fn with_format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// How much of it has been read.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Puts bytes that have been read back in front.
    #[must_use]
    pub fn put_back(self, head: Vec<u8>) -> Self {
        Self { bytes: Box::new(io::Cursor::new(head).chain(self.bytes)), ..self }
    }

    /// The same input with other bytes, made of its own.
    #[must_use]
    pub fn through<R: Read + Send + 'static>(self, make: impl FnOnce(Box<dyn Read + Send>) -> R) -> Self {
        Self { bytes: Box::new(make(self.bytes)), ..self }
    }

    /// The input's name, as messages and dead letters have it.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }
}

/// Bytes as they are, or decompressed.
enum Unpacked {
    /// Nothing has been read yet.
    Unread(Box<dyn Read + Send>),
    Begun(Box<dyn Read + Send>),
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Self::Unread(raw) = self {
            let head = head(raw)?;
            let packed = PACKED.into_iter().find(|(_, magic)| head == *magic).map(|(packing, _)| packing);
            let raw = std::mem::replace(raw, Box::new(io::empty()));
            let whole: Box<dyn Read + Send> = Box::new(io::Cursor::new(head).chain(raw));
            *self = Self::Begun(match packed {
                Some(packing) => decompressed(packing, whole)?,
                None => whole,
            });
        }
        match self {
            Self::Unread(bytes) | Self::Begun(bytes) => bytes.read(buffer),
        }
    }
}

/// How bytes may be compressed.
#[derive(Debug, Clone, Copy)]
enum Packing {
    Gzip,
    Zstandard,
}

/// The first bytes of everything that is compressed so.
const PACKED: [(Packing, &[u8]); 2] = [(Packing::Gzip, &[0x1f, 0x8b]), (Packing::Zstandard, &[0x28, 0xb5, 0x2f, 0xfd])];

/// As many of the first bytes as it takes to know whether they are compressed.
fn head(raw: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(4);
    while PACKED.iter().any(|(_, magic)| head.len() < magic.len() && magic.starts_with(&head)) {
        let mut byte = [0];
        match raw.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => head.extend(byte),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(head)
}

#[cfg(feature = "cli")]
fn decompressed(packing: Packing, bytes: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    Ok(match packing {
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        Packing::Zstandard => Box::new(super::zstd::ZstdReader::new(bytes)),
    })
}

#[cfg(not(feature = "cli"))]
fn decompressed(packing: Packing, _: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let what = format!("it is compressed ({packing:?}), and this build has no decompressor (feature `cli`)");
    Err(io::Error::new(io::ErrorKind::Unsupported, what))
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer)
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(feature = "cli")]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn gzip_of_several_members_is_read_whole() {
        let path = std::env::temp_dir().join(format!("betide-input-{}.jsonl.gz", std::process::id()));
        let mut bytes = Vec::new();
        for part in ["{\"a\":1}\n", "{\"a\":2}\n"] {
            let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            member.write_all(part.as_bytes()).unwrap();
            bytes.extend(member.finish().unwrap());
        }
        std::fs::write(&path, bytes).unwrap();
        let mut text = String::new();
        Input::open(path.to_str().unwrap()).unwrap().read_to_string(&mut text).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(text, "{\"a\":1}\n{\"a\":2}\n");
    }

    /// Bytes that come one at a time.
    struct Drop(std::vec::IntoIter<u8>);

    impl Read for Drop {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let byte = self.0.next();
            byte.into_iter().for_each(|byte| buffer[0] = byte);
            Ok(usize::from(byte.is_some()))
        }
    }

    #[test]
    fn the_first_bytes_say_whether_it_is_gzip() {
        let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        member.write_all(b"{}\n").unwrap();
        let packed = member.finish().unwrap();
        for (bytes, expected) in
            [(packed, &b"{}\n"[..]), (b"{}\n".to_vec(), b"{}\n"), (vec![], b""), (vec![0x1f], b"\x1f"), (b"\x1f{".to_vec(), b"\x1f{")]
        {
            let mut read = Vec::new();
            Unpacked::Unread(Box::new(Drop(bytes.into_iter()))).read_to_end(&mut read).unwrap();
            assert_eq!(read, expected);
        }
    }

    #[test]
    fn what_cannot_be_opened_is_named() {
        let error = Input::open("/no/such/file.jsonl").unwrap_err();
        assert!(error.to_string().starts_with("cannot open /no/such/file.jsonl: "), "{error}");
        assert!(Input::open("/").is_err(), "a folder is no input");
    }
}
