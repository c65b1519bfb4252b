//! An action that was dropped because of its conditions -> values that meet them, and the outcome for the
//! action with them: decided again, not assumed.

use nextbest_proto::v1::{self, DegradationKind, Outcome, Stage};

use super::{
    advised::Advised,
    lever, naming, placing,
    witness::{self, EVALUATIONS_IN_ALL_MAX, Witness},
};
use crate::{
    availability,
    decision::{Decision, decide},
    id::ActionId,
    number::short,
    propensity::Scorer,
    record::Record,
    request::{Moment, Request, RequestedContributions, Sent},
    response::{ordinal, score},
    tables::Root,
    value::Value,
};

/// Actions that are decided again, of those that a request names: each costs a decision.
const ADVISED_NAMED_MAX: usize = 100;
/// The same where it names none.
const ADVISED_MAX: usize = 20;

impl Decision<'_> {
    /// Whether the request asks for advice: few do, and the others need no scorer for it.
    #[must_use]
    pub fn needs_advice(&self) -> bool {
        self.request.explanation == v1::ExplanationLevel::Full
    }

    /// If the request asks for every explanation: finds what would have to change for the actions that left for their
    /// conditions, of those that the request names, or else of the best, by deciding again. Otherwise does nothing.
    pub fn advise(&mut self, scorer: &mut dyn Scorer) {
        if self.needs_advice() {
            self.advised = advise(self, scorer);
        }
    }
}

fn advise(decision: &Decision<'_>, scorer: &mut dyn Scorer) -> Vec<Advised> {
    let (bundle, request) = (decision.bundle, decision.request);
    let named = &request.explained;
    let asked: Vec<ActionId> = if named.is_empty() {
        let ranked = decision.record.ranked.iter().map(|ranked| ranked.action);
        let others = bundle
            .actions
            .ids()
            .filter(|action| !decision.record.stages.treatable.contains(*action));
        ranked.chain(others).take(ADVISED_MAX).collect()
    } else {
        named.iter().copied().take(ADVISED_NAMED_MAX).collect()
    };
    let now_us = decision.record.now_us;
    let has_left = |action: &ActionId| {
        !decision.record.stages.treatable.contains(*action)
            && availability::explain(bundle, request, now_us, *action).is_none()
    };
    let asked = asked.into_iter().filter(has_left);
    let mut evaluations_left = EVALUATIONS_IN_ALL_MAX;
    let advise = |action| {
        let witness = witness::find(decision, action, &mut evaluations_left);
        advise_one(decision, action, witness, scorer)
    };
    asked.map(advise).collect()
}

fn advise_one(
    decision: &Decision<'_>,
    action: ActionId,
    witness: Option<Witness>,
    scorer: &mut dyn Scorer,
) -> Advised {
    let Some(witness) = witness else {
        return Advised {
            action,
            advice: None,
            sentence: "no values were found that meet all of this: whether it would be placed is not known"
                .to_owned(),
            kept: Vec::new(),
        };
    };
    let kept = super::clause::kept(decision, &witness);
    let request = supposed(decision, &witness);
    let moment = Moment {
        now_us: decision.record.now_us,
        seed: decision.record.seed,
    };
    let again = decide(decision.bundle, &request, decision.capsule, moment, scorer);
    let with = with(decision, &witness);
    if is_late(&again.record) && !is_late(&decision.record) {
        return Advised {
            action,
            advice: None,
            sentence: format!("{with}, all of this holds: there was no time to decide the outcome"),
            kept,
        };
    }
    let (advice, then) = outcome(&again, action);
    Advised {
        action,
        advice: Some(v1::Advice {
            customer: values(decision, &witness, Root::Customer),
            context: values(decision, &witness, Root::Context),
            ..advice
        }),
        sentence: format!("{with}, {then}"),
        kept,
    }
}

/// The same question with other values.
fn supposed(decision: &Decision<'_>, witness: &Witness) -> Request {
    let request = decision.request;
    let changed = witness.changes.iter().map(|change| Sent {
        attribute: change.attribute,
        value: change.value.clone(),
    });
    Request {
        customer_id: request.customer_id.clone(),
        sent: request.sent.iter().cloned().chain(changed).collect(),
        channel: request.channel,
        placements: request.placements.clone(),
        dry_run: true,
        explanation: v1::ExplanationLevel::None,
        explained: Vec::new(),
        contributions: RequestedContributions::none(),
        now_us: Some(decision.record.now_us),
        seed: Some(decision.record.seed),
    }
}

fn is_late(record: &Record<'_>) -> bool {
    let mut degradations = record.degradations.iter();
    degradations.any(|degradation| degradation.kind == DegradationKind::Deadline)
}

fn values(decision: &Decision<'_>, witness: &Witness, root: Root) -> Vec<v1::Attribute> {
    let attributes = witness.changes.iter().filter_map(|change| {
        let declared = &decision.bundle.attributes[change.attribute];
        (declared.root == root).then(|| v1::Attribute {
            name: declared.name.clone(),
            value: change.value.clone().map(|kind| v1::Value { kind: Some(kind) }),
        })
    });
    attributes.collect()
}

/// "with `customer.age` 18 and `customer.vip` true".
fn with(decision: &Decision<'_>, witness: &Witness) -> String {
    let value = |change: &witness::Change| {
        let name = &decision.bundle.features[change.feature].name;
        let value = change.value.as_ref().map_or(Value::Missing, Value::of);
        format!("`{name}` {}", naming::shortened(decision, &value))
    };
    let values: Vec<String> = witness.changes.iter().map(value).collect();
    format!("with {}", naming::join(&values, "and"))
}

/// The outcome for the action, and its sentence: "it would be ranked third and placed in `hero`".
fn outcome(again: &Decision<'_>, action: ActionId) -> (v1::Advice, String) {
    let bundle = again.bundle;
    let rank = again
        .record
        .ranked
        .iter()
        .position(|ranked| ranked.action == action);
    let standing = placing::standing(again, rank, action);
    let placing = placing(again, action, standing);
    let dropped_at = super::dropped_at(again, action, standing);
    let factors = standing
        .and_then(placing::Standing::ranked)
        .map(|ranked| ranked.factors);
    let rank = rank.map_or(0, |index| u32::try_from(index + 1).unwrap_or(u32::MAX));
    let sentence = match (dropped_at, &placing) {
        (Stage::Placed, Some(placing)) => {
            format!(
                "it would be ranked {} and placed in `{}`",
                ordinal(rank),
                placing.placement
            )
        }
        (Stage::Propensity | Stage::Arbitration, Some(placing)) => {
            let priority = factors.map_or(0.0, |factors| factors.priority);
            let change = standing.and_then(|standing| placing::explain(again, action, standing).1);
            not_placed(again, placing, priority, change)
        }
        _ => "the outcome is not known".to_owned(),
    };
    let advice = v1::Advice {
        dropped_at: dropped_at.into(),
        rank,
        score: factors.map(|factors| score(bundle, action, &factors)),
        placing,
        ..v1::Advice::default()
    };
    (advice, sentence)
}

/// "it would still lose `hero` to `gold` (priority 0.1 against 50); no higher lever would do".
fn not_placed(again: &Decision<'_>, placing: &v1::Placing, priority: f64, change: Option<String>) -> String {
    let (index, lost_to) = (&placing.placement, &placing.lost_to);
    let mut ranking = again.record.ranked.iter();
    let rival = ranking.find(|ranked| again.bundle.action_name(ranked.action) == lost_to);
    let (Outcome::Lost, Some(rival)) = (placing.outcome(), rival) else {
        let change = change.map(|change| format!(": {change}")).unwrap_or_default();
        return format!("it would still not be placed{change}");
    };
    let lever = match placing.lever_needed_percent {
        Some(points) => format!(
            "; a lever of {} percentage points more would then place it",
            short(points)
        ),
        None if lever::are_factors(again) => "; no higher lever would do".to_owned(),
        None => String::new(),
    };
    let against = short(rival.factors.priority);
    format!(
        "it would still lose `{index}` to `{lost_to}` (priority {} against {against}){lever}",
        short(priority)
    )
}
