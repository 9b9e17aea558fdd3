//! Our file calls, as few as there can be, behind a trait: on the machine's disk, or in memory with
//! faults and power cuts by seed.

pub(crate) mod file_calls;
pub(crate) mod failure;
pub(crate) mod folder_lock;
pub(crate) mod stable_folder;
pub(crate) mod sealed_text;
pub(crate) mod unfinished;
pub(crate) mod replaced;
pub(crate) mod real_disk;
#[cfg(test)]
pub(crate) mod simulated_disk;
#[cfg(test)]
pub(crate) mod simulated_file;
