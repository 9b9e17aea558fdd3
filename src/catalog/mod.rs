//! From the text of a catalog to its declarations.
//!
//! `text -> tree (TOML or JSON, with places) -> declarations`. Everything wrong with the form of a
//! catalog is found here, in one run; what its conditions mean is the business of
//! [`rules`](crate::rules).

mod affinities;
mod attributes;
mod decode;
mod experiments;
mod definitions;
mod fields;
mod identifiers;
mod imports;
#[cfg(feature = "schema")]
mod json_schema;
#[cfg(feature = "schema")]
mod offers_schema;
#[cfg(feature = "schema")]
mod crowd_schema;
mod json_text;
mod load;
mod naming;
mod offers;
mod crowds;
mod purposes;
mod goals;
mod quantiles;
#[cfg(feature = "schema")]
mod quantiles_schema;
mod history;
mod quoted;
mod scores;
mod shape;
mod toml_text;
mod tree;
mod types;

pub(crate) use decode::decode;
#[cfg(feature = "schema")]
pub use json_schema::json_schema;
pub(crate) use load::CatalogText;
