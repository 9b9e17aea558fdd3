//! Who was erased, as far as that has to be known: so that a message of theirs that comes late is refused.
//!
//! Of each identifier there is a keyed hash, and from when until when it was theirs. It is hashed as the
//! catalog's rules read it on the day of the erasure, and these rules are named beside: a message is read by
//! them, and by whatever other rules there are tombstones of. So a catalog that reads identifiers in another
//! way neither brings anybody back nor refuses somebody else.
//!
//! Cost: nothing while nobody was erased; then, for each message, one hash of each identifier it names.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ahash::AHashMap;
use parking_lot::RwLock;
use smallvec::SmallVec;

use crate::base::keyed_hash::{HashKey, KeyedHash};
use crate::base::time::Time;
use crate::db::erasing::sieve::Sieve;
use crate::facts::identity::named::{Named, Role, named};
use crate::model::erasure_receipt::ErasureReceipt;
use crate::model::identifier::{IdentifierKind, OwnedIdentifier};
use crate::model::message::Message;
use crate::persist::record::erasure_book::{ErasureBook, Tombstone};
use crate::rules::identifiers::{Form, IdentifierRules};

/// How many numbers of forms there are for each kind of identifier.
const FORMS: u8 = 8;

/// All tombstones of a database, and its receipts.
#[derive(Debug)]
pub(crate) struct Tombstones {
    /// Whether there are any: who only wants to know that waits for nobody.
    is_any: AtomicBool,
    kept: RwLock<Kept>,
}

#[derive(Debug)]
struct Kept {
    book: Option<ErasureBook>,
    /// Of each identifier, when it was somebody's who was erased.
    periods: AHashMap<KeyedHash, SmallVec<[(Time, Time); 1]>>,
    /// The kinds and forms that there are tombstones of.
    forms: Vec<(IdentifierKind, Form)>,
    sieve: Arc<Sieve>,
}

/// An identifier of a message that was an erased customer's at the message's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Covered {
    pub(crate) role: Role,
    /// The field of the message.
    pub(crate) field: String,
}

impl Tombstones {
    /// Those of a book, if there is one.
    pub(crate) fn of(book: Option<ErasureBook>) -> Tombstones {
        let kept = Kept::of(book);
        Tombstones { is_any: AtomicBool::new(!kept.periods.is_empty()), kept: RwLock::new(kept) }
    }

    /// Puts another book in force.
    pub(crate) fn replace(&self, book: ErasureBook) {
        let kept = Kept::of(Some(book));
        let is_any = !kept.periods.is_empty();
        *self.kept.write() = kept;
        self.is_any.store(is_any, Ordering::Release);
    }

    /// The book, if anything was erased.
    pub(crate) fn book(&self) -> Option<ErasureBook> {
        self.kept.read().book.clone()
    }

    /// The receipts of all erasures.
    pub(crate) fn receipts(&self) -> Vec<ErasureReceipt> {
        self.kept.read().book.as_ref().map(|book| book.receipts.clone()).unwrap_or_default()
    }

    /// Whether an erasure is not finished.
    pub(crate) fn is_pending(&self) -> bool {
        self.kept.read().book.as_ref().is_some_and(|book| book.pending.is_some())
    }

    /// What is still to be taken out of the files.
    pub(crate) fn sieve(&self) -> Arc<Sieve> {
        Arc::clone(&self.kept.read().sieve)
    }

    /// The identifiers of a message that were an erased customer's at its time.
    pub(crate) fn covering(&self, message: &Message, time: Time, rules: &IdentifierRules) -> Vec<Covered> {
        if !self.is_any.load(Ordering::Acquire) {
            return Vec::new();
        }
        let kept = self.kept.read();
        let named = named(message, rules).into_iter().filter(|named| kept.covers(named, time));
        named.map(|named| Covered { role: named.role, field: named.field() }).collect()
    }
}

impl Kept {
    fn of(book: Option<ErasureBook>) -> Kept {
        let mut kept = Kept {
            sieve: Arc::new(book.as_ref().map_or_else(Sieve::open, Sieve::of)),
            periods: AHashMap::new(),
            forms: Vec::new(),
            book: None,
        };
        for Tombstone { form, hash, from, until, .. } in book.iter().flat_map(|book| &book.tombstones) {
            kept.periods.entry(*hash).or_default().push((*from, *until));
            if let Some(form) = form_of_number(*form).filter(|form| !kept.forms.contains(form)) {
                kept.forms.push(form);
            }
        }
        Kept { book, ..kept }
    }

    fn covers(&self, named: &Named<'_>, time: Time) -> bool {
        let Some(book) = &self.book else { return false };
        let forms = self.forms.iter().filter(|(kind, _)| *kind == named.kind);
        forms.into_iter().any(|(_, form)| {
            let hash = hash_of(&book.key, &named.read_as(*form), *form);
            let periods = self.periods.get(&hash);
            periods
                .is_some_and(|periods| periods.iter().any(|(from, until)| (*from..=*until).contains(&time)))
        })
    }
}

/// The tombstone of an identifier that was somebody's for a while.
pub(crate) fn tombstone(
    key: &HashKey,
    identifier: &OwnedIdentifier,
    (from, until): (Time, Time),
    rules: &IdentifierRules,
    erasure: u32,
) -> Tombstone {
    let form = form_of(identifier, rules);
    let number = identifier.kind as u8 * FORMS + form.code();
    Tombstone { form: number, hash: hash_of(key, identifier, form), from, until, erasure }
}

fn form_of(identifier: &OwnedIdentifier, rules: &IdentifierRules) -> Form {
    match identifier.kind {
        IdentifierKind::User => rules.user.form,
        IdentifierKind::Anonymous => rules.anonymous.form,
        IdentifierKind::Declared => {
            let rule = rules.declared(identifier.borrowed().kind_name());
            rule.map_or(rules.user.form, |rule| rule.form)
        }
    }
}

fn form_of_number(number: u8) -> Option<(IdentifierKind, Form)> {
    let kind = IdentifierKind::ALL.into_iter().find(|kind| *kind as u8 == number / FORMS)?;
    Some((kind, Form::of_code(number % FORMS)?))
}

fn hash_of(key: &HashKey, identifier: &OwnedIdentifier, form: Form) -> KeyedHash {
    key.hash(&[b"identifier", &[form.code()], &identifier.borrowed().key()])
}
