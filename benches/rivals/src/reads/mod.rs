//! What does it cost to read an attribute of a customer by string id, also while somebody writes?
//!
//! Customers of 40 attributes, chosen uniformly. The writer changes another attribute of customers chosen at
//! random, as fast as it can, in the same store. All is in memory by then, stores on disk in their caches.
//! Where a store reads in transactions, there is a side with one for each read, which sees what was
//! just written, as Habitue and the maps do, and one that keeps its transaction for 100 reads.

mod store;
mod comparing;
mod dash_map;
mod floor;
mod habitue_memory;
mod lmdb_file;
mod moka_cache;
mod redb_file;
mod redis_hash;
mod sharded_maps;
mod sled_tree;
mod sqlite_file;
mod sqlite_memory;

pub(crate) use self::comparing::compare;
pub(crate) use self::sharded_maps::ShardedMaps;
