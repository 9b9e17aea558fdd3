//! An image, checked once and read in place from then on.
//!
//! Invariants:
//! 1. The bytes of an [`Image`] are those of a valid archived cell, aligned, and never change: they
//!    come from the archiver, or have passed its check of every offset and tag when they were loaded.
//!
//! The check costs some 0.3 to 1 microsecond for a profile of 40 attributes, once for each time that a
//! profile comes from disk; a checksum alone is cheaper, but would trust the writer. Copying the bytes
//! to an aligned place, once, is cheaper than reading fields at odd addresses ever after.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use rkyv::rancor;
use rkyv::util::AlignedVec;

use crate::base::time::Time;
use crate::derived::graph::Literal;
use crate::derived::view::Known;
use crate::engine::cell::Cell;
use crate::engine::image::cell::{ArchivedCellImage, CellImage};
use crate::engine::image::value::read_each;
use crate::engine::program::Program;
use crate::engine::transition::Trigger;
use crate::facts::customer::Sources;
use crate::facts::source_state::SourceState;
use crate::model::ids::{AggregateId, AttributeId, EventId, SourceId};
use crate::model::value::Value;
use crate::rules::expression::UnitKind;

/// The image of a cell.
#[derive(Debug)]
pub(crate) struct Image {
    bytes: AlignedVec,
}

/// Why bytes are no image that can be read.
#[derive(Debug)]
pub(crate) enum ImageError {
    /// They are no archived cell.
    Invalid(rancor::Error),
    /// They are the image of a cell under another program.
    OtherProgram,
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageError::Invalid(error) => write!(f, "an image is damaged: {error}"),
            ImageError::OtherProgram => f.write_str("an image is of another catalog"),
        }
    }
}

impl Image {
    /// The image of a cell under a program.
    pub(crate) fn of(cell: &Cell, program: &Program) -> Image {
        let image = CellImage::of(cell, program.fingerprint);
        let bytes = rkyv::to_bytes::<rancor::Error>(&image).expect("archiving to memory does not fail");
        Image { bytes }
    }

    /// Checks bytes from disk, and finds the program whose image they are by its fingerprint.
    ///
    /// # Errors
    /// If they are no archived cell, or one of a program that is not found.
    pub(crate) fn load<P>(
        bytes: &[u8],
        find: impl FnOnce(u64) -> Option<P>,
    ) -> Result<(Image, P), ImageError> {
        let mut aligned = AlignedVec::with_capacity(bytes.len());
        aligned.extend_from_slice(bytes);
        let archived =
            rkyv::access::<ArchivedCellImage, rancor::Error>(&aligned).map_err(ImageError::Invalid)?;
        let program = find(archived.program.to_native()).ok_or(ImageError::OtherProgram)?;
        Ok((Image { bytes: aligned }, program))
    }

    /// The same for the image of one program.
    ///
    /// # Errors
    /// If they are no archived cell, or one of another program.
    pub(crate) fn load_of(bytes: &[u8], program: &Program) -> Result<Image, ImageError> {
        let is_of_it = |fingerprint| (fingerprint == program.fingerprint).then_some(());
        Ok(Image::load(bytes, is_of_it)?.0)
    }

    /// The bytes to keep on disk.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The cell, to be changed.
    pub(crate) fn to_cell(&self, program: &Program) -> Cell {
        self.archived().read(program.graph.nodes)
    }

    /// As of when the cell is.
    pub(crate) fn as_of(&self) -> Time {
        Time::from_raw(self.archived().as_of.to_native())
    }

    /// Until when what is concluded holds.
    pub(crate) fn deadline(&self) -> Time {
        Time::from_raw(self.archived().deadline.to_native())
    }

    /// The number of the cell's last change.
    pub(crate) fn stamp(&self) -> u64 {
        self.archived().stamp.to_native()
    }

    /// What changed the cell last.
    pub(crate) fn last_cause(&self) -> Trigger {
        self.archived().last_cause()
    }

    /// Whether there are messages of the future.
    pub(crate) fn has_pending(&self) -> bool {
        self.archived().has_pending()
    }

    /// The time of the message that set an attribute, or removed it, last.
    pub(crate) fn set_at(&self, attribute: AttributeId) -> Option<Time> {
        let archived = self.archived();
        let place = archived.attributes.binary_search_by_key(&attribute.0, |id| id.to_native()).ok()?;
        Some(archived.attribute_stamps[place].read().time)
    }

    /// When the cell changed last.
    pub(crate) fn last_change(&self) -> Time {
        Time::from_raw(self.archived().last_change.to_native())
    }

    /// Aggregates that lack what was up to a time.
    pub(crate) fn lacking(&self) -> Vec<(AggregateId, Time)> {
        self.archived().lacking()
    }

    /// The properties of the last event of a name that triggers a personalization.
    pub(crate) fn trigger(&self, event: EventId) -> Option<Arc<[Option<Value>]>> {
        let mut triggers = self.archived().triggers.iter();
        let trigger = triggers.find(|trigger| trigger.event.to_native() == event.0)?;
        Some(read_each(&trigger.properties).collect())
    }

    #[expect(unsafe_code, reason = "checking the bytes at every read would cost more than the read")]
    fn archived(&self) -> &ArchivedCellImage {
        // SAFETY: by invariant 1 the bytes are a valid `ArchivedCellImage`: `of` made them, or `load`
        // checked them. Nothing changes them afterwards.
        unsafe { rkyv::access_unchecked::<ArchivedCellImage>(&self.bytes) }
    }
}

impl Sources for Image {
    fn source(&self, source: SourceId) -> Option<Cow<'_, SourceState>> {
        let archived = self.archived();
        let place = archived.sources.binary_search_by_key(&source.0, |id| id.to_native()).ok()?;
        Some(Cow::Owned(archived.source_states[place].read()))
    }
}

impl Known for Image {
    fn attribute(&self, attribute: AttributeId) -> Option<Value> {
        let archived = self.archived();
        let place = archived.attributes.binary_search_by_key(&attribute.0, |id| id.to_native()).ok()?;
        archived.attribute_values[place].as_ref().map(super::value::ArchivedValueImage::read)
    }

    fn unit(&self, kind: UnitKind) -> Option<Arc<str>> {
        self.archived().units.as_ref()?.read().get(kind)
    }

    fn truth(&self, literal: Literal) -> Option<bool> {
        let truths = &self.archived().conclusions.as_ref()?.truths;
        let node = literal.node() as usize;
        Some((truths[node / 64].to_native() >> (node % 64) & 1 == 1) != literal.is_negated())
    }
}
