//! `habitue import`: rows of files become messages, and go the way of messages.
//!
//! One thread reads and makes messages, another applies them, in the order of the rows. A row has an id, its
//! own or one made of what it says, so reading a file again changes nothing. So that a load that was killed
//! goes on where it was, the folder has a mark of how far the file was read ([`mark`]); it is only believed
//! when the row at the mark is found in the database.

mod arguments;
mod columns;
mod list;
mod load;
mod mark;
mod message;
mod reading;
mod run;
mod summary;
mod values;

pub(crate) use arguments::Arguments;
pub(crate) use run::run;
