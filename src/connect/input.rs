//! Named inputs: standard input (`-`), files, and gzip files (`.gz`, of one or several members).

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
    /// Opens standard input (`-`) or a file; one whose name ends in `.gz` is decompressed on the way.
    pub fn open(path: &str) -> Result<Self, ConnectError> {
        if path == "-" {
            return Ok(Self::new("standard input", io::stdin()));
        }
        let name: Arc<str> = path.into();
        let open_failed = |source: io::Error| ConnectError::Open { input: name.clone(), source: Arc::new(source) };
        let file = File::open(path).map_err(open_failed)?;
        if file.metadata().map_err(open_failed)?.is_dir() {
            return Err(open_failed(io::ErrorKind::IsADirectory.into()));
        }
        if path.ends_with(".gz") {
            return decompressed(name, file);
        }
        Ok(Self { name, bytes: Box::new(file) })
    }

    /// An input of this name from any reader.
    pub fn new(name: &str, bytes: impl Read + Send + 'static) -> Self {
        Self { name: name.into(), bytes: Box::new(bytes) }
    }

    /// The input's name, as messages and dead letters have it.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }
}

#[cfg(feature = "cli")]
fn decompressed(name: Arc<str>, file: File) -> Result<Input, ConnectError> {
    Ok(Input { name, bytes: Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::new(file))) })
}

#[cfg(not(feature = "cli"))]
fn decompressed(name: Arc<str>, _: File) -> Result<Input, ConnectError> {
    Err(ConnectError::NoDecompressor { input: name })
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

    #[test]
    fn what_cannot_be_opened_is_named() {
        let error = Input::open("/no/such/file.jsonl").unwrap_err();
        assert!(error.to_string().starts_with("cannot open /no/such/file.jsonl: "), "{error}");
        assert!(Input::open("/").is_err(), "a folder is no input");
    }
}
