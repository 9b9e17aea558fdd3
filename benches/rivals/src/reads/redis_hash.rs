//! Redis: a hash for each customer, asked over a unix socket, one question at a time. The processor's time
//! is that of the caller only.

use std::path::Path;

use super::store::{Reader, Store, Writer};
use crate::Outcome;
use crate::redis_server::Server;

pub(crate) struct RedisHash(Server);

impl RedisHash {
    pub(crate) fn new(profiles: u64, folder: &Path) -> Outcome<RedisHash> {
        let server = Server::start(folder)?;
        server.connect()?.fill(profiles)?;
        Ok(RedisHash(server))
    }
}

impl Store for RedisHash {
    fn reader(&self) -> Outcome<Reader<'_>> {
        let mut connection = self.0.connect()?;
        Ok(Box::new(move |id| Ok(connection.ask(&["HGET", id, "a7"])?.parse()?)))
    }

    fn writer(&self) -> Outcome<Writer<'_>> {
        let mut connection = self.0.connect()?;
        Ok(Box::new(move |id, value| {
            connection.ask(&["HSET", id, "a9", &value.to_string()])?;
            Ok(())
        }))
    }

    /// All is in the server's memory anyhow.
    fn passes(&self) -> usize {
        0
    }
}
