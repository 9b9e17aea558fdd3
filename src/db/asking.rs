//! The way of a question that is asked often: what is at hand, or else the profile under its shard's lock.
//!
//! Nothing of the caller's runs while anything is locked.

use std::sync::Arc;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::database::{Database, Reading, Writing};
use crate::db::question::{Answer, Answers, AskedId, Question, Reply};
use crate::db::questions::{decide, is_member, view};
use crate::derived::view::Known as _;
use crate::engine::cell::Cell;
use crate::engine::decision::Decision;
use crate::engine::program::Program;
use crate::engine::standing::Standing;
use crate::facts::stamp::{MessageOrder, NoMessages};
use crate::model::ids::PersonalizationId;
use crate::rules::evaluate::evaluate;
use crate::store::answer_cache::{LookUp, Table};
use crate::store::answer_row::KeptAnswers;

/// How many customers are looked up ahead of being asked, so that waiting for memory overlaps.
const AHEAD: usize = 16;

impl Database {
    /// Asks a customer a question, and reads the answers where they are.
    ///
    /// All answers are as of one instant. Attributes of numbers, times, truths and listed texts, memberships,
    /// and decisions that were made before are found without a lock. Somebody unknown is answered like
    /// somebody who has done nothing yet.
    ///
    /// # Errors
    /// If the catalog has no such attribute, segment or personalization, or the profile cannot be read from
    /// disk.
    pub fn ask<T>(
        &self,
        id: &str,
        question: &Question,
        read: impl FnOnce(Reply<'_>) -> T,
    ) -> Result<T, Error> {
        self.ask_now(id, question, self.now(), read)
    }

    /// The same at a time that [`Database::now`] gave, so that many calls need read the clock once only. What
    /// has happened since may be in the answers. A later time than the database's is taken for the
    /// database's.
    ///
    /// # Errors
    /// As [`Database::ask`].
    pub fn ask_at<T>(
        &self,
        now: Time,
        id: &str,
        question: &Question,
        read: impl FnOnce(Reply<'_>) -> T,
    ) -> Result<T, Error> {
        self.ask_now(id, question, self.time.not_later(now), read)
    }

    /// Asks many customers a question, one after the other as of one instant or later; `read` is given the
    /// place of each among `ids`. They are looked up some ahead, so this is faster than asking each alone.
    ///
    /// # Errors
    /// As [`Database::ask`]; those before were asked.
    pub fn ask_each<I: AsRef<str>>(
        &self,
        ids: &[I],
        question: &Question,
        mut read: impl FnMut(usize, Reply<'_>),
    ) -> Result<(), Error> {
        let now = self.now();
        for (chunk, ids) in ids.chunks(AHEAD).enumerate() {
            let table = self.shards.answers.table();
            let mut look_ups = [None; AHEAD];
            for (look_up, id) in look_ups.iter_mut().zip(ids) {
                *look_up = self.look_up(id.as_ref());
            }
            let all = look_ups.iter().flatten().map(|look_up| table.touch(look_up));
            // None of these waits for another.
            std::hint::black_box(all.fold(0, |all, word| all ^ word));
            let mut answers = Answers::new();
            for (place, (id, look_up)) in ids.iter().zip(&look_ups).enumerate() {
                let asked = Asked { id: id.as_ref(), look_up: look_up.as_ref(), question, now };
                let at = self.answer(&table, asked, &mut answers)?;
                read(chunk * AHEAD + place, Reply { answers: &answers, at });
            }
        }
        Ok(())
    }

    fn ask_now<T>(
        &self,
        id: &str,
        question: &Question,
        now: Time,
        read: impl FnOnce(Reply<'_>) -> T,
    ) -> Result<T, Error> {
        let look_up = self.look_up(id);
        let table = self.shards.answers.table();
        let mut answers = Answers::new();
        let asked = Asked { id, look_up: look_up.as_ref(), question, now };
        let at = self.answer(&table, asked, &mut answers)?;
        Ok(read(Reply { answers: &answers, at }))
    }

    /// Puts the answers in the place of those that are there; says as of when they are.
    fn answer<'t>(
        &self,
        table: &'t Table,
        asked: Asked<'_>,
        answers: &mut Answers<'t>,
    ) -> Result<Time, Error> {
        if at_hand(table, asked, answers)? { Ok(asked.now) } else { self.answer_under_lock(asked, answers) }
    }

    /// Begins to look an id up among what is at hand.
    pub(crate) fn look_up(&self, id: &str) -> Option<LookUp> {
        // Under a budget one has to know who is asked for, to keep them in memory.
        let has_budget = self.upkeep.as_ref().is_some_and(|upkeep| upkeep.budget.is_some());
        if has_budget { None } else { self.shards.answers.look_up(id) }
    }

    /// The same under the lock of the profile's shard.
    fn answer_under_lock(
        &self,
        Asked { id, look_up, question, now }: Asked<'_>,
        answers: &mut Answers<'_>,
    ) -> Result<Time, Error> {
        let kept = &self.shards.answers;
        if let Some(Reading { shard, place }) = self.read(id, now)? {
            let profile = shard.profile(place);
            let stamp = profile.standing().stamp();
            let has_all = question.under(&shard.program, |asked| {
                let decided = |id| profile.decisions.cached(id, stamp, now).map(Arc::clone);
                let asking = Asking { program: &shard.program, order: &profile.history, now };
                Ok(asking.answer(profile.standing(), asked, decided, answers))
            })?;
            if has_all {
                let at = now.max(profile.standing().as_of());
                look_up.iter().for_each(|look_up| kept.refresh(look_up, profile, &shard.program));
                drop(shard);
                kept.grow_if_crowded();
                return Ok(at);
            }
        }
        let Some(writing) = self.write(id, now)? else {
            let program = self.shards.program();
            question.under(&program, |asked| {
                let decided = |id| Some(self.unknown_decision(&program, id, now).decision);
                let asking = Asking { program: &program, order: &NoMessages, now };
                asking.answer(Standing::Cell(&Cell::new()), asked, decided, answers);
                Ok(())
            })?;
            return Ok(now);
        };
        self.answer_writing(writing, look_up, question, now, answers)
    }

    /// The same of a profile whose shard is locked for writing.
    pub(crate) fn answer_writing(
        &self,
        Writing { mut shard, place }: Writing<'_>,
        look_up: Option<&LookUp>,
        question: &Question,
        now: Time,
        answers: &mut Answers<'_>,
    ) -> Result<Time, Error> {
        let kept = &self.shards.answers;
        let program = Arc::clone(&shard.program);
        question.under(&program, |asked| {
            let made = asked.iter().filter_map(|asked| match asked {
                AskedId::Decision(id) => Some(decide(&mut shard, place, *id, now).decision),
                _ => None,
            });
            let mut made = made.collect::<Vec<_>>().into_iter();
            let profile = shard.profile(place);
            let asking = Asking { program: &program, order: &profile.history, now };
            asking.answer(profile.standing(), asked, |_| made.next(), answers);
            Ok(())
        })?;
        let at = now.max(shard.profile(place).standing().as_of());
        look_up.iter().for_each(|look_up| kept.refresh(look_up, shard.profile(place), &program));
        drop(shard);
        kept.grow_if_crowded();
        Ok(at)
    }
}

/// Who is asked what, and when.
#[derive(Clone, Copy)]
struct Asked<'a> {
    id: &'a str,
    look_up: Option<&'a LookUp>,
    question: &'a Question,
    now: Time,
}

/// Puts the answers that are at hand in the place of those that are there; says whether they are all.
fn at_hand<'t>(
    table: &'t Table,
    Asked { look_up, question, now, .. }: Asked<'_>,
    answers: &mut Answers<'t>,
) -> Result<bool, Error> {
    let Some(look_up) = look_up else { return Ok(false) };
    question.under(&table.program, |asked| {
        let answer = |kept: &KeptAnswers<'t, '_>, asked| match asked {
            AskedId::Attribute(id) => kept.attribute(id).map(Answer::Attribute),
            AskedId::Computed(_) => None,
            AskedId::Membership(id) => Some(Answer::Membership(kept.is_member(id))),
            AskedId::Decision(id) => kept.choice(id).map(Answer::AtHand),
        };
        let all = table.read(look_up, now, |kept| {
            answers.clear();
            for asked in asked {
                answers.push(answer(&kept, *asked)?);
            }
            Some(())
        });
        Ok(all.is_some())
    })
}

/// What answering needs beside how the customer stands.
struct Asking<'a> {
    program: &'a Program,
    order: &'a dyn MessageOrder,
    now: Time,
}

impl Asking<'_> {
    /// Puts the answers in the place of those that are there; says whether `decided` had all decisions.
    fn answer(
        &self,
        standing: Standing<'_>,
        asked: &[AskedId],
        mut decided: impl FnMut(PersonalizationId) -> Option<Arc<Decision>>,
        answers: &mut Answers<'_>,
    ) -> bool {
        answers.clear();
        for asked in asked {
            let answer = match *asked {
                AskedId::Attribute(id) => Answer::Attribute(standing.attribute(id)),
                AskedId::Computed(number) => {
                    let value = &self.program.definitions.computed[number as usize].value;
                    let now = self.now.max(standing.as_of());
                    let view = view(self.program, standing, self.order, now);
                    Answer::Attribute(evaluate(value, &view).value)
                }
                AskedId::Membership(id) => Answer::Membership(is_member(self.program, standing, id)),
                AskedId::Decision(id) => match decided(id) {
                    Some(decision) => Answer::Made(decision),
                    None => return false,
                },
            };
            answers.push(answer);
        }
        true
    }
}
