//! The live store against a model, and against everything that can happen to its files.
//!
//! The promise: whatever was done to the files, each answer is the model's of the checkpoint that the
//! store says it holds, or it is `Distrust`; nothing panics, nothing takes longer than the limits.
//!
//! `HABITUE_LIVE_SEED` chooses the seed, `HABITUE_LIVE_DAMAGES` how many flips and cuts are tried.

#![expect(clippy::print_stderr, reason = "a failure must be found again from its seed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::base::frozen_hash::hash64;

use super::changes::{Counts, ProfileChange};
use super::distrust::Distrust;
use super::keys::{self, Key};
use super::live_store::{Live, LiveOptions};
use super::set_aside::{remove_all, set_aside};
use super::slot::Slot;
use super::tree::Tree;
use super::witness::Witness;

const OPEN_LIMIT: Duration = Duration::from_secs(20);
const CALL_LIMIT: Duration = Duration::from_secs(20);

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Random numbers from a seed.
struct Chance(u64);

impl Chance {
    fn new(test: &str) -> Chance {
        let seed = from_environment("HABITUE_LIVE_SEED", 1);
        eprintln!("{test}: HABITUE_LIVE_SEED={seed}");
        Chance(hash64(test.as_bytes()).wrapping_add(seed))
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        hash64(&self.0.to_le_bytes()) % end
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        let length = self.below(most + 1);
        (0..length).map(|_| self.below(256) as u8).collect()
    }
}

/// A folder for one test, removed at its end.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("habitue-live-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder can be made");
        Place(path)
    }

    fn options(&self) -> LiveOptions {
        LiveOptions {
            folder: self.0.join("live"),
            witness: self.0.join("live.witness"),
            cache_bytes: 16 << 20,
            open_limit: OPEN_LIMIT,
            call_limit: CALL_LIMIT,
        }
    }

    fn open(&self) -> Result<Live, Distrust> {
        Live::open(self.options())
    }

    fn create(&self) -> Live {
        Live::create(self.options()).expect("the folder is empty")
    }

    /// Puts the files of `other` in place of these.
    fn become_copy_of(&self, other: &Place) {
        self.become_folder_of(other);
        fs::copy(other.options().witness, self.options().witness).expect("a witness can be copied");
    }

    fn become_folder_of(&self, other: &Place) {
        let folder = self.options().folder;
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("a folder can be removed");
        }
        copy_folder(&other.options().folder, &folder);
    }

    fn copy(&self) -> Place {
        let copy = Place::new();
        copy.become_copy_of(self);
        copy
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a file can be copied");
        }
    }
}

/// What the store must say.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    sequence: u64,
    meta: Vec<u8>,
    profiles: BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>,
    histories: BTreeMap<Vec<u8>, BTreeMap<u32, Vec<u8>>>,
}

impl Model {
    fn apply(&mut self, sequence: u64, meta: &[u8], changes: &[ProfileChange]) {
        self.sequence = sequence;
        self.meta = meta.to_vec();
        for change in changes {
            match &change.record {
                Some(record) => {
                    self.profiles.insert(change.key.clone(), (record.clone(), change.deadline_ms));
                    let history = self.histories.entry(change.key.clone()).or_default();
                    history.extend(change.history.iter().cloned());
                }
                None => {
                    self.profiles.remove(&change.key);
                    self.histories.remove(&change.key);
                }
            }
        }
    }

    fn due(&self, until_ms: i64) -> Vec<(i64, Vec<u8>)> {
        let deadline = |(key, (_, deadline)): (&Vec<u8>, &(Vec<u8>, Option<i64>))| {
            deadline.filter(|deadline| *deadline <= until_ms).map(|deadline| (deadline, key.clone()))
        };
        let mut due: Vec<_> = self.profiles.iter().filter_map(deadline).collect();
        due.sort();
        due
    }

    fn history(&self, key: &[u8], from_place: u32) -> Vec<(u32, Vec<u8>)> {
        let Some(chunks) = self.histories.get(key) else { return Vec::new() };
        let first = chunks.range(..=from_place).next_back().map_or(0, |(place, _)| *place);
        chunks.range(first..).map(|(place, chunk)| (*place, chunk.clone())).collect()
    }

    fn counts(&self) -> Counts {
        Counts {
            profiles: self.profiles.len() as u64,
            history_chunks: self.histories.values().map(|chunks| chunks.len() as u64).sum(),
            deadlines: self.due(i64::MAX).len() as u64,
        }
    }
}

fn some_key(chance: &mut Chance) -> Vec<u8> {
    let number = chance.below(120);
    // Some keys are beginnings of others.
    if number < 4 { vec![b'k'; number as usize] } else { format!("customer-{number}").into_bytes() }
}

fn some_deadline(chance: &mut Chance) -> Option<i64> {
    match chance.below(8) {
        0 => None,
        1 => Some(if chance.below(2) == 0 { i64::MIN } else { i64::MAX }),
        2 => Some(-(chance.below(1 << 40) as i64)),
        _ => Some((chance.below(40) << 26) as i64),
    }
}

fn some_changes(chance: &mut Chance, model: &Model) -> Vec<ProfileChange> {
    let mut changes = Vec::new();
    for _ in 0..chance.below(24) {
        let key = some_key(chance);
        let record = (chance.below(5) != 0).then(|| chance.bytes(400));
        let places = model.histories.get(&key).map_or(0, BTreeMap::len) as u64;
        let history = match &record {
            Some(_) => (0..chance.below(3))
                .map(|_| (chance.below(places + 2) as u32 * 10, chance.bytes(300)))
                .collect(),
            None => Vec::new(),
        };
        changes.push(ProfileChange { key, record, deadline_ms: some_deadline(chance), history });
    }
    changes
}

/// Makes one random checkpoint in store and model.
fn step(live: &Live, model: &mut Model, chance: &mut Chance) -> Result<(), Distrust> {
    let sequence = model.sequence + 1 + chance.below(10);
    let meta = chance.bytes(20);
    let changes = some_changes(chance, model);
    let mut next = model.clone();
    next.apply(sequence, &meta, &changes);
    live.checkpoint(sequence, &meta, changes)?;
    *model = next;
    Ok(())
}

/// Asks everything, in some order, and compares. Stops at the first doubt, which must stay.
fn compare(live: &Live, model: &Model, chance: &mut Chance) -> Result<(), Distrust> {
    assert_eq!((live.sequence(), live.meta()), (model.sequence, model.meta.clone()));
    let result = ask_everything(live, model, chance);
    if let Err(distrust) = &result {
        assert_eq!(live.profile(b"customer-5").as_ref(), Err(distrust), "the doubt stays");
        assert_eq!(live.checkpoint(u64::MAX, b"", Vec::new()).as_ref(), Err(distrust));
    }
    result
}

fn ask_everything(live: &Live, model: &Model, chance: &mut Chance) -> Result<(), Distrust> {
    for _ in 0..60 {
        match chance.below(5) {
            0 | 1 => {
                let key = some_key(chance);
                let answer = live.profile(&key)?.map(|record| record.to_vec());
                assert_eq!(answer, model.profiles.get(&key).map(|(record, _)| record.clone()));
            }
            2 => {
                let (key, from) = (some_key(chance), chance.below(60) as u32);
                let history = live.history(&key, from)?;
                let history: Vec<_> =
                    history.into_iter().map(|(place, chunk)| (place, chunk.to_vec())).collect();
                assert_eq!(history, model.history(&key, from), "from {from}");
            }
            3 => {
                let key = some_key(chance);
                let last = model.histories.get(&key).and_then(|chunks| chunks.iter().next_back());
                let Some((place, chunk)) = last else { continue };
                let found = live.chunks(&[(&key, *place)])?;
                assert_eq!(found.iter().map(|chunk| chunk.to_vec()).collect::<Vec<_>>(), [&chunk[..]]);
            }
            _ => {
                let until = some_deadline(chance).unwrap_or(0);
                let most = chance.below(200) as usize;
                let mut due = model.due(until);
                due.truncate(most);
                assert_eq!(live.due(until, most)?, due);
            }
        }
    }
    Ok(())
}

/// Asks what only a whole store can answer.
fn compare_whole(live: &Live, model: &Model) {
    assert_eq!(live.verify(), Ok(model.counts()));
    let mut seen = BTreeMap::new();
    live.for_each_profile(|key, record| {
        assert_eq!(seen.insert(key.to_vec(), record.to_vec()), None);
        Ok(())
    })
    .expect("the store is whole");
    let records: BTreeMap<_, _> =
        model.profiles.iter().map(|(key, (record, _))| (key.clone(), record.clone())).collect();
    assert_eq!(seen, records);
    for key in model.histories.keys() {
        for from in [0, 5, 10, 25, 1000] {
            let history = live.history(key, from).expect("the store is whole");
            let history: Vec<_> = history.into_iter().map(|(place, chunk)| (place, chunk.to_vec())).collect();
            assert_eq!(history, model.history(key, from), "from {from}");
        }
    }
}

/// A store after some checkpoints, closed.
fn grown(chance: &mut Chance, checkpoints: u64) -> (Place, Model) {
    let (place, mut model) = (Place::new(), Model::default());
    let live = place.create();
    for _ in 0..checkpoints {
        step(&live, &mut model, chance).expect("nothing is damaged");
    }
    drop(live);
    (place, model)
}

#[test]
fn answers_are_the_models_across_reopenings() {
    let mut chance = Chance::new("model");
    for _ in 0..3 {
        let (place, mut model) = (Place::new(), Model::default());
        let mut live = place.create();
        for _ in 0..30 {
            step(&live, &mut model, &mut chance).expect("nothing is damaged");
            compare(&live, &model, &mut chance).expect("nothing is damaged");
            if chance.below(4) == 0 {
                drop(live);
                live = place.open().expect("nothing is damaged");
                if chance.below(2) == 0 {
                    compare(&live, &model, &mut chance).expect("nothing is damaged");
                }
            }
        }
        compare_whole(&live, &model);
        assert!(live.size_on_disk().expect("it is there") > 0);
    }
}

#[test]
fn a_deadline_that_moves_leaves_nothing_behind() {
    let place = Place::new();
    let live = place.create();
    let change = |deadline_ms, record: Option<&[u8]>| {
        vec![ProfileChange {
            key: b"ana".to_vec(),
            record: record.map(<[u8]>::to_vec),
            deadline_ms,
            history: vec![],
        }]
    };
    live.checkpoint(1, b"", change(Some(5), Some(b"a"))).expect("whole");
    live.checkpoint(2, b"", change(Some(9), Some(b"a"))).expect("whole");
    assert_eq!(live.due(8, 9), Ok(vec![]));
    assert_eq!(live.due(9, 9), Ok(vec![(9, b"ana".to_vec())]));
    live.checkpoint(3, b"", change(None, None)).expect("whole");
    assert_eq!(live.due(i64::MAX, 9), Ok(vec![]));
    assert_eq!(live.verify(), Ok(Counts::default()));
}

#[test]
fn a_crash_between_witness_and_batch_is_the_checkpoint_before() {
    let mut chance = Chance::new("crash");
    for checkpoints in 1..5 {
        let (place, mut model) = grown(&mut chance, checkpoints);
        let before = place.copy();
        let later = model.clone();
        let live = place.open().expect("nothing is damaged");
        step(&live, &mut model, &mut chance).expect("nothing is damaged");
        drop(live);
        // The folder of before, the witness of after: what a crash between the two leaves.
        place.become_folder_of(&before);
        let mut model = later;
        let live = place.open().expect("it is the older slot's");
        compare(&live, &model, &mut chance).expect("nothing is damaged");
        step(&live, &mut model, &mut chance).expect("nothing is damaged");
        compare(&live, &model, &mut chance).expect("nothing is damaged");
        drop(live);
        compare_whole(&place.open().expect("nothing is damaged"), &model);
    }
}

#[test]
fn an_older_folder_or_witness_is_not_believed() {
    let mut chance = Chance::new("older");
    let (place, mut model) = grown(&mut chance, 2);
    let mut copies = Vec::new();
    for _ in 0..4 {
        copies.push(place.copy());
        let live = place.open().expect("nothing is damaged");
        step(&live, &mut model, &mut chance).expect("nothing is damaged");
        step(&live, &mut model, &mut chance).expect("nothing is damaged");
    }
    for older in &copies {
        let mixed = place.copy();
        mixed.become_folder_of(older);
        let doubt = mixed.open().expect_err("the folder is older").reason;
        assert!(doubt.contains("none of the witness's"), "{doubt}");
        let mixed = older.copy();
        mixed.become_folder_of(&place);
        let doubt = mixed.open().expect_err("the witness is older").reason;
        assert!(doubt.contains("none of the witness's"), "{doubt}");
    }
    compare_whole(&place.open().expect("nothing is damaged"), &model);
}

#[test]
fn missing_and_foreign_files_are_not_believed() {
    let mut chance = Chance::new("missing");
    let (place, _) = grown(&mut chance, 3);
    let (other, _) = grown(&mut chance, 3);
    let doubt = |attack: &dyn Fn(&LiveOptions)| {
        let copy = place.copy();
        attack(&copy.options());
        copy.open().expect_err("it must not be believed").reason
    };
    let remove = |path: &Path| fs::remove_file(path).expect("it can be removed");
    let gone = doubt(&|options| fs::remove_dir_all(&options.folder).expect("it can be removed"));
    assert!(gone.contains("there is no store"), "{gone}");
    doubt(&|options| {
        fs::remove_dir_all(&options.folder).expect("it can be removed");
        fs::create_dir(&options.folder).expect("it can be made");
    });
    doubt(&|options| remove(&options.folder.join("db")));
    doubt(&|options| fs::write(options.folder.join("db"), b"").expect("it can be written"));
    assert!(doubt(&|options| remove(&options.witness)).contains("is missing"));
    assert!(
        doubt(&|options| fs::write(&options.witness, b"").expect("it can be written")).contains("damaged")
    );
    let swapped = place.copy();
    swapped.become_folder_of(&other);
    assert!(swapped.open().expect_err("it is another's").reason.contains("not of one making"));
}

#[test]
fn a_damaged_witness_is_not_believed_or_does_not_matter() {
    let mut chance = Chance::new("witness");
    let (place, model) = grown(&mut chance, 4);
    let whole = fs::read(place.options().witness).expect("it is there");
    let (mut believed, mut doubted) = (0, 0);
    for _ in 0..40 {
        let copy = place.copy();
        let mut bytes = whole.clone();
        let at = chance.below(bytes.len() as u64) as usize;
        if chance.below(4) == 0 {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << chance.below(8);
        }
        fs::write(copy.options().witness, bytes).expect("it can be written");
        match copy.open().and_then(|live| compare(&live, &model, &mut chance)) {
            Ok(()) => believed += 1,
            Err(_) => doubted += 1,
        }
    }
    assert!(believed > 0 && doubted > 0, "{believed} believed, {doubted} doubted");
}

#[test]
fn slots_that_do_not_follow_each_other_are_not_believed() {
    let mut chance = Chance::new("slots");
    let (place, _) = grown(&mut chance, 4);
    let (mut witness, slots) = Witness::open(&place.options().witness).expect("it is whole");
    let (older, _) = slots.iter().min_by_key(|(slot, _)| slot.number).expect("it has two");
    witness.write(&Slot { number: older.number - 2, ..older.clone() }).expect("it can be written");
    assert!(place.open().expect_err("a slot is missing").reason.contains("do not follow"));
}

/// Changes the store behind the handle's back, as a sled that lost or brought back something would.
fn meddle(place: &Place, writes: Vec<(Vec<u8>, Option<Vec<u8>>)>) {
    let tree = Tree::open(&place.options().folder, 1 << 20).expect("nothing is damaged");
    tree.apply(writes).expect("nothing is damaged");
    tree.flush().expect("nothing is damaged");
}

/// Everything in a store, as it is.
fn entries(place: &Place) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let copy = place.copy();
    let tree = Tree::open(&copy.options().folder, 1 << 20).expect("nothing is damaged");
    let entries = tree.entries(keys::everything(), usize::MAX).expect("nothing is damaged");
    entries.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// Asks for what the key is part of.
fn touch(live: &Live, key: &[u8]) -> Result<(), Distrust> {
    match Key::read(key).expect("it is ours") {
        Key::Profile { key, .. } => live.profile(key).map(drop),
        Key::Deadline { deadline_ms, .. } => live.due(deadline_ms, 1).map(drop),
        Key::History { key, .. } => live.history(key, 0).map(drop),
        Key::Meta => Ok(()),
    }
}

#[test]
fn one_missing_stale_or_extra_record_is_found_at_its_first_touch() {
    let mut chance = Chance::new("meddled");
    let (place, mut model) = grown(&mut chance, 8);
    let older = entries(&place);
    let live = place.open().expect("nothing is damaged");
    for _ in 0..8 {
        step(&live, &mut model, &mut chance).expect("nothing is damaged");
    }
    drop(live);
    let newer = entries(&place);
    let counted = |key: &[u8]| key != keys::META;
    let mut attacks = Vec::new();
    for (key, value) in newer.iter().filter(|(key, _)| counted(key)) {
        attacks.push((key.clone(), None));
        if let Some(stale) = older.get(key).filter(|stale| *stale != value) {
            attacks.push((key.clone(), Some(stale.clone())));
        }
    }
    for (key, value) in older.iter().filter(|(key, _)| counted(key) && !newer.contains_key(*key)) {
        attacks.push((key.clone(), Some(value.clone())));
    }
    for kind in [b'p', b'd', b'h'] {
        let mut attacks: Vec<_> = attacks.iter().filter(|(key, _)| key[0] == kind).collect();
        for _ in 0..5 {
            let attack = attacks.remove(chance.below(attacks.len() as u64) as usize).clone();
            let copy = place.copy();
            meddle(&copy, vec![attack.clone()]);
            let live = copy.open().expect("opening does not scan");
            touch(&live, &attack.0).expect_err("the bucket's sum is wrong");
            drop(live);
            // Writing over it does not make it right.
            let live = copy.open().expect("opening does not scan");
            let mut later = model.clone();
            let _ = step(&live, &mut later, &mut chance);
            let still = touch(&live, &attack.0);
            // A history that is wrong goes away whole with its profile.
            let gone = matches!(Key::read(&attack.0), Some(Key::History { key, .. }) if !later.profiles.contains_key(key));
            assert!(still.is_err() || gone, "the sum is still wrong");
        }
    }
}

#[test]
fn an_older_store_with_a_forged_checkpoint_is_found_out() {
    let mut chance = Chance::new("forged");
    let (place, mut model) = grown(&mut chance, 6);
    let older = place.copy();
    let live = place.open().expect("nothing is damaged");
    for _ in 0..6 {
        step(&live, &mut model, &mut chance).expect("nothing is damaged");
    }
    drop(live);
    let checkpoint = entries(&place).remove(keys::META).expect("it is there");
    meddle(&older, vec![(keys::META.to_vec(), Some(checkpoint))]);
    fs::copy(place.options().witness, older.options().witness).expect("it can be copied");
    let mut doubts = 0;
    for _ in 0..20 {
        let live = older.open().expect("its checkpoint record is the newer one");
        doubts += u32::from(compare(&live, &model, &mut chance).is_err());
    }
    assert_eq!(doubts, 20);
}

/// What a store says after its files were damaged. It may have lost its last checkpoint whole, which is
/// what a crash between witness and batch leaves too: then it says so by its sequence.
fn said_by(place: &Place, models: [&Model; 2], chance: &mut Chance) -> Result<(), Distrust> {
    let live = place.open()?;
    let held = models.into_iter().find(|model| model.sequence == live.sequence());
    let before = held.expect("it is one of the last two").clone();
    compare(&live, &before, chance)?;
    let mut after = before.clone();
    step(&live, &mut after, chance)?;
    compare(&live, &after, chance)?;
    drop(live);
    let live = place.open()?;
    let held = if live.sequence() == before.sequence { &before } else { &after };
    compare(&live, held, chance)
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() { files.extend(files_of(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// One flip, cut, row of zeros, exchange of two places, or loss, somewhere in the folder.
fn damage(folder: &Path, chance: &mut Chance) -> String {
    let files = files_of(folder);
    let path = &files[chance.below(files.len() as u64) as usize];
    let mut bytes = fs::read(path).expect("it is there");
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if bytes.is_empty() {
        return format!("{name}: empty already");
    }
    let at = chance.below(bytes.len() as u64) as usize;
    let end = (at + 1 + chance.below(5000) as usize).min(bytes.len());
    let what = match chance.below(10) {
        0 => {
            fs::remove_file(path).expect("it can be removed");
            return format!("{name}: removed");
        }
        1 | 2 => {
            bytes.truncate(at);
            "cut"
        }
        3 => {
            bytes[at..end].fill(0);
            "zeroed"
        }
        4 => {
            let from = chance.below(bytes.len() as u64) as usize;
            let piece = bytes[from..(from + end - at).min(bytes.len())].to_vec();
            let fits = piece.len().min(bytes.len() - at);
            bytes[at..at + fits].copy_from_slice(&piece[..fits]);
            "overwritten with another place"
        }
        _ => {
            bytes[at] ^= 1 << chance.below(8);
            "flipped"
        }
    };
    fs::write(path, bytes).expect("it can be written");
    format!("{name}: {what} at {at}")
}

#[test]
fn damaged_files_never_give_a_wrong_answer() {
    let mut chance = Chance::new("damage");
    let damages = from_environment("HABITUE_LIVE_DAMAGES", 80);
    let (place, mut model) = grown(&mut chance, 1);
    let mut last = model.clone();
    let (mut believed, mut doubted, mut longest) = (0, 0, Duration::ZERO);
    let mut reasons: BTreeMap<String, u32> = BTreeMap::new();
    for number in 0..damages {
        if number % 20 == 0 {
            let live = place.open().expect("nothing is damaged");
            for _ in 0..4 {
                last = model.clone();
                step(&live, &mut model, &mut chance).expect("nothing is damaged");
            }
        }
        let copy = place.copy();
        let what = damage(&copy.options().folder, &mut chance);
        eprintln!("damage {number}: {what}");
        let begin = Instant::now();
        match said_by(&copy, [&model, &last], &mut chance) {
            Ok(()) => believed += 1,
            Err(distrust) => {
                doubted += 1;
                assert!(!distrust.reason.contains("given up"), "{what}: {distrust}");
                let short: String = distrust.reason.chars().take(60).collect();
                *reasons.entry(short).or_default() += 1;
            }
        }
        longest = longest.max(begin.elapsed());
    }
    eprintln!("{believed} believed, {doubted} doubted, the longest took {longest:?}: {reasons:#?}");
    assert!(longest < OPEN_LIMIT + CALL_LIMIT);
    assert!(doubted > damages / 10, "only {doubted} of {damages} damages were noticed");
}

#[test]
fn a_store_set_aside_makes_room_for_a_new_one() {
    let mut chance = Chance::new("aside");
    let (place, _) = grown(&mut chance, 2);
    let options = place.options();
    assert!(Live::create(options.clone()).is_err(), "there is one already");
    let mut aside = Vec::new();
    for number in 1..5 {
        let path = set_aside(&options.folder, &options.witness).expect("it can be moved");
        assert!(path.ends_with(format!("live.set-aside-{number}")), "{}", path.display());
        assert!(path.join("witness").is_file());
        assert!(!options.folder.exists() && !options.witness.exists());
        aside.push(path);
        drop(place.create());
    }
    let kept: Vec<bool> = aside.iter().map(|path| path.exists()).collect();
    assert_eq!(kept, [false, false, true, true]);
    assert!(Live::open(options.clone()).is_ok());
    remove_all(&options.folder).expect("they can be removed");
    assert!(aside.iter().all(|path| !path.exists()) && Live::open(options.clone()).is_ok());
    fs::remove_dir_all(&options.folder).expect("it can be removed");
    set_aside(&options.folder, &options.witness).expect("a witness alone is set aside too");
    drop(place.create());
}

#[test]
fn a_copy_is_the_same_and_holds_nothing_that_was_removed() {
    let mut chance = Chance::new("copy");
    let (place, mut model) = grown(&mut chance, 25);
    let live = place.open().expect("nothing is damaged");
    let gone = |record| {
        let history = vec![(0, b"what-was-said-by-them".to_vec())];
        let history = if record { history } else { Vec::new() };
        let record = record.then(|| b"a-record-of-them".to_vec());
        vec![ProfileChange { key: b"customer-gone".to_vec(), record, deadline_ms: Some(7), history }]
    };
    live.checkpoint(model.sequence + 1, b"", gone(true)).expect("nothing is damaged");
    live.checkpoint(model.sequence + 1, b"", gone(false)).expect("nothing is damaged");
    model.apply(model.sequence + 1, b"", &[]);
    let holds_it = |place: &Place| {
        let names = [&b"customer-gone"[..], b"a-record-of-them", b"what-was-said-by-them"];
        files_of(&place.0).iter().any(|file| {
            let bytes = fs::read(file).expect("a file can be read");
            names.iter().any(|name| bytes.windows(name.len()).any(|window| window == *name))
        })
    };
    assert!(holds_it(&place), "what was removed is in the files still");
    let other = Place::new();
    live.copy_to(other.options()).expect("nothing is damaged");
    assert!(!holds_it(&other));
    compare_whole(&live, &model);
    let mut copy = other.open().expect("it is whole");
    for _ in 0..5 {
        compare(&copy, &model, &mut chance).expect("nothing is damaged");
        compare_whole(&copy, &model);
        step(&copy, &mut model, &mut chance).expect("nothing is damaged");
        drop(copy);
        copy = other.open().expect("nothing is damaged");
    }
    drop(live);
    // A store that is not what its witness says is not copied.
    let key = keys::profile(model.profiles.keys().next().expect("there is somebody"));
    drop(copy);
    meddle(&other, vec![(key, None)]);
    let copy = other.open().expect("nothing was read yet");
    assert!(copy.copy_to(Place::new().options()).is_err());
}

#[test]
fn pages_that_become_files_of_their_own_are_kept_and_watched() {
    let mut chance = Chance::new("blobs");
    let (place, mut model) = (Place::new(), Model::default());
    let live = place.create();
    for number in 0..30u8 {
        let record = vec![number; 20_000];
        let history = (0..4).map(|place| (place * 10, vec![number; 50_000])).collect();
        let key = format!("customer-{number}").into_bytes();
        let changes = vec![ProfileChange { key, record: Some(record), deadline_ms: None, history }];
        live.checkpoint(u64::from(number) + 1, b"", changes.clone()).expect("nothing is damaged");
        model.apply(u64::from(number) + 1, b"", &changes);
    }
    drop(live);
    compare_whole(&place.open().expect("nothing is damaged"), &model);
    let blobs = files_of(&place.options().folder.join("blobs"));
    assert!(!blobs.is_empty(), "there are pages too long for the log");
    let mut doubts = 0;
    for _ in 0..10 {
        let copy = place.copy();
        let blob = &blobs[chance.below(blobs.len() as u64) as usize];
        let blob = copy.options().folder.join("blobs").join(blob.file_name().expect("it has a name"));
        if let Ok(mut bytes) = fs::read(&blob) {
            let at = chance.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << chance.below(8);
            fs::write(&blob, bytes).expect("it can be written");
        }
        let answered = copy.open().and_then(|live| {
            compare(&live, &model, &mut chance)?;
            live.verify().map(|counts| assert_eq!(counts, model.counts()))
        });
        doubts += u32::from(answered.is_err());
    }
    assert!(doubts > 0, "no damage was noticed");
}
