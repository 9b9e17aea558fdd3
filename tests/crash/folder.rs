//! A folder of a test's own.

use std::path::{Path, PathBuf};

/// A folder of the test's own, removed when the test passes.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A folder that does not exist yet.
    pub(crate) fn new(name: &str) -> Folder {
        // It is processes that end here, and files that are damaged, but no machine: memory will do.
        let memory = Path::new("/dev/shm");
        let above = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let path = above.join(format!("habitue-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
