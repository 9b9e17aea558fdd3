//! A Redis server of our own, asked over a unix socket, without snapshots and without a log.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::Outcome;
use crate::customers::{id, values};

/// Customers sent before their answers are read.
const PIPELINE: u64 = 1_000;

/// A server, which ends with this.
pub(crate) struct Server {
    process: Child,
    socket: PathBuf,
}

/// A connection to it.
pub(crate) struct Connection(BufReader<UnixStream>);

/// Whether the system has the server.
pub(crate) fn is_installed() -> bool {
    Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_ok()
}

impl Server {
    /// A server whose snapshot is in `folder`, if there is one.
    pub(crate) fn start(folder: &Path) -> Outcome<Server> {
        static STARTED: AtomicU64 = AtomicU64::new(0);
        let folder = folder.canonicalize()?;
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let socket =
            std::env::temp_dir().join(format!("habitue-rivals-{}-{number}.sock", std::process::id()));
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--daemonize", "no", "--loglevel", "warning"]);
        command.arg("--dir").arg(&folder).arg("--unixsocket").arg(&socket);
        let server = Server { process: command.stdout(Stdio::null()).spawn()?, socket };
        while UnixStream::connect(&server.socket).is_err() {
            thread::sleep(Duration::from_millis(1));
        }
        Ok(server)
    }

    pub(crate) fn connect(&self) -> Outcome<Connection> {
        Ok(Connection(BufReader::new(UnixStream::connect(&self.socket)?)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Connection {
    /// Gives so many customers a hash each.
    pub(crate) fn fill(&mut self, profiles: u64) -> Outcome<()> {
        for first in (0..profiles).step_by(PIPELINE as usize) {
            let numbers = first..profiles.min(first + PIPELINE);
            for number in numbers.clone() {
                let mut words = vec!["HSET".to_owned(), id(number)];
                for (attribute, value) in values(number).into_iter().enumerate() {
                    words.extend([format!("a{attribute}"), value.to_string()]);
                }
                self.send(&words)?;
            }
            for _ in numbers {
                self.answer()?;
            }
        }
        Ok(())
    }

    pub(crate) fn ask(&mut self, words: &[&str]) -> Outcome<String> {
        self.send(words)?;
        self.answer()
    }

    fn send(&mut self, words: &[impl AsRef<str>]) -> Outcome<()> {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            let word = word.as_ref();
            write!(bytes, "${}\r\n{word}\r\n", word.len())?;
        }
        Ok(self.0.get_mut().write_all(&bytes)?)
    }

    fn answer(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let line = line.trim_end();
        match line.split_at_checked(1) {
            Some(("-", error)) => Err(error.into()),
            Some(("$", length)) => {
                let mut text = vec![0; length.parse::<usize>()? + 2];
                self.0.read_exact(&mut text)?;
                text.truncate(text.len() - 2);
                Ok(String::from_utf8(text)?)
            }
            Some((_, rest)) => Ok(rest.to_owned()),
            None => Err("the server closed the connection".into()),
        }
    }
}
