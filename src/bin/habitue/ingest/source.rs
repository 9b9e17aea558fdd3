//! Where lines come from: files and standard input, packed or not, with a count of the bytes read.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::zstd::{Unpacked, ZSTD};
use crate::failure::Failure;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const BUFFER_BYTES: usize = 256 * 1024;

/// A reader that counts what it reads.
struct Counted<'a, R> {
    reader: R,
    bytes: &'a AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// The length of all files together; none if standard input is among them.
///
/// # Errors
/// If one is not there or is no file, before anything is read.
pub(crate) fn total_bytes(files: &[PathBuf]) -> Result<Option<u64>, Failure> {
    let mut total = Some(0);
    for path in files {
        if is_standard_input(path) {
            total = None;
            continue;
        }
        let about = fs::metadata(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::NotFound(format!("there is no file `{}`", path.display())),
            _ => Failure::Stopped(format!("cannot read `{}`: {error}", path.display())),
        })?;
        if about.is_dir() {
            return Err(Failure::Usage(format!("`{}` is a folder; name files", path.display())));
        }
        total = total.map(|total| total + about.len());
    }
    Ok(total)
}

/// Opens a file, or standard input, and unpacks it if it is packed.
pub(crate) fn open<'a>(path: &Path, bytes: &'a AtomicU64) -> io::Result<Box<dyn BufRead + 'a>> {
    let reader: Box<dyn Read> =
        if is_standard_input(path) { Box::new(io::stdin().lock()) } else { Box::new(File::open(path)?) };
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, Counted { reader, bytes });
    let head = reader.fill_buf()?;
    if head.starts_with(&GZIP) {
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(reader))));
    }
    if head.starts_with(&ZSTD) {
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, Unpacked::new(reader))));
    }
    Ok(Box::new(reader))
}

/// The length of a file as it lies there; 0 of standard input.
pub(crate) fn length(path: &Path) -> u64 {
    if is_standard_input(path) { 0 } else { fs::metadata(path).map_or(0, |about| about.len()) }
}

/// Whether a path leads to a file that is not packed.
pub(crate) fn is_plain_file(path: &Path) -> io::Result<bool> {
    if is_standard_input(path) {
        return Ok(false);
    }
    let mut head = Vec::with_capacity(ZSTD.len());
    File::open(path)?.take(ZSTD.len() as u64).read_to_end(&mut head)?;
    Ok(!head.starts_with(&GZIP) && !head.starts_with(&ZSTD))
}

pub(crate) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}
