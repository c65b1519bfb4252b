//! Decisions -> how the models of the active bundle fare, counted.
//!
//! Each worker has separate counters, so that no two cores write to the same memory; the reader adds them up.
//! The engine names the counters that a decision adds to; no customer's data is kept.

use std::sync::Arc;

use nextbest_engine::{Bundle, Decision, ModelId};
use nextbest_proto::v1::{self, DegradationKind};

use crate::{clock::now_us, counter::Counter};

/// The reasons for using a prior instead of a model's score.
const DEGRADATIONS: [DegradationKind; 4] = [
    DegradationKind::ModelFailed,
    DegradationKind::PropensityInvalid,
    DegradationKind::ModelInputMissing,
    DegradationKind::Deadline,
];

/// Spreads seeds evenly over their high bits, so that other draws by the low bits are independent.
const SEED_FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// The counters of a bundle's models.
pub struct BundleCounters {
    /// One in this number of decisions is counted; 0: none.
    sample: u32,
    /// In the order of the bundle's models.
    models: Box<[Arc<ModelCounters>]>,
}

/// The counters of one model.
struct ModelCounters {
    since_us: i64,
    /// A line for each worker.
    lines: Box<[Box<[Counter]>]>,
    degradations: [Counter; DEGRADATIONS.len()],
}

impl BundleCounters {
    pub(crate) fn new(bundle: &Bundle, workers: usize, sample: u32) -> Self {
        let zeros = |count| (0..count).map(|_| Counter::default()).collect();
        let counters = |count| ModelCounters {
            since_us: now_us(),
            lines: (0..workers).map(|_| zeros(count)).collect(),
            degradations: <[Counter; DEGRADATIONS.len()]>::default(),
        };
        let models = bundle.models();
        Self {
            sample,
            models: models
                .map(|(_, model)| Arc::new(counters(model.histograms.counter_count())))
                .collect(),
        }
    }

    /// Continues the previous bundle's counters, for each model of the same name, version and bins.
    pub(crate) fn carry_on(&mut self, bundle: &Bundle, previous: &Bundle, counted: &Self) {
        for (counters, (_, model)) in self.models.iter_mut().zip(bundle.models()) {
            let mut before = previous.models().zip(&counted.models);
            let same = before.find(|((_, other), _)| {
                other.name == model.name
                    && other.version == model.version
                    && other.histograms.counts_like(&model.histograms)
            });
            if let Some((_, counted)) = same {
                *counters = Arc::clone(counted);
            }
        }
    }

    /// Counts a decision that was answered, by the worker that answered it.
    pub(crate) fn count(&self, worker: usize, decision: &Decision<'_>) {
        let record = decision.record();
        if record.dry_run {
            return;
        }
        for degradation in &record.degradations {
            let place = DEGRADATIONS.iter().position(|kind| *kind == degradation.kind);
            let counters = degradation.model.and_then(|model| self.models.get(model.index()));
            if let Some(counter) = counters
                .zip(place)
                .and_then(|(counters, place)| counters.degradations.get(place))
            {
                counter.add();
            }
        }
        if is_sampled(record.seed, self.sample) {
            decision.tally(|model, counter| self.add(worker, model, counter));
        }
    }

    fn add(&self, worker: usize, model: ModelId, counter: usize) {
        let line = self
            .models
            .get(model.index())
            .and_then(|counters| counters.lines.get(worker));
        if let Some(counter) = line.and_then(|line| line.get(counter)) {
            counter.add();
        }
    }

    /// What has been counted so far.
    #[must_use]
    pub fn report(&self, bundle: &Bundle) -> v1::ModelHealthResponse {
        let models = self.models.iter().zip(bundle.models());
        v1::ModelHealthResponse {
            bundle_digest: bundle.digest().to_owned(),
            sample: self.sample,
            models: models
                .map(|(counters, (_, model))| counters.report(model))
                .collect(),
        }
    }
}

impl ModelCounters {
    fn report(&self, model: &nextbest_engine::Model) -> v1::ModelHealth {
        let kinds = DEGRADATIONS.iter().zip(&self.degradations);
        let mut health = v1::ModelHealth {
            name: model.name.clone(),
            version: model.version.clone(),
            engine: if model.lowered.is_some() {
                "native"
            } else {
                "onnxruntime"
            }
            .to_owned(),
            since_us: self.since_us,
            degradations: kinds
                .map(|(kind, counter)| v1::DegradationCount {
                    kind: (*kind).into(),
                    decisions: counter.get(),
                })
                .collect(),
            ..v1::ModelHealth::default()
        };
        let sums: Vec<u64> = (0..model.histograms.counter_count())
            .map(|place| {
                self.lines
                    .iter()
                    .filter_map(|line| line.get(place))
                    .map(Counter::get)
                    .sum()
            })
            .collect();
        model.histograms.report(&sums, &mut health);
        health
    }
}

/// Whether a decision of this seed is counted. The same seed gives the same result.
fn is_sampled(seed: u64, sample: u32) -> bool {
    sample > 0 && (seed.wrapping_mul(SEED_FACTOR) >> 32).is_multiple_of(u64::from(sample))
}
