//! Redis with the winner's text stored under the customer's id; nobody keeps it current.

use std::path::Path;

use super::decider::Decider;
use super::offers::Offers;
use crate::Outcome;
use crate::customers::{id, values};
use crate::redis_server::{Connection, Server};

pub(crate) struct RedisText {
    connection: Connection,
    found: String,
    _server: Server,
}

impl RedisText {
    pub(crate) fn new(offers: &Offers, customers: u64, folder: &Path) -> Outcome<RedisText> {
        let server = Server::start(folder)?;
        let mut connection = server.connect()?;
        for number in 0..customers {
            connection.ask(&["SET", &id(number), &offers.texts[offers.winner(&values(number))]])?;
        }
        Ok(RedisText { connection, found: String::new(), _server: server })
    }
}

impl Decider for RedisText {
    fn decide(&mut self, id: &str) -> Outcome<&str> {
        self.found = self.connection.ask(&["GET", id])?;
        Ok(&self.found)
    }
}
