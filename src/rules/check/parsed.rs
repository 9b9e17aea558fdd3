//! The conditions of a catalog as syntax trees: each is read once, before anything is checked.

use ahash::AHashSet;

use crate::base::source_text::Text;
use crate::model::declaration::{
    AffinityDeclaration, Declarations, ExperimentDeclaration, Named, OfferDeclaration,
    PersonalizationDeclaration, QuantileDeclaration, ScoreDeclaration, SegmentDeclaration,
};
use crate::rules::cel;
use crate::rules::syntax::Node;

use super::Catalog;

/// Declarations with the trees of their conditions; `None` where there is no text, or no sound one.
pub(super) struct Parsed<'d> {
    /// The first computed attribute of each name.
    pub(super) computed: Vec<(&'d Named<Text>, Option<Node>)>,
    /// The first segment of each name.
    pub(super) segments: Vec<(&'d Named<SegmentDeclaration>, Option<Node>)>,
    /// The first experiment of each name, with the tree of its condition.
    pub(super) experiments: Vec<(&'d Named<ExperimentDeclaration>, Option<Node>)>,
    /// The first quantile of each name, with the trees of its value and its condition.
    pub(super) quantiles: Vec<(&'d Named<QuantileDeclaration>, [Option<Node>; 2])>,
    /// The first score of each name, with the trees of its conditions.
    pub(super) scores: Vec<(&'d Named<ScoreDeclaration>, Vec<Option<Node>>)>,
    /// The first affinity of each name.
    pub(super) affinities: Vec<&'d Named<AffinityDeclaration>>,
    pub(super) personalizations: Vec<(&'d Named<PersonalizationDeclaration>, Vec<ParsedOffer<'d>>)>,
}

/// An offer with the trees of its texts.
pub(super) struct ParsedOffer<'d> {
    pub(super) declared: &'d OfferDeclaration,
    pub(super) when: Option<Node>,
    pub(super) score: Option<Node>,
}

impl SegmentDeclaration {
    /// The text of its condition, unless it is a list of members.
    pub(super) fn text(&self) -> Option<&Text> {
        match self {
            SegmentDeclaration::Condition(text) => Some(text),
            SegmentDeclaration::Members(_) => None,
        }
    }
}

impl Catalog<'_> {
    /// Reads all conditions, and reports those that are none.
    pub(super) fn parse<'d>(&mut self, declarations: &'d Declarations) -> Parsed<'d> {
        let computed = distinct(&declarations.computed);
        let computed = computed.map(|declared| (declared, self.parse_text(Some(&declared.body)))).collect();
        let segments = distinct(&declarations.segments);
        let segments = segments.map(|declared| (declared, self.parse_text(declared.body.text()))).collect();
        let experiments = distinct(&declarations.experiments);
        let experiments =
            experiments.map(|declared| (declared, self.parse_text(declared.body.when.as_ref()))).collect();
        let quantiles = distinct(&declarations.quantiles).map(|declared| {
            let QuantileDeclaration { value, of, .. } = &declared.body;
            (declared, [self.parse_text(Some(value)), self.parse_text(of.as_ref())])
        });
        let quantiles = quantiles.collect();
        let scores = distinct(&declarations.scores).map(|declared| {
            let rows = declared.body.rows.iter();
            (declared, rows.map(|(when, _)| self.parse_text(Some(when))).collect())
        });
        let scores = scores.collect();
        let affinities = distinct(&declarations.affinities).collect();
        let mut personalizations = Vec::with_capacity(declarations.personalizations.len());
        for personalization in &declarations.personalizations {
            let offers = personalization.body.offers.iter().map(|declared| ParsedOffer {
                declared,
                when: self.parse_text(declared.when.as_ref()),
                score: self.parse_text(declared.score.as_ref()),
            });
            personalizations.push((personalization, offers.collect()));
        }
        Parsed { computed, segments, experiments, quantiles, scores, affinities, personalizations }
    }

    fn parse_text(&mut self, text: Option<&Text>) -> Option<Node> {
        let text = text?;
        match cel::parse(&text.value) {
            Ok(node) => Some(node),
            Err(problem) => {
                self.problems(text, vec![problem]);
                None
            }
        }
    }
}

/// The first declaration of each name.
fn distinct<T>(declared: &[Named<T>]) -> impl Iterator<Item = &Named<T>> {
    let mut seen = AHashSet::new();
    declared.iter().filter(move |named| seen.insert(named.name.value.as_str()))
}
