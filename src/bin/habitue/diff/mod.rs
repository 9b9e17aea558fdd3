//! `habitue diff`: what another catalog would change, before it is put in place.

mod arguments;
mod run;

pub(crate) use arguments::Arguments;
pub(crate) use run::run;
