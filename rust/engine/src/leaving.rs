//! The stages of a decision -> the condition at which most actions left: the first thing to look at when an answer is
//! shorter than expected.

use nextbest_proto::v1::Stage;

use crate::{
    bundle::Bundle,
    decision::Stages,
    eligibility::{Truth, Truths},
    id::{ActionId, ClauseId, ConditionId, Id},
};

/// The condition at which most actions left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrequentLeave<'a> {
    /// Eligibility, applicability or suitability: the first at which an action left for this condition.
    pub stage: Stage,
    /// The marketer's reason, or the condition's text where none was given.
    pub reason: &'a str,
    /// How many actions left at it; at least 1.
    pub actions: u32,
}

/// An action counts for the condition of its first clause that is not true, at the stage where it left. Of conditions
/// with as many actions, the first in the bundle.
pub(crate) fn most_frequent<'a>(
    bundle: &'a Bundle,
    truths: &Truths,
    stages: &Stages,
) -> Option<FrequentLeave<'a>> {
    let mut counts = vec![(0_u32, Stage::Unspecified); bundle.conditions.len()];
    let passed = &stages.passed;
    let lines = [
        (Stage::Eligibility, &stages.available, &passed.eligible),
        (Stage::Applicability, &passed.eligible, &passed.applicable),
        (Stage::Suitability, &passed.applicable, &passed.suitable),
    ];
    for (stage, before, after) in lines {
        for action in before.iter().filter(|action| !after.contains(*action)) {
            let condition = first_failing(bundle, truths, policies(bundle, action, stage));
            if let Some((count, at)) = condition.and_then(|condition| counts.get_mut(condition.place())) {
                *at = if *count == 0 { stage } else { *at };
                *count += 1;
            }
        }
    }
    let counted = bundle.conditions.rows().iter().zip(counts);
    // Of equals, `max_by_key` takes the last.
    let (condition, (actions, stage)) = counted.rev().max_by_key(|(_, (count, _))| *count)?;
    let reason = if condition.reason.is_empty() {
        &condition.text
    } else {
        &condition.reason
    };
    (actions > 0).then_some(FrequentLeave {
        stage,
        reason,
        actions,
    })
}

fn policies(bundle: &Bundle, action: ActionId, stage: Stage) -> &[ClauseId] {
    let policies = &bundle.actions[action].policies;
    match stage {
        Stage::Eligibility => &policies.eligibility,
        Stage::Applicability => &policies.applicability,
        _ => &policies.suitability,
    }
}

fn first_failing(bundle: &Bundle, truths: &Truths, clauses: &[ClauseId]) -> Option<ConditionId> {
    let failing = clauses
        .iter()
        .find(|clause| truths.clause(**clause) != Truth::True)?;
    Some(bundle.clauses[*failing].condition)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Moment, NoModels, Request, decide,
        testing::{AGE, TestBundle, at_least, attribute, int, request},
    };

    fn leave(age: i64) -> Option<(Stage, String, u32)> {
        let mut bundle = TestBundle::new();
        let adult = bundle.test(AGE, at_least(18));
        let senior = bundle.test(AGE, at_least(65));
        bundle.action("card", 1.0).eligibility = vec![adult, senior];
        bundle.action("loan", 1.0).eligibility = vec![adult];
        bundle.action("newsletter", 1.0);
        bundle.action("pension", 1.0).applicability = vec![senior];
        let bundle = Bundle::open(&bundle.seal()).unwrap();
        let request = Request::check(&bundle, request(&["hero"], vec![attribute("age", int(age))])).unwrap();
        let decision = decide(
            &bundle,
            &request,
            None,
            Moment { now_us: 0, seed: 0 },
            &mut NoModels,
        );
        let leave = decision.frequent_leave()?;
        Some((leave.stage, leave.reason.to_owned(), leave.actions))
    }

    #[test]
    fn actions_count_for_their_first_failing_condition() {
        assert_eq!(leave(10), Some((Stage::Eligibility, "reason 0".to_owned(), 2)));
        assert_eq!(leave(40), Some((Stage::Eligibility, "reason 1".to_owned(), 2)));
        assert_eq!(leave(70), None);
    }
}
