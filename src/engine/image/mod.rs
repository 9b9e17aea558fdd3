//! A cell as bytes that are read in place.
//!
//! A profile that comes from disk is not decoded: attributes, memberships and decisions are read from
//! the bytes of its image. Only an aggregate that is evaluated has its own source decoded, for that one
//! read. When the profile first changes, the image becomes a cell ([`Image::to_cell`]).
//!
//! Images are numbered by the tables of one program; [`Program::fingerprint`] tells whether a program
//! is that one. The image of another program cannot be read; such a profile is rebuilt from its history.
//!
//! [`Program::fingerprint`]: crate::engine::program::Program

mod accumulator;
mod cell;
mod reading;
mod value;

pub(crate) use reading::{Image, ImageError};
