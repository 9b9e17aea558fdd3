//! The journal on a disk that fails, loses power and is damaged.

mod fixture;
mod cases;
mod damaged_files;
mod faults;
mod power_cuts;
