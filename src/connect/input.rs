//! Named inputs: standard input (`-`) and files, decompressed on the way where their bytes begin as gzip does (of one or several members).
//!
//! The bytes decide, not the name: a pipe has none. JSON cannot begin so. Nothing is read before the first `read`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use super::ConnectError;

/// An open input: its name, and its bytes.
pub struct Input {
    name: Arc<str>,
    bytes: Box<dyn Read + Send>,
}

impl Input {
    /// Opens standard input (`-`) or a file.
    pub fn open(path: &str) -> Result<Self, ConnectError> {
        if path == "-" {
            return Ok(Self { name: "standard input".into(), bytes: Box::new(Unpacked::Unread(Box::new(io::stdin()))) });
        }
        let name: Arc<str> = path.into();
        let open_failed = |source: io::Error| ConnectError::Open { input: name.clone(), source: Arc::new(source) };
        let file = File::open(path).map_err(open_failed)?;
        if file.metadata().map_err(open_failed)?.is_dir() {
            return Err(open_failed(io::ErrorKind::IsADirectory.into()));
        }
        Ok(Self { name, bytes: Box::new(Unpacked::Unread(Box::new(file))) })
    }

    /// An input of this name from any reader, whose bytes are taken as they are.
    pub fn new(name: &str, bytes: impl Read + Send + 'static) -> Self {
        Self { name: name.into(), bytes: Box::new(bytes) }
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
            let is_packed = head == GZIP;
            let raw = std::mem::replace(raw, Box::new(io::empty()));
            let whole: Box<dyn Read + Send> = Box::new(io::Cursor::new(head).chain(raw));
            *self = Self::Begun(if is_packed { decompressed(whole)? } else { whole });
        }
        match self {
            Self::Unread(bytes) | Self::Begun(bytes) => bytes.read(buffer),
        }
    }
}

/// The first two bytes of everything that gzip has written.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// As many of the first bytes as it takes to know whether they are gzip's.
fn head(raw: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(GZIP.len());
    while head.len() < GZIP.len() && GZIP.starts_with(&head) {
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
fn decompressed(bytes: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(flate2::read::MultiGzDecoder::new(bytes)))
}

#[cfg(not(feature = "cli"))]
fn decompressed(_: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "it is gzip, and this build has no decompressor (feature `cli`)"))
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
