//! The scores of a decision's lowered models, compared with another scorer: the check that goes on after
//! publication.

use nextbest_proto::v1::PropensitySource;

use crate::{
    bundle::Bundle,
    features,
    id::{ActionId, ModelId},
    limits::BATCH_ROWS_MAX,
    program::machine::Machine,
    propensity::{Scorer, batch},
    record::Record,
};

/// How far a score of a lowered model may be from the graph's before it counts as another.
pub const RESCORING_DISTANCE_MAX: f64 = 1e-6;

/// The comparison for one lowered model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rescored {
    /// Which model.
    pub model: ModelId,
    /// Scores that were compared.
    pub compared: u64,
    /// Those of them that differ by more than [`RESCORING_DISTANCE_MAX`].
    pub disagreed: u64,
    /// Scores that could not be compared, because the other scorer has none.
    pub failed: u64,
    /// The largest difference.
    pub farthest: f64,
}

/// Scores what a decision's lowered models have scored once more, with another scorer. The bundle is the one that
/// decided.
pub fn rescore(bundle: &Bundle, record: &Record<'_>, scorer: &mut dyn Scorer) -> Vec<Rescored> {
    let features = features::evaluate(bundle, &record.inputs, record.now_us, &mut Machine::new());
    let mut said: Vec<(ModelId, ActionId, f64)> = record
        .ranked
        .iter()
        .filter(|ranked| ranked.factors.propensity_source == PropensitySource::Model)
        .filter_map(|ranked| {
            let model = bundle.actions[ranked.action].model?;
            bundle.models[model].lowered.as_ref()?;
            Some((model, ranked.action, ranked.factors.propensity))
        })
        .collect();
    said.sort_unstable_by_key(|(model, action, _)| (*model, *action));
    let mut found = Vec::new();
    for of_model in said.chunk_by(|left, right| left.0 == right.0) {
        let Some((model, ..)) = of_model.first() else {
            continue;
        };
        let mut rescored = Rescored {
            model: *model,
            compared: 0,
            disagreed: 0,
            failed: 0,
            farthest: 0.0,
        };
        for run in of_model.chunks(BATCH_ROWS_MAX) {
            let actions = run.iter().map(|(_, action, _)| *action);
            let (batch, complete) = batch::assemble(bundle, &features, &bundle.models[*model], actions);
            let mut answers = Vec::with_capacity(batch.rows);
            let is_whole = complete.iter().all(|complete| *complete)
                && scorer.score(*model, &batch, &mut answers).is_ok()
                && answers.len() == run.len();
            if !is_whole {
                rescored.failed += run.len() as u64;
                continue;
            }
            for ((.., score), answer) in run.iter().zip(answers) {
                let distance = (score - answer.clamp(0.0, 1.0)).abs();
                rescored.compared += 1;
                // A value that is not a number has the largest difference.
                let is_near = distance <= RESCORING_DISTANCE_MAX;
                rescored.disagreed += u64::from(!is_near);
                rescored.farthest = rescored.farthest.max(distance);
            }
        }
        found.push(rescored);
    }
    found
}
