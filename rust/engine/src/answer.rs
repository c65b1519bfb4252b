//! Decision -> the answer that the channel gets, with as much explanation as the request asks for.

use nextbest_proto::v1;

use crate::{
    decision::Decision,
    explanation,
    native::Method,
    record::FUNNEL_STAGES,
    response,
    room::{AnswerPart, AnswerTooLarge, Room},
};

/// Of the funnel: three numbers for each of its lines, and framing.
const FUNNEL_BYTES_MAX: usize = 24 * FUNNEL_STAGES.len();

impl Decision<'_> {
    /// The most bytes that the answer can take when encoded. None where it has contributions or explanations of actions:
    /// they are measured while they are built, and [`Decision::respond`] stops where they become too large.
    #[must_use]
    pub fn answer_bytes_max(&self) -> Option<usize> {
        let is_plain = self.request.explanation != v1::ExplanationLevel::Full
            && self.request.contributions.method.is_none();
        is_plain.then(|| self.plain_bytes_max())
    }

    fn plain_bytes_max(&self) -> usize {
        let funnel = match self.request.explanation {
            v1::ExplanationLevel::Funnel | v1::ExplanationLevel::Full => FUNNEL_BYTES_MAX,
            v1::ExplanationLevel::None | v1::ExplanationLevel::Unspecified => 0,
        };
        response::bytes_max(self.bundle, &self.record) + funnel
    }

    /// The answer, with as much explanation as the request asks for.
    ///
    /// # Errors
    /// When it would take more than `bytes_max` when encoded. It is built no further than that.
    pub fn respond(&self, bytes_max: usize) -> Result<v1::DecideResponse, AnswerTooLarge> {
        let mut room = Room::new(bytes_max);
        room.take(self.plain_bytes_max(), AnswerPart::Placements)?;
        let mut answer = response::render(self.bundle, &self.record);
        if let Some(method) = self.request.contributions.method {
            self.tell_contributions(method, &mut answer, &mut room)?;
        }
        answer.explanation = match self.request.explanation {
            v1::ExplanationLevel::Funnel => Some(explanation::funnel(&self.record)),
            v1::ExplanationLevel::Full => Some(explanation::explain(self, &mut room)?),
            v1::ExplanationLevel::None | v1::ExplanationLevel::Unspecified => None,
        };
        Ok(answer)
    }

    /// Adds what makes up the propensities of the best actions placed.
    fn tell_contributions(
        &self,
        method: Method,
        answer: &mut v1::DecideResponse,
        room: &mut Room,
    ) -> Result<(), AnswerTooLarge> {
        // Fallbacks have no rank.
        let mut best: Vec<_> = self
            .record
            .placed
            .iter()
            .filter(|placed| placed.rank > 0)
            .collect();
        best.sort_by_key(|placed| placed.rank);
        for placed in best.into_iter().take(self.request.contributions.top as usize) {
            let name = self.bundle.action_name(placed.action);
            let placement = answer.placements.get_mut(placed.requested);
            let actions = placement.into_iter().flat_map(|placement| &mut placement.actions);
            for action in actions.filter(|action| action.action == name) {
                let contributions = explanation::contributions(self, placed.action, method);
                room.take_message(&contributions, AnswerPart::Contributions)?;
                action.contributions = Some(contributions);
            }
        }
        Ok(())
    }
}
