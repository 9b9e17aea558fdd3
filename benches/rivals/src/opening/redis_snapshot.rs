//! Redis: a hash for each customer, and its snapshot, which a starting server reads whole.

use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::Outcome;
use crate::customers::is_high;
use crate::redis_server::Server;

pub(crate) fn load(folder: &Path, profiles: u64) -> Outcome<()> {
    let server = Server::start(folder)?;
    let mut connection = server.connect()?;
    connection.fill(profiles)?;
    connection.ask(&["SAVE"])?;
    Ok(())
}

pub(crate) fn decide(folder: &Path, id: &str) -> Outcome<bool> {
    let server = Server::start(folder)?;
    let mut connection = server.connect()?;
    let first: f64 = loop {
        match connection.ask(&["HGET", id, "a0"]) {
            Ok(text) => break text.parse()?,
            Err(error) if error.to_string().contains("LOADING") => thread::sleep(Duration::from_millis(1)),
            Err(error) => return Err(error),
        }
    };
    Ok(is_high(first))
}
