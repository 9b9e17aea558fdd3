//! What is packed with zstd, unpacked: all frames, one after the other, each held against its checksum.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// What begins a frame.
pub(super) const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A reader of what another one has packed.
pub(crate) struct Unpacked<R> {
    packed: R,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: BufRead> Unpacked<R> {
    pub(crate) fn new(packed: R) -> Unpacked<R> {
        Unpacked { packed, decoder: FrameDecoder::new(), is_in_frame: false }
    }

    /// Begins the next frame with something in it; says whether there is one.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.packed.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.packed) {
                Ok(()) => {
                    self.is_in_frame = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped = io::copy(&mut (&mut self.packed).take(length), &mut io::sink())?;
                    if skipped != length {
                        return Err(wrong("it ends too early"));
                    }
                }
                Err(error) => return Err(wrong(&error)),
            }
        }
        Ok(false)
    }

    /// Ends a frame that was read whole.
    fn end(&mut self) -> io::Result<()> {
        self.is_in_frame = false;
        let (said, counted) = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
        if said.is_some() && said != counted {
            return Err(wrong("its checksum is another one"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_in_frame && !self.begin()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.packed, one).map_err(|error| wrong(&error))?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.end()?;
        }
    }
}

fn wrong(detail: impl std::fmt::Display) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("it is packed with zstd, and damaged or cut short: {detail}"),
    )
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn unpacked(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        Unpacked::new(packed).read_to_end(&mut all).map(|_| all)
    }

    #[test]
    fn frames_follow_each_other_and_what_is_cut_short_is_noticed() {
        let text = b"one line and another one\n".repeat(20_000);
        let frame = compress_to_vec(text.as_slice(), CompressionLevel::Fastest);
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
        let both = [frame.as_slice(), &skippable, &frame].concat();
        assert_eq!(unpacked(&both).unwrap(), [text.as_slice(), &text].concat());
        assert_eq!(unpacked(b"").unwrap(), b"");
        for length in (0..frame.len()).step_by(37).filter(|length| *length > 0) {
            assert!(unpacked(&frame[..length]).is_err(), "cut after {length}");
        }
        let mut damaged = frame.clone();
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        assert!(unpacked(&damaged).is_err(), "the checksum is looked at");
    }
}
