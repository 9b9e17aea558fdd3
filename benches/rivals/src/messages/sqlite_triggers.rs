//! SQLite in memory, kept current by triggers, incrementally: a message changes measures of its customer, a
//! change of a measure enters and leaves just the segments whose thresholds it crosses, found by an index, and
//! what is due later waits in a table of timers, whose deletion changes measures the same way. So expiry is as
//! exact as that of the index by hand. One prepared statement for each message, without journal and sync.

use habitue::Time;
use rusqlite::Connection;

use super::keeper::Keeper;
use super::threshold::{CART, Threshold, amount, is_allowed};
use crate::Outcome;
use crate::workload::{Event, Segment, attributes};

/// Measures, windows and events by the numbers they have in `threshold`.
const SCHEMA: &str = "
PRAGMA journal_mode = off; PRAGMA synchronous = off; PRAGMA temp_store = memory; PRAGMA cache_size = -1048576;
CREATE TABLE measure (customer INTEGER, measure INTEGER, value INTEGER, since INTEGER,
                      PRIMARY KEY (customer, measure)) STRICT, WITHOUT ROWID;
CREATE TABLE attribute (customer INTEGER, attribute INTEGER, value REAL,
                        PRIMARY KEY (customer, attribute)) STRICT, WITHOUT ROWID;
CREATE TABLE threshold (measure INTEGER, least INTEGER, segment INTEGER, attribute INTEGER, above REAL,
                        PRIMARY KEY (measure, least, segment)) STRICT, WITHOUT ROWID;
CREATE TABLE member (customer INTEGER, segment INTEGER,
                     PRIMARY KEY (customer, segment)) STRICT, WITHOUT ROWID;
CREATE TABLE timer (due INTEGER, number INTEGER, customer INTEGER, measure INTEGER, amount INTEGER,
                    PRIMARY KEY (due, number)) STRICT, WITHOUT ROWID;
CREATE VIEW message AS SELECT 0 AS customer, 0 AS event, 0 AS time, 0 AS amount WHERE 0;

CREATE TRIGGER rises AFTER UPDATE OF value ON measure WHEN NEW.value > OLD.value BEGIN
  INSERT INTO member SELECT NEW.customer, threshold.segment FROM threshold
    JOIN attribute ON attribute.customer = NEW.customer AND attribute.attribute = threshold.attribute
    WHERE threshold.measure = NEW.measure AND threshold.least > OLD.value AND threshold.least <= NEW.value
      AND attribute.value > threshold.above;
END;
CREATE TRIGGER falls AFTER UPDATE OF value ON measure WHEN NEW.value < OLD.value BEGIN
  DELETE FROM member WHERE customer = NEW.customer AND segment IN (
    SELECT segment FROM threshold WHERE measure = NEW.measure AND least > NEW.value AND least <= OLD.value);
END;
CREATE TRIGGER ends AFTER DELETE ON timer WHEN OLD.measure <> 8 BEGIN
  UPDATE measure SET value = value + OLD.amount WHERE customer = OLD.customer AND measure = OLD.measure;
END;
CREATE TRIGGER left_alone AFTER DELETE ON timer WHEN OLD.measure = 8 BEGIN
  UPDATE measure SET value = 1 WHERE customer = OLD.customer AND measure = 8 AND since = OLD.amount;
END;
CREATE TRIGGER arrives INSTEAD OF INSERT ON message BEGIN
  DELETE FROM timer WHERE due <= NEW.time;
  UPDATE measure SET value = value + 1 WHERE customer = NEW.customer AND measure = NEW.event;
  INSERT INTO timer VALUES (NEW.time + 86400000, 0, NEW.customer, NEW.event, -1);
END;
CREATE TRIGGER buys INSTEAD OF INSERT ON message WHEN NEW.event = 4 BEGIN
  UPDATE measure SET value = value + 1 WHERE customer = NEW.customer AND measure = 6;
  UPDATE measure SET value = value + NEW.amount WHERE customer = NEW.customer AND measure = 7;
  UPDATE measure SET value = 0, since = NULL WHERE customer = NEW.customer AND measure = 8;
  INSERT INTO timer VALUES (NEW.time + 2592000000, 1, NEW.customer, 6, -1);
  INSERT INTO timer VALUES (NEW.time + 7776000000, 2, NEW.customer, 7, -NEW.amount);
END;
CREATE TRIGGER adds INSTEAD OF INSERT ON message WHEN NEW.event = 3 BEGIN
  UPDATE measure SET value = 0, since = NEW.time WHERE customer = NEW.customer AND measure = 8;
  INSERT INTO timer VALUES (NEW.time + 172800000, 3, NEW.customer, 8, NEW.time);
END;
";

pub(crate) struct SqliteTriggers {
    connection: Connection,
    prepared: Vec<Event>,
}

impl SqliteTriggers {
    pub(crate) fn new(segments: &[Segment], customers: usize) -> Outcome<SqliteTriggers> {
        let mut connection = Connection::open_in_memory()?;
        connection.execute_batch(SCHEMA)?;
        let transaction = connection.transaction()?;
        {
            let mut threshold = transaction.prepare("INSERT INTO threshold VALUES (?, ?, ?, ?, ?)")?;
            for (number, segment) in segments.iter().enumerate() {
                if let Some(Threshold { measure, least }) = Threshold::of(segment) {
                    threshold.execute((measure, least, number, segment.attribute, segment.least))?;
                }
            }
            let mut attribute = transaction.prepare("INSERT INTO attribute VALUES (?, ?, ?)")?;
            let mut measure = transaction.prepare("INSERT INTO measure VALUES (?, ?, 0, NULL)")?;
            let mut member = transaction.prepare("INSERT INTO member VALUES (?, ?)")?;
            for (customer, values) in attributes(customers).iter().enumerate() {
                for (number, value) in values.iter().enumerate() {
                    attribute.execute((customer, number, value))?;
                }
                (0..=CART).try_for_each(|number| measure.execute((customer, number)).map(drop))?;
                for (number, segment) in segments.iter().enumerate() {
                    if Threshold::of(segment).is_none() && is_allowed(segment, values) {
                        member.execute((customer, number))?;
                    }
                }
            }
        }
        transaction.commit()?;
        connection.execute_batch("ANALYZE")?;
        Ok(SqliteTriggers { connection, prepared: Vec::new() })
    }
}

impl Keeper for SqliteTriggers {
    fn prepare(&mut self, events: &[Event]) -> Outcome<()> {
        self.prepared = events.to_vec();
        Ok(())
    }

    fn apply(&mut self, place: usize) -> Outcome<()> {
        let Event { customer, event, time, total } = self.prepared[place];
        let mut statement = self.connection.prepare_cached("INSERT INTO message VALUES (?, ?, ?, ?)")?;
        statement.execute((customer, event, time.millis(), amount(total)))?;
        Ok(())
    }

    fn settle(&mut self, now: Time) -> Outcome<()> {
        self.connection.prepare_cached("DELETE FROM timer WHERE due <= ?")?.execute([now.millis()])?;
        Ok(())
    }

    fn memberships(&mut self, customer: usize, _: Time) -> Outcome<usize> {
        let mut statement =
            self.connection.prepare_cached("SELECT count(*) FROM member WHERE customer = ?")?;
        Ok(statement.query_row([customer], |row| row.get(0))?)
    }
}
