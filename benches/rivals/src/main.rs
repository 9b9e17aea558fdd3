//! The same work on Habitue and on what else a shop could use, all sides in one run.
//!
//! ```sh
//! cd benches/rivals
//! cargo run --release -- all --profiles 1000000 --folder /tmp/rivals --plot rivals.svg
//! ```
//!
//! Habitue takes 2.8 KB of memory for each customer of `reads`, with what it keeps at hand; with all sides,
//! 200,000 customers need 3 GB.
//!
//! Questions: `opening`, `reads`, `decisions`, `messages`, `growth`, or `all` of them; several may be named.
//!
//! | option | what | if left out |
//! |---|---|---|
//! | `--profiles N` | customers of `opening`, `reads` and the large side of `growth` | 1,000,000 |
//! | `--customers N` | customers of `decisions`, `messages` and the small side of `growth` | 20,000 |
//! | `--segments A,B` | how many segments, for `decisions` and `messages` | 10,100,1000 |
//! | `--rounds N` | rounds, in each of which all sides take their turn | 5 |
//! | `--calls N` | calls of one side in one round, timed alone; as many again at one go | 20,000 |
//! | `--folder F` | where stores on disk are; those of `opening` stay for the next run | the system's |
//! | `--plot F` | writes an SVG | none |
//!
//! Every side is asked for customers chosen the same way, and before anything is measured all have to give the same
//! answers. Each side is a file, which says by its comments how it is set up. Redis is the server of the system
//! (`apt-get install redis-server`); without it, its sides are left out. What is named floor is the least that
//! memory lets anybody take, measured in the same run.

mod arguments;
mod customers;
mod decisions;
mod habitue_words;
mod machine;
mod messages;
mod opening;
mod plot;
#[path = "../../workload/processor_time.rs"]
mod processor_time;
mod reads;
mod redis_server;
mod table;
mod times;
#[path = "../../workload/mod.rs"]
mod workload;

use std::path::Path;

use arguments::{Arguments, Question};
use table::Table;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [child, name, folder, number] = &words[..]
        && child == opening::CHILD
    {
        return opening::open_once(name, Path::new(folder), number.parse()?);
    }
    let arguments = Arguments::read(&words)?;
    std::fs::create_dir_all(&arguments.folder)?;
    machine::print();
    println!("{arguments:?}");
    if !redis_server::is_installed() {
        println!("redis-server is not installed: Redis is left out");
    }
    let mut tables: Vec<Table> = Vec::new();
    for question in &arguments.questions {
        let answered = match question {
            Question::Opening => {
                opening::compare(arguments.profiles, arguments.rounds as u64, &arguments.folder)?;
                Vec::new()
            }
            Question::Reads => reads::compare(&arguments)?,
            Question::Decisions => decisions::compare(&arguments)?,
            Question::Messages => messages::compare(&arguments)?,
            Question::Growth => messages::grow(&arguments)?,
        };
        answered.iter().for_each(Table::print);
        println!("\nload after it: {}", machine::load());
        tables.extend(answered);
        // After each, so that a long run that is stopped has drawn what it knows.
        if let Some(path) = &arguments.plot {
            std::fs::write(path, plot::drawing(&tables))?;
        }
    }
    Ok(())
}
