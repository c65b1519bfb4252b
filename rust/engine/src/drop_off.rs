//! The stages of a decision -> the condition at which most actions left: the first thing to look at when an answer is
//! shorter than expected.

use nextbest_proto::v1::Stage;

use crate::{
    bundle::Bundle,
    decision::Decision,
    eligibility::Interpreter,
    id::{ActionId, ClauseId, ConditionId},
    stages::Stages,
};

/// Dropped actions, of which at most this number is examined.
const EXAMINED_MAX: u32 = 64;

/// The condition at which most actions left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopDropOff<'a> {
    /// Eligibility, applicability or suitability: the first at which an action left for this condition.
    pub stage: Stage,
    /// The marketer's reason, or the condition's text where none was given.
    pub reason: &'a str,
    /// How many actions left at it; at least 1. Where more than 64 actions left, some of them are looked at, all over
    /// the bundle, and this is projected.
    pub actions: u32,
}

impl Decision<'_> {
    /// The condition at which most actions left; nothing where every available action met its policies.
    #[must_use]
    pub fn top_drop_off(&self) -> Option<TopDropOff<'_>> {
        find(self.bundle, self.interpreter(), &self.record.stages)
    }
}

/// An action counts for the condition of its first clause that is not true, at the stage where it left. Of conditions
/// with as many actions, the first in the bundle.
fn find<'a>(bundle: &'a Bundle, interpreter: Interpreter<'_>, stages: &Stages) -> Option<TopDropOff<'a>> {
    let passed = &stages.passed;
    let left = [
        (Stage::Eligibility, stages.available.difference(&passed.eligible)),
        (
            Stage::Applicability,
            passed.eligible.difference(&passed.applicable),
        ),
        (Stage::Suitability, passed.applicable.difference(&passed.suitable)),
    ];
    let total: u32 = left.iter().map(|(_, actions)| actions.count()).sum();
    let step = total.div_ceil(EXAMINED_MAX).max(1);
    let mut examined: Vec<(ConditionId, Stage)> = Vec::new();
    for (stage, actions) in &left {
        examined.extend(actions.one_of_every(step).filter_map(|action| {
            let failing = interpreter.first_failing(policies(bundle, action, *stage))?;
            Some((bundle.clauses[failing].condition, *stage))
        }));
    }
    // Stages are in their order, and stay in it.
    examined.sort_by_key(|(condition, _)| *condition);
    let of_conditions = examined.chunk_by(|(left, _), (right, _)| left == right);
    // Of equals, `max_by_key` takes the last.
    let most = of_conditions
        .rev()
        .max_by_key(|of_condition| of_condition.len())?;
    let (condition, stage) = most.first().copied()?;
    let row = &bundle.conditions[condition];
    let share = u64::from(total) * most.len() as u64 / examined.len().max(1) as u64;
    Some(TopDropOff {
        stage,
        reason: if row.reason.is_empty() {
            &row.text
        } else {
            &row.reason
        },
        actions: u32::try_from(share).unwrap_or(u32::MAX),
    })
}

fn policies(bundle: &Bundle, action: ActionId, stage: Stage) -> &[ClauseId] {
    let policies = bundle.policies.of(action);
    match stage {
        Stage::Eligibility => policies.eligibility,
        Stage::Applicability => policies.applicability,
        _ => policies.suitability,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Moment, NoModels, Request, decide,
        testing::{AGE, TestBundle, at_least, attribute, int, request},
    };

    fn drop_off(age: i64) -> Option<(Stage, String, u32)> {
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
        let found = decision.top_drop_off()?;
        Some((found.stage, found.reason.to_owned(), found.actions))
    }

    #[test]
    fn actions_count_for_their_first_failing_condition() {
        assert_eq!(drop_off(10), Some((Stage::Eligibility, "reason 0".to_owned(), 2)));
        assert_eq!(drop_off(40), Some((Stage::Eligibility, "reason 1".to_owned(), 2)));
        assert_eq!(drop_off(70), None);
    }

    #[test]
    fn where_many_left_some_are_looked_at() {
        let mut bundle = TestBundle::new();
        let (adult, senior) = (bundle.test(AGE, at_least(18)), bundle.test(AGE, at_least(65)));
        for index in 0..4_000 {
            let clause = if index % 4 == 0 { adult } else { senior };
            bundle.action(&format!("action-{index:04}"), 1.0).eligibility = vec![clause];
        }
        let bundle = Bundle::open(&bundle.seal()).unwrap();
        let request = Request::check(&bundle, request(&["hero"], vec![attribute("age", int(10))])).unwrap();
        let moment = Moment { now_us: 0, seed: 0 };
        let decision = decide(&bundle, &request, None, moment, &mut NoModels);
        let found = decision.top_drop_off().unwrap();
        assert_eq!((found.stage, found.reason), (Stage::Eligibility, "reason 1"));
        assert!((2_700..=3_300).contains(&found.actions), "{}", found.actions);
    }
}
