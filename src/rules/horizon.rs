//! How far back an aggregate looks: what of a customer's events has to be there for it to be answered.

use crate::base::time::{Duration, Time};
use crate::model::value::Value;
use crate::rules::expression::{Aggregate, Bound, Expr, Function};

const DAY: Duration = Duration::from_millis(86_400_000);

/// How far back a log reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Horizon {
    /// There is no log.
    #[default]
    Nothing,
    /// Events later than `now - d` are kept.
    Within(Duration),
    /// All events are kept.
    Everything,
}

impl Aggregate {
    /// Whether only the last event is needed to answer it.
    pub(crate) fn is_of_last_event(&self) -> bool {
        self.function.reads_last_event() && self.window.iter().all(Bound::is_lower)
    }

    /// The open interval of times that it is over, if that does not move. `FollowedBy` has none.
    pub(crate) fn fixed_interval(&self) -> Option<(Time, Time)> {
        let mut interval = (Time::BEFORE_ALL, Time::NEVER);
        for bound in &self.window {
            match bound {
                Bound::After(Expr::Constant(Value::Time(time))) => interval.0 = interval.0.max(*time),
                Bound::Before(Expr::Constant(Value::Time(time))) => interval.1 = interval.1.min(*time),
                _ => return None,
            }
        }
        (!matches!(self.function, Function::FollowedBy { .. })).then_some(interval)
    }

    /// How far back it looks, if it is answered from a log.
    pub(crate) fn horizon(&self) -> Horizon {
        let shortest = self.window.iter().filter_map(|bound| match bound {
            Bound::Within(duration) => Some(*duration),
            // A day may be some hours longer than usual, or another one may be left out.
            Bound::CalendarDays(days, _) => {
                Some(Duration::from_millis((i64::from(*days) + 2) * DAY.millis()))
            }
            _ => None,
        });
        shortest.min().map_or(Horizon::Everything, Horizon::Within)
    }
}

impl Function {
    fn reads_last_event(&self) -> bool {
        matches!(self, Function::Exists | Function::LastTime | Function::NotFollowedBy { .. })
    }
}

impl Bound {
    /// Whether it only cuts off early events, at a distance or time that no fact changes.
    fn is_lower(&self) -> bool {
        match self {
            Bound::Within(_) | Bound::CalendarDays(..) => true,
            Bound::After(time) => matches!(time, Expr::Constant(_)),
            Bound::OlderThan(_) | Bound::Before(_) => false,
        }
    }
}
