//! Redis: a hash for each customer, and its snapshot, which a starting server reads whole.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::Outcome;
use crate::workload::{id, is_high, values};

/// Customers sent before their answers are read.
const PIPELINE: u64 = 1_000;

/// A server and a connection to it.
struct Server {
    process: Child,
    stream: BufReader<UnixStream>,
}

/// Whether the system has the server.
pub(crate) fn is_installed() -> bool {
    Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_ok()
}

pub(crate) fn load(folder: &Path, profiles: u64) -> Outcome<()> {
    let mut server = Server::start(folder)?;
    for first in (0..profiles).step_by(PIPELINE as usize) {
        let numbers = first..profiles.min(first + PIPELINE);
        for number in numbers.clone() {
            let mut words = vec!["HSET".to_owned(), id(number)];
            for (attribute, value) in values(number).into_iter().enumerate() {
                words.extend([format!("a{attribute}"), value.to_string()]);
            }
            server.send(&words)?;
        }
        for _ in numbers {
            server.answer()?;
        }
    }
    server.ask(&["SAVE"])?;
    server.stop()
}

pub(crate) fn decide(folder: &Path, id: &str) -> Outcome<bool> {
    let mut server = Server::start(folder)?;
    let first: f64 = loop {
        match server.ask(&["HGET", id, "a0"]) {
            Ok(text) => break text.parse()?,
            Err(error) if error.to_string().contains("LOADING") => thread::sleep(Duration::from_millis(1)),
            Err(error) => return Err(error),
        }
    };
    server.process.kill()?;
    server.process.wait()?;
    Ok(is_high(first))
}

impl Server {
    fn start(folder: &Path) -> Outcome<Server> {
        let folder = folder.canonicalize()?;
        let socket: PathBuf =
            std::env::temp_dir().join(format!("habitue-rivals-{}.sock", std::process::id()));
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--daemonize", "no", "--loglevel", "warning"]);
        command.arg("--dir").arg(&folder).arg("--unixsocket").arg(&socket);
        let process = command.stdout(Stdio::null()).spawn()?;
        loop {
            if let Ok(stream) = UnixStream::connect(&socket) {
                return Ok(Server { process, stream: BufReader::new(stream) });
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn stop(mut self) -> Outcome<()> {
        self.send(&["SHUTDOWN", "NOSAVE"])?;
        self.process.wait()?;
        Ok(())
    }

    fn ask(&mut self, words: &[&str]) -> Outcome<String> {
        self.send(words)?;
        self.answer()
    }

    fn send(&mut self, words: &[impl AsRef<str>]) -> Outcome<()> {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            let word = word.as_ref();
            write!(bytes, "${}\r\n{word}\r\n", word.len())?;
        }
        Ok(self.stream.get_mut().write_all(&bytes)?)
    }

    fn answer(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let line = line.trim_end();
        match line.split_at_checked(1) {
            Some(("-", error)) => Err(error.into()),
            Some(("$", length)) => {
                let mut text = vec![0; length.parse::<usize>()? + 2];
                self.stream.read_exact(&mut text)?;
                text.truncate(text.len() - 2);
                Ok(String::from_utf8(text)?)
            }
            Some((_, rest)) => Ok(rest.to_owned()),
            None => Err("the server closed the connection".into()),
        }
    }
}
