//! Numbers for declared things, one type each, so that none can be taken for another.
//!
//! A number is the thing's place in the catalog's table of its kind; it is meaningful only together
//! with the catalog revision that gave it.

/// Declares a number type over `u32` with its one-line meaning.
macro_rules! number {
    ($(#[doc = $doc:literal] $name:ident;)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(pub(crate) u32);

        impl $name {
            /// The place in its table.
            pub(crate) fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

number! {
    /// A declared attribute.
    AttributeId;
    /// A declared event.
    EventId;
    /// A declared property of one event: its place among that event's properties.
    PropertyId;
    /// A computed attribute.
    ComputedId;
    /// A segment.
    SegmentId;
    /// An experiment.
    ExperimentId;
    /// A personalization.
    PersonalizationId;
    /// An event with a condition on its properties, whose occurrences are kept for aggregates.
    SourceId;
    /// An aggregate over a source.
    AggregateId;
    /// A purpose that customers consent to.
    PurposeId;
}

/// Gives a number type the way back from a place in a table.
macro_rules! counted {
    ($($name:ident),*) => {$(
        impl $name {
            /// The thing of table place `index`.
            pub(crate) fn from_index(index: usize) -> $name {
                $name(u32::try_from(index).expect("tables are bounded far below 2^32"))
            }
        }
    )*};
}

counted!(AttributeId, SegmentId, PersonalizationId, SourceId, AggregateId, PurposeId);
