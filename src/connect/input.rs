//! Named inputs: standard input (`-`) and files, decompressed on the way where their bytes begin as those of gzip (one or several members) or
//! Zstandard do.
//!
//! The bytes decide what is compressed, not the name: a pipe has none. JSON cannot begin so. What is inside is told by the name: `.csv` and
//! `.tsv`, also before `.gz` and `.zst`, and else lines of JSON. Rows of Parquet and Arrow files, known by their bytes too, are read as lines of
//! JSON (feature `arrow-files`). Of a pipe nothing is read before the first `read`.

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
    bytes: Unpacked,
    format: Format,
    /// It holds rows, which are read as lines of JSON whatever its name says.
    has_rows: bool,
    /// Its bytes are those of a file.
    is_at_hand: bool,
    /// What its bytes come from, where they are read from there as they are asked for: it can be waited for.
    source: Option<Arc<File>>,
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
            return Ok(match standard_input() {
                Some(source) => Self::of_source("standard input".into(), source, None),
                None => Self::unpacking("standard input".into(), io::stdin(), None),
            });
        }
        let name: Arc<str> = path.into();
        let open_failed = |source: io::Error| ConnectError::Open { input: name.clone(), source: Arc::new(source) };
        let mut file = File::open(path).map_err(open_failed)?;
        let metadata = file.metadata().map_err(open_failed)?;
        if metadata.is_dir() {
            return Err(open_failed(io::ErrorKind::IsADirectory.into()));
        }
        let mut is_at_hand = false;
        if metadata.is_file() {
            let head = head(&mut file).map_err(open_failed)?;
            file.seek(SeekFrom::Start(0)).map_err(open_failed)?;
            let packing = packing_of(&head);
            is_at_hand = packing.is_none();
            if let Some(packing) = packing.filter(|packing| packing.is_rows()) {
                let bytes = rows_of_file(packing, file).map_err(open_failed)?;
                let format = Format::JsonLines;
                return Ok(Self { format, has_rows: true, is_at_hand, ..Self::new(path, bytes) });
            }
        }
        let length = metadata.is_file().then_some(metadata.len());
        Ok(Self { is_at_hand, ..Self::of_source(name, file, length) })
    }

    fn of_source(name: Arc<str>, source: File, total: Option<u64>) -> Self {
        let source = Arc::new(source);
        Self { source: Some(source.clone()), ..Self::unpacking(name, source, total) }
    }

    fn unpacking(name: Arc<str>, bytes: impl Read + Send + 'static, total: Option<u64>) -> Self {
        let progress = Progress { read: Arc::default(), total };
        let counted = Counted { bytes, read: progress.read.clone() };
        let format = Format::of_name(&name);
        let bytes = Unpacked::Unread(Box::new(counted));
        Self { name, bytes, format, has_rows: false, is_at_hand: false, source: None, progress }
    }

    /// An input of this name from any reader, whose bytes are taken as they are.
    pub fn new(name: &str, bytes: impl Read + Send + 'static) -> Self {
        let (name, format, bytes) = (name.into(), Format::of_name(name), Unpacked::Begun(Box::new(bytes)));
        Self { name, bytes, format, has_rows: false, is_at_hand: false, source: None, progress: Progress::default() }
    }

    /// Whether the bytes of a file are taken as they are, and can be read from anywhere.
    pub fn is_plain(path: &str) -> bool {
        let file = if path == "-" { None } else { File::open(path).ok() };
        let file = file.filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()));
        file.is_some_and(|mut file| head(&mut file).is_ok_and(|head| packing_of(&head).is_none()))
    }

    /// Opens a file whose bytes are taken as they are, to read from an offset on.
    pub fn open_at(path: &str, offset: u64) -> Result<Self, ConnectError> {
        let name: Arc<str> = path.into();
        let open_failed = |source: io::Error| ConnectError::Open { input: name.clone(), source: Arc::new(source) };
        let mut file = File::open(path).map_err(open_failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(open_failed)?;
        Ok(Self { is_at_hand: true, ..Self::new(path, file) })
    }

    /// What is inside.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Says what is inside, whatever the name says.
    #[must_use]
    pub fn with_format(self, format: Format) -> Self {
        Self { format: if self.has_rows { self.format } else { format }, ..self }
    }

    /// How much of it has been read.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Whether its bytes are those of a file, as they are: reading them waits for nobody.
    pub fn is_at_hand(&self) -> bool {
        self.is_at_hand
    }

    /// What can be waited for before the next `read`: a pipe, a terminal, a file. There is none where bytes may be at hand though nothing comes
    /// from there.
    pub fn source(&self) -> Option<&File> {
        self.source.as_deref()
    }

    /// Reads as much as it takes to know whether the bytes are compressed. Where they are, there is nothing more to wait for outside.
    pub fn look(&mut self) -> io::Result<()> {
        if self.bytes.begin()? {
            self.source = None;
        }
        Ok(())
    }

    /// Puts bytes that have been read back in front.
    #[must_use]
    pub fn put_back(self, head: Vec<u8>) -> Self {
        Self { bytes: Unpacked::Begun(Box::new(io::Cursor::new(head).chain(self.bytes))), source: None, ..self }
    }

    /// The same input with other bytes, made of its own.
    #[must_use]
    pub fn through<R: Read + Send + 'static>(self, make: impl FnOnce(Box<dyn Read + Send>) -> R) -> Self {
        Self { bytes: Unpacked::Begun(Box::new(make(Box::new(self.bytes)))), source: None, ..self }
    }

    /// The input's name, as messages and dead letters have it.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }
}

/// Standard input as a file, without a buffer in between, where there is such a thing.
#[cfg(unix)]
fn standard_input() -> Option<File> {
    use std::os::fd::AsFd;
    io::stdin().as_fd().try_clone_to_owned().ok().map(File::from)
}

#[cfg(not(unix))]
fn standard_input() -> Option<File> {
    None
}

/// Bytes as they are, or decompressed.
enum Unpacked {
    /// Nothing has been read yet.
    Unread(Box<dyn Read + Send>),
    Begun(Box<dyn Read + Send>),
}

impl Unpacked {
    /// Looks at the first bytes, if nothing has been read yet. Gives whether they are compressed, as far as it is known by now.
    fn begin(&mut self) -> io::Result<bool> {
        let Self::Unread(raw) = self else { return Ok(false) };
        let head = head(raw)?;
        let packed = packing_of(&head);
        let raw = std::mem::replace(raw, Box::new(io::empty()));
        let whole: Box<dyn Read + Send> = Box::new(io::Cursor::new(head).chain(raw));
        *self = Self::Begun(match packed {
            Some(packing) => decompressed(packing, whole)?,
            None => whole,
        });
        Ok(packed.is_some())
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.begin()?;
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
    Parquet,
    ArrowFile,
    ArrowStream,
}

impl Packing {
    /// Whether there are rows inside, and no text.
    fn is_rows(self) -> bool {
        matches!(self, Self::Parquet | Self::ArrowFile | Self::ArrowStream)
    }
}

/// The first bytes of everything that is compressed so.
const PACKED: [(Packing, &[u8]); 5] = [
    (Packing::Gzip, &[0x1f, 0x8b]),
    (Packing::Zstandard, &[0x28, 0xb5, 0x2f, 0xfd]),
    (Packing::Parquet, b"PAR1"),
    (Packing::ArrowFile, b"ARROW1"),
    (Packing::ArrowStream, &[0xff; 4]),
];

fn packing_of(head: &[u8]) -> Option<Packing> {
    PACKED.into_iter().find(|(_, magic)| head == *magic).map(|(packing, _)| packing)
}

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
        Packing::Parquet | Packing::ArrowFile | Packing::ArrowStream => rows_of_pipe(packing, bytes)?,
    })
}

#[cfg(feature = "arrow-files")]
fn rows_of_file(packing: Packing, file: File) -> io::Result<Box<dyn Read + Send>> {
    use super::arrow_files::ArrowLines;
    Ok(match packing {
        Packing::Parquet => Box::new(ArrowLines::parquet(file)?),
        Packing::ArrowFile => Box::new(ArrowLines::ipc_file(file)?),
        _ => Box::new(ArrowLines::ipc_stream(Box::new(file))?),
    })
}

#[cfg(all(feature = "arrow-files", feature = "cli"))]
fn rows_of_pipe(packing: Packing, bytes: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    if matches!(packing, Packing::ArrowStream) {
        return Ok(Box::new(super::arrow_files::ArrowLines::ipc_stream(bytes)?));
    }
    let what = format!("it is a file of {packing:?}, which is read from its end: name the file itself");
    Err(io::Error::new(io::ErrorKind::Unsupported, what))
}

#[cfg(not(feature = "arrow-files"))]
fn rows_of_file(packing: Packing, _: File) -> io::Result<Box<dyn Read + Send>> {
    Err(without_rows(packing))
}

#[cfg(all(not(feature = "arrow-files"), feature = "cli"))]
fn rows_of_pipe(packing: Packing, _: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    Err(without_rows(packing))
}

#[cfg(not(feature = "arrow-files"))]
fn without_rows(packing: Packing) -> io::Error {
    let form = if matches!(packing, Packing::Parquet) { "Parquet" } else { "Arrow" };
    let what = format!("it is {form}, which this build does not read: cargo install --path . --features arrow-files makes one that does");
    io::Error::new(io::ErrorKind::Unsupported, what)
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
