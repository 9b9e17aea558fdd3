//! What the numbers were measured on.

use std::fs;
use std::process::Command;

/// Prints it, with the load there is at the moment.
pub(crate) fn print() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = field("/proc/meminfo", "MemTotal");
    let memory: f64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
    println!(
        "machine: {}, {cores} cores, {:.0} GiB",
        field("/proc/cpuinfo", "model name"),
        memory / 1048576.0
    );
    println!("kernel:  Linux {}", whole("/proc/sys/kernel/osrelease"));
    println!("huge pages: {}", whole("/sys/kernel/mm/transparent_hugepage/enabled"));
    let version = Command::new("rustc").arg("--version").output();
    println!("rustc:   {}", version.map_or_else(|_| "unknown".into(), |answer| text(&answer.stdout)));
    println!("load:    {}", load());
}

/// The load of the last 1, 5 and 15 minutes, and who is running.
pub(crate) fn load() -> String {
    whole("/proc/loadavg")
}

/// The memory that this process has for itself, bytes; files that it maps are not in it.
pub(crate) fn own_memory() -> f64 {
    let kilobytes = field("/proc/self/status", "RssAnon");
    kilobytes.trim_end_matches(" kB").parse().unwrap_or(0.0) * 1024.0
}

fn whole(path: &str) -> String {
    fs::read(path).map_or_else(|_| "unknown".into(), |bytes| text(&bytes))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

fn field(path: &str, name: &str) -> String {
    let text = whole(path);
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, value)| value.trim()).to_owned()
}
