//! A model's reference -> bins, and a decision -> the bins that its features and scores fall into.
//!
//! Nothing is counted here: each bin has an index in a line of the caller's counters.

#[cfg(test)]
mod tests;

use nextbest_proto::v1;

use super::{
    ElementType,
    cell::{Cell, feature_cell},
};
use crate::{
    error::{BundleError, check_rows},
    id::{FeatureId, Id},
    tables::Feature,
    value::{Type, Value},
};

/// Bins of one histogram.
const BINS_MAX: usize = 1_000;

/// Of one model; each worker has a line of them.
const COUNTERS_MAX: usize = 1 << 20;

/// Bins of scores without a reference: of equal width.
const SCORE_BINS: u32 = 20;

/// Where the decisions that a model was asked in are counted.
pub(crate) const DECISIONS: usize = 0;
const SCORES: usize = 1;

/// What is counted of one model, in one line of counters: decisions that it was asked in, then the bins of its
/// scores, then for each feature the decisions without a value and its bins.
#[derive(Debug)]
pub struct Histograms {
    scores: Bins,
    features: Vec<FeatureHistogram>,
    reference: Option<v1::ModelReference>,
}

#[derive(Debug)]
struct FeatureHistogram {
    feature: FeatureId,
    name: String,
    bins: Bins,
}

/// Where values of a histogram go.
#[derive(Debug, PartialEq)]
enum Bins {
    /// Between ascending edges; a number that is an edge belongs to the bin below.
    Numbers(Vec<f64>),
    /// Each text's bin, sorted by text; one bin more for all others.
    Texts(Vec<(String, usize)>),
}

impl Histograms {
    /// Checks a reference; `features` are those of the bundle.
    pub(crate) fn new(
        reference: Option<v1::ModelReference>,
        features: &[Feature],
    ) -> Result<Self, BundleError> {
        let message = reference.clone().unwrap_or_default();
        let of_features = check_rows("features", message.features, |row| {
            FeatureHistogram::new(row, features)
        })?;
        let scores = message.scores.map(|scores| match Bins::new(scores)? {
            Bins::Texts(_) => Err(BundleError::malformed("texts".to_owned())),
            numbers @ Bins::Numbers(_) => Ok(numbers),
        });
        let scores = scores.transpose().map_err(|error| error.within("scores"))?;
        let histograms = Self {
            scores: scores.unwrap_or_else(Bins::of_equal_width),
            features: of_features,
            reference,
        };
        BundleError::limit("counters", histograms.counter_count(), COUNTERS_MAX)?;
        Ok(histograms)
    }

    /// How many counters the line has.
    #[must_use]
    pub fn counter_count(&self) -> usize {
        let features = self.features.iter().map(FeatureHistogram::counter_count);
        SCORES + self.scores.count() + features.sum::<usize>()
    }

    /// Whether a line of counters of one serves the other: the same bins of the same features.
    #[must_use]
    pub fn counts_like(&self, other: &Self) -> bool {
        let features = self.features.iter().map(FeatureHistogram::meaning);
        let others = other.features.iter().map(FeatureHistogram::meaning);
        self.scores == other.scores && features.eq(others)
    }

    /// Writes what has been counted, beside the reference.
    pub fn report(&self, counters: &[u64], health: &mut v1::ModelHealth) {
        let reference = self.reference.as_ref();
        let (decisions, rest) = counters
            .split_first()
            .map_or((0, counters), |(first, rest)| (*first, rest));
        let (scores, mut rest) = rest.split_at_checked(self.scores.count()).unwrap_or_default();
        health.decisions = decisions;
        health.scores = Some(v1::ComparedHistogram {
            current: Some(self.scores.message(0, scores)),
            reference: reference.and_then(|reference| reference.scores.clone()),
        });
        health.card_expires_us = reference.and_then(|reference| reference.card_expires_us);
        let references = reference.map_or(&[][..], |reference| &reference.features);
        for (feature, reference) in self.features.iter().zip(references) {
            let (counted, others) = rest.split_at_checked(feature.counter_count()).unwrap_or_default();
            let (missing, counts) = counted
                .split_first()
                .map_or((0, counted), |(first, rest)| (*first, rest));
            rest = others;
            health.features.push(v1::FeatureHealth {
                name: feature.name.clone(),
                histogram: Some(v1::ComparedHistogram {
                    current: Some(feature.bins.message(missing, counts)),
                    reference: reference.histogram.clone(),
                }),
            });
        }
    }

    pub(crate) fn score(&self, score: f64) -> usize {
        SCORES + self.scores.of_number(score)
    }

    /// Names the counter of each feature.
    pub(crate) fn features(&self, values: &[Value<'_>], mut count: impl FnMut(usize)) {
        let mut start = SCORES + self.scores.count();
        for feature in &self.features {
            let bin = values
                .get(feature.feature.index())
                .and_then(|value| feature.bins.of(value));
            count(start + bin.map_or(0, |bin| 1 + bin));
            start += feature.counter_count();
        }
    }
}

impl FeatureHistogram {
    fn new(message: v1::FeatureReference, features: &[Feature]) -> Result<Self, BundleError> {
        let feature = FeatureId::from_index(message.feature);
        let Some(row) = features.get(feature.index()) else {
            return Err(BundleError::malformed("no such feature".to_owned()));
        };
        let bins = match Bins::new(message.histogram.unwrap_or_default())? {
            // No text was frequent enough to be named.
            Bins::Numbers(edges) if edges.is_empty() && row.kind == Type::String => Bins::Texts(Vec::new()),
            bins => bins,
        };
        let fits = match bins {
            Bins::Texts(_) => row.kind == Type::String,
            Bins::Numbers(_) => !matches!(row.kind, Type::String | Type::StringList | Type::IntList),
        };
        if !fits {
            return Err(BundleError::malformed(
                "a histogram of another type than its feature".to_owned(),
            ));
        }
        Ok(Self {
            feature,
            name: row.name.clone(),
            bins,
        })
    }

    fn counter_count(&self) -> usize {
        1 + self.bins.count()
    }

    /// What is counted, in any bundle.
    fn meaning(&self) -> (&str, &Bins) {
        (&self.name, &self.bins)
    }
}

impl Bins {
    fn new(message: v1::Histogram) -> Result<Self, BundleError> {
        let v1::Histogram {
            edges,
            categories,
            counts,
            ..
        } = message;
        BundleError::limit("bins", edges.len().max(categories.len()), BINS_MAX)?;
        let wrong = |problem: &str| Err(BundleError::malformed(problem.to_owned()));
        if !edges.is_empty() && !categories.is_empty() {
            return wrong("both edges and categories");
        }
        if counts.len() != edges.len().max(categories.len()) + 1 {
            return wrong("not a count for each bin");
        }
        if categories.is_empty() {
            if !edges.is_sorted_by(|left, right| left < right) || !edges.iter().all(|edge| edge.is_finite()) {
                return wrong("edges that are not ascending, or not finite");
            }
            return Ok(Self::Numbers(edges));
        }
        let mut texts: Vec<(String, usize)> = categories.into_iter().zip(0..).collect();
        texts.sort_unstable();
        if !texts.is_sorted_by(|(left, _), (right, _)| left < right) {
            return wrong("a category twice");
        }
        Ok(Self::Texts(texts))
    }

    fn of_equal_width() -> Self {
        let edges = (1..SCORE_BINS).map(|edge| f64::from(edge) / f64::from(SCORE_BINS));
        Self::Numbers(edges.collect())
    }

    fn count(&self) -> usize {
        1 + match self {
            Self::Numbers(edges) => edges.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    /// The bin of a value; none where it is missing, or no number.
    fn of(&self, value: &Value<'_>) -> Option<usize> {
        match self {
            Self::Numbers(_) => match feature_cell(ElementType::Float64, value) {
                Some(Cell::Float(number)) if !number.is_nan() => Some(self.of_number(number)),
                _ => None,
            },
            Self::Texts(texts) => match value {
                Value::String(text) => {
                    let index = texts.binary_search_by(|(known, _)| known.as_str().cmp(text.as_str()));
                    let known = index.ok().and_then(|index| texts.get(index));
                    Some(known.map_or(texts.len(), |(_, bin)| *bin))
                }
                _ => None,
            },
        }
    }

    /// The bin of a number that is not NaN.
    fn of_number(&self, number: f64) -> usize {
        match self {
            Self::Numbers(edges) => edges.partition_point(|edge| *edge < number),
            Self::Texts(_) => 0,
        }
    }

    fn message(&self, missing: u64, counts: &[u64]) -> v1::Histogram {
        let mut message = v1::Histogram {
            missing,
            counts: counts.to_vec(),
            ..v1::Histogram::default()
        };
        match self {
            Self::Numbers(edges) => message.edges.clone_from(edges),
            Self::Texts(texts) => {
                let mut texts: Vec<_> = texts.iter().map(|(text, bin)| (*bin, text.clone())).collect();
                texts.sort_unstable();
                message.categories = texts.into_iter().map(|(_, text)| text).collect();
            }
        }
        message
    }
}
