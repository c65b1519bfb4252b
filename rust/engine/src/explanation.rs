//! Decision -> why each action was placed or not, and what would have to change.
//!
//! Made only on request, from what the decision kept. Advice for named actions, or for a few, is verified by
//! deciding again.

pub(crate) mod advised;

mod advice;
mod cause;
mod clause;
mod contribution;
mod lever;
mod naming;
mod placing;
mod reading;
mod witness;
mod wording;

#[cfg(test)]
mod tests;

use nextbest_proto::v1::{self, Outcome, Stage, Unavailable};

pub(crate) use contribution::explain as contributions;

use advised::Advised;

use crate::{
    action_set::ActionSet,
    arbitration::Ranked,
    arbitration::applies,
    availability,
    bundle::Bundle,
    decision::Decision,
    id::{ActionId, Id},
    limits::EXPLAINED_CONTRIBUTIONS_MAX,
    native::Method,
    record::{FUNNEL_STAGES, Record},
    response::score,
    room::{AnswerPart, AnswerTooLarge, Room},
    value::Value,
};
use placing::Standing;

/// The funnel alone.
pub(crate) fn funnel(record: &Record<'_>) -> v1::Explanation {
    let counts = FUNNEL_STAGES.iter().zip(record.funnel).zip(record.unknown());
    v1::Explanation {
        funnel: counts
            .map(|((stage, remaining), unknown)| v1::StageCount {
                stage: (*stage).into(),
                remaining,
                unknown,
            })
            .collect(),
        actions: Vec::new(),
    }
}

/// The funnel, and every action that the request asks about.
///
/// # Errors
/// When there is no room for all of them: those after it are not explained then.
pub(crate) fn explain(decision: &Decision<'_>, room: &mut Room) -> Result<v1::Explanation, AnswerTooLarge> {
    let ranks = Ranks::of(decision);
    let explained = &decision.request.explained;
    let told = told(decision, explained);
    let one = |action: ActionId| {
        let method = told.as_ref().filter(|(_, told)| told.contains(action));
        let contributions = method.map(|(method, _)| contributions(decision, action, *method));
        v1::ActionExplanation {
            contributions,
            ..explain_action(decision, &ranks, action)
        }
    };
    let asked: Vec<ActionId> = if explained.is_empty() {
        decision.prepare_interpreter();
        decision.bundle.actions.ids().collect()
    } else {
        explained.clone()
    };
    let fits = |(fitted, action)| {
        let explanation = one(action);
        let asked = asked.len();
        room.take_message(&explanation, AnswerPart::Actions { fitted, asked })?;
        Ok(explanation)
    };
    Ok(v1::Explanation {
        actions: asked
            .iter()
            .copied()
            .enumerate()
            .map(fits)
            .collect::<Result<_, _>>()?,
        ..funnel(&decision.record)
    })
}

/// The actions whose contributions are returned, and their method; none if not requested.
fn told(decision: &Decision<'_>, explained: &[ActionId]) -> Option<(Method, ActionSet)> {
    let asked = &decision.request.contributions;
    let method = asked.method.filter(|_| asked.of_explained)?;
    let all = decision.bundle.actions.len();
    let mut told = ActionSet::empty(all);
    if explained.is_empty() {
        let ranked = decision.record.ranked.iter().map(|ranked| ranked.action);
        for action in ranked.chain(decision.bundle.actions.ids()) {
            if told.count() as usize >= EXPLAINED_CONTRIBUTIONS_MAX {
                break;
            }
            told.insert(action);
        }
    } else {
        for action in explained {
            told.insert(*action);
        }
    }
    Some((method, told))
}

/// The place of each action in the ranking.
struct Ranks {
    indices: Vec<Option<usize>>,
}

impl Ranks {
    fn of(decision: &Decision<'_>) -> Self {
        let mut indices = vec![None; decision.bundle.actions.len()];
        for (index, ranked) in decision.record.ranked.iter().enumerate() {
            if let Some(slot) = indices.get_mut(ranked.action.index()) {
                *slot = Some(index);
            }
        }
        Self { indices }
    }

    fn get(&self, action: ActionId) -> Option<usize> {
        self.indices.get(action.index()).copied().flatten()
    }
}

fn explain_action(decision: &Decision<'_>, ranks: &Ranks, action: ActionId) -> v1::ActionExplanation {
    let bundle = decision.bundle;
    let unavailable = availability::explain(bundle, decision.request, decision.record.now_us, action);
    let standing = placing::standing(decision, ranks.get(action), action);
    let score = |ranked: &Ranked| score(bundle, action, &ranked.factors);
    v1::ActionExplanation {
        action: bundle.action_name(action).to_owned(),
        issue: bundle.issue_name(action).to_owned(),
        group: bundle.group_name(action).to_owned(),
        dropped_at: dropped_at(decision, action, standing).into(),
        unavailable: unavailable.unwrap_or_default().into(),
        clauses: clause::explain(decision, action),
        score: standing.and_then(Standing::ranked).map(score),
        rank: ranks
            .get(action)
            .map_or(0, |index| u32::try_from(index + 1).unwrap_or(u32::MAX)),
        placing: placing(decision, action, standing),
        changes: changes(decision, action, unavailable, standing),
        context_weights: context_weights(decision, action),
        contributions: None,
        advice: advised(decision, action).and_then(|advised| advised.advice.clone()),
    }
}

fn placing(decision: &Decision<'_>, action: ActionId, standing: Option<Standing<'_>>) -> Option<v1::Placing> {
    let fallback_placements = placing::fallback_placements(decision, action);
    match standing {
        Some(standing) => Some(v1::Placing {
            fallback_placements,
            ..placing::explain(decision, action, standing).0
        }),
        None if fallback_placements.is_empty() => None,
        None => Some(v1::Placing {
            outcome: Outcome::Fallback.into(),
            fallback_placements,
            ..v1::Placing::default()
        }),
    }
}

/// The stage at which an action left. One that is a fallback has left all the same.
fn dropped_at(decision: &Decision<'_>, action: ActionId, standing: Option<Standing<'_>>) -> Stage {
    let stages = &decision.record.stages;
    let sets = [
        (Stage::Availability, &stages.available),
        (Stage::Eligibility, &stages.passed.eligible),
        (Stage::Applicability, &stages.passed.applicable),
        (Stage::Suitability, &stages.passed.suitable),
        (Stage::Treatment, &stages.treatable),
    ];
    if let Some((stage, _)) = sets.into_iter().find(|(_, left)| !left.contains(action)) {
        return stage;
    }
    match standing {
        Some(Standing::Placed { .. }) => Stage::Placed,
        Some(Standing::Ranked { .. }) => Stage::Arbitration,
        Some(Standing::BelowPropensity(_) | Standing::Valueless) | None => Stage::Propensity,
    }
}

/// What would have to change, in the order of the stages.
fn changes(
    decision: &Decision<'_>,
    action: ActionId,
    unavailable: Option<Unavailable>,
    standing: Option<Standing<'_>>,
) -> Vec<String> {
    if matches!(standing, Some(Standing::Placed { .. })) {
        return Vec::new();
    }
    let mut changes: Vec<String> = unavailable
        .map(|why| availability_change(decision, action, why))
        .into_iter()
        .collect();
    changes.extend(clause::changes(decision, action));
    if let Some(advised) = advised(decision, action) {
        changes.extend(advised.kept.iter().cloned().chain([advised.sentence.clone()]));
    } else {
        changes.extend(clause::kept_in_general(decision, action));
    }
    if let Some(standing) = standing {
        changes.extend(placing::explain(decision, action, standing).1);
    }
    changes
}

fn advised<'a>(decision: &'a Decision<'_>, action: ActionId) -> Option<&'a Advised> {
    decision.advised.iter().find(|advised| advised.action == action)
}

fn availability_change(decision: &Decision<'_>, action: ActionId, why: Unavailable) -> String {
    let (bundle, request) = (decision.bundle, decision.request);
    let row = &bundle.actions[action];
    let time =
        |time_us: Option<i64>| naming::shortened(decision, &Value::Timestamp(time_us.unwrap_or_default()));
    match why {
        Unavailable::Disabled | Unavailable::Unspecified => "the action must be enabled".to_owned(),
        Unavailable::NotYet => format!(
            "the action must be active: it will be from {}",
            time(row.active_from_us)
        ),
        Unavailable::Expired => format!(
            "the action must be active: it was until {}",
            time(row.active_until_us)
        ),
        Unavailable::NoTreatmentForChannel => {
            format!(
                "the action must have a treatment for channel `{}`",
                bundle.channel_name(request.channel)
            )
        }
        Unavailable::NoTreatmentForPlacements => {
            let name = |placement| format!("`{}`", bundle.placement_name(request.channel, placement));
            let names: Vec<String> = request
                .placements
                .iter()
                .map(|requested| name(requested.placement))
                .collect();
            format!(
                "the action must have a treatment for {}",
                naming::join(&names, "or")
            )
        }
    }
}

fn context_weights(decision: &Decision<'_>, action: ActionId) -> Vec<String> {
    let bundle: &Bundle = decision.bundle;
    let weights = bundle.context_weights.rows().iter();
    let matching = weights
        .filter(|weight| applies(bundle, weight, action) && decision.interpreter().all(&weight.clauses));
    matching
        .map(|weight| format!("{:+} % {}", weight.percent, weight.text))
        .collect()
}
