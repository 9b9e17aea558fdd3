//! Bytes on their way into a file, as they are or packed.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

const BUFFER_BYTES: usize = 256 * 1024;
/// How much becomes one frame of zstd: the encoder takes a whole one at a time.
const FRAME_BYTES: usize = 4 * 1024 * 1024;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Gzip,
    Zstd,
}

/// A writer into a file.
pub(super) enum Packed {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
    Zstd { file: File, frame: Vec<u8> },
}

impl Packed {
    pub(super) fn new(file: File, packing: Packing) -> Packed {
        let buffered = |file| BufWriter::with_capacity(BUFFER_BYTES, file);
        match packing {
            Packing::None => Packed::Plain(buffered(file)),
            Packing::Gzip => Packed::Gzip(GzEncoder::new(buffered(file), Compression::default())),
            Packing::Zstd => Packed::Zstd { file, frame: Vec::with_capacity(FRAME_BYTES) },
        }
    }

    /// Writes all that is buffered, and the end; gives the file.
    pub(super) fn finish(mut self) -> io::Result<File> {
        // An empty file is no zstd.
        if let Packed::Zstd { file, frame } = &mut self {
            write_frame(file, frame)?;
        }
        match self {
            Packed::Plain(writer) => writer.into_inner().map_err(io::IntoInnerError::into_error),
            Packed::Gzip(writer) => writer.finish()?.into_inner().map_err(io::IntoInnerError::into_error),
            Packed::Zstd { file, .. } => Ok(file),
        }
    }
}

impl Write for Packed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Packed::Plain(writer) => writer.write(bytes),
            Packed::Gzip(writer) => writer.write(bytes),
            Packed::Zstd { file, frame } => {
                let taken = bytes.len().min(FRAME_BYTES - frame.len());
                frame.extend_from_slice(&bytes[..taken]);
                if frame.len() == FRAME_BYTES {
                    write_frame(file, frame)?;
                }
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Packed::Plain(writer) => writer.flush(),
            Packed::Gzip(writer) => writer.flush(),
            Packed::Zstd { file, .. } => file.flush(),
        }
    }
}

fn write_frame(file: &mut File, frame: &mut Vec<u8>) -> io::Result<()> {
    file.write_all(&compress_to_vec(frame.as_slice(), CompressionLevel::Fastest))?;
    frame.clear();
    Ok(())
}
