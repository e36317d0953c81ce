//! Zstandard to plain bytes: any number of frames, one behind the other, as `zstd` and `cat` make them. Checksums are compared where a frame
//! has one.

use std::io::{self, BufRead, BufReader, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Decompresses what it reads.
pub(super) struct ZstdReader<R> {
    source: BufReader<R>,
    decoder: FrameDecoder,
    /// A frame has begun.
    is_open: bool,
}

impl<R: Read> ZstdReader<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source: BufReader::with_capacity(1 << 17, source), decoder: FrameDecoder::new(), is_open: false }
    }

    /// Begins the next frame, if there is one.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => {
                    self.is_open = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut (&mut self.source).take(u64::from(length)), &mut io::sink())?;
                }
                Err(error) => return Err(broken(error)),
            }
        }
        Ok(false)
    }

    fn end(&mut self) -> io::Result<()> {
        self.is_open = false;
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(said), Some(found)) if said != found => Err(broken("the checksum differs: the file is damaged")),
            _ => Ok(()),
        }
    }
}

impl<R: Read> Read for ZstdReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_open && !self.begin()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder.decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1)).map_err(broken)?;
            }
            match self.decoder.read(buffer)? {
                0 if !buffer.is_empty() => self.end()?,
                count => return Ok(count),
            }
        }
    }
}

fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    #[test]
    fn frames_are_read_one_behind_the_other() {
        let long = "{\"a\":1}\n".repeat(50_000);
        let mut packed = compress_to_vec(long.as_bytes(), CompressionLevel::Fastest);
        packed.extend([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
        packed.extend(compress_to_vec(&b"{\"a\":2}\n"[..], CompressionLevel::Uncompressed));
        let mut text = String::new();
        ZstdReader::new(&packed[..]).read_to_string(&mut text).unwrap();
        assert!(text == long + "{\"a\":2}\n", "{} bytes", text.len());
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_an_error() {
        let packed = compress_to_vec("{\"a\":1}\n".repeat(1000).as_bytes(), CompressionLevel::Fastest);
        let mut sink = Vec::new();
        assert!(ZstdReader::new(&packed[..packed.len() - 5]).read_to_end(&mut sink).is_err());
        assert!(ZstdReader::new(&[0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff][..]).read_to_end(&mut sink).is_err());
    }
}
