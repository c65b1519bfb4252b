//! An index and the features of a request -> what is true of every action, stage by stage.

use std::cell::Cell;

use super::{
    CHUNK_SLOTS, Index, TILE_ACTIONS, Tile,
    axis::Positions,
    plane::{Scratch, Verdict},
};
use crate::{
    action_set::ActionSet,
    id::{ChannelId, ContextWeightId, Id, PlacementId, narrow},
    kernel::{Kernel, Line},
    value::Value,
};

/// An index, and the places of the values of one request.
pub(crate) struct Search<'i> {
    index: &'i Index,
    positions: Positions,
    scratch: Scratch,
}

thread_local! {
    /// Memory that a thread's decisions use one after the other; no word of it goes from one to the next.
    static MEMORY: Cell<(Positions, Scratch)> = Cell::default();
}

/// The truth of each stage of policies for every action, each independently: actions dropped by an earlier
/// stage are still in the later ones.
#[derive(Debug)]
pub(crate) struct PolicyVerdicts {
    kernel: Kernel,
    /// Of each tile, and the lines that a stage has there.
    pub(super) tiles: Vec<(Verdict, usize)>,
}

/// A stage of policies: its position in the order of the stages.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PolicyStage {
    Eligibility,
    Applicability,
    Suitability,
}

impl PolicyVerdicts {
    /// Of the actions that came as far as a stage, those whose clauses are all true there, and how many of the others
    /// have none that is false: what they lack is not known.
    pub(crate) fn pass(&self, before: &ActionSet, stage: PolicyStage) -> (ActionSet, u32) {
        let (mut passed, mut unknown) = (before.clone(), 0);
        for ((verdict, lines), words) in self.tiles.iter().zip(passed.tiles_mut(TILE_ACTIONS)) {
            let first = stage as usize * lines;
            let (truth, not_false) = (verdict.truth.get(first..), verdict.not_false.get(first..));
            unknown += self
                .kernel
                .pass(words, truth.unwrap_or_default(), not_false.unwrap_or_default());
        }
        (passed, unknown)
    }
}

impl<'i> Search<'i> {
    /// Finds the positions of a request's values; everything else is asked of what it gives.
    pub(super) fn new(index: &'i Index, features: &[Value<'_>], now_us: i64) -> Self {
        let (mut positions, scratch) = MEMORY.take();
        index
            .axes
            .find(index.report.kernel, features, now_us, &mut positions);
        Search {
            index,
            positions,
            scratch,
        }
    }
}

impl Drop for Search<'_> {
    fn drop(&mut self) {
        MEMORY.set((
            std::mem::take(&mut self.positions),
            std::mem::take(&mut self.scratch),
        ));
    }
}

impl Search<'_> {
    /// The actions that are enabled and inside their windows.
    pub(crate) fn available(&mut self) -> ActionSet {
        let mut available = ActionSet::with_capacity(self.index.action_count);
        for tile in &self.index.tiles {
            if let Some(truth) = tile.availability.constant() {
                available.append(truth, tile.action_count);
            } else {
                let verdict = tile.availability.evaluate(&self.positions, &mut self.scratch);
                available.append(&verdict.truth, tile.action_count);
            }
        }
        available
    }

    /// The actions whose policies hold, stage by stage.
    pub(crate) fn policies(&mut self) -> PolicyVerdicts {
        let evaluate = |tile: &Tile| {
            (
                tile.policies.evaluate(&self.positions, &mut self.scratch),
                tile.lines,
            )
        };
        PolicyVerdicts {
            kernel: self.index.report.kernel,
            tiles: self.index.tiles.iter().map(evaluate).collect(),
        }
    }

    /// The actions with a treatment for one of the placements whose conditions are true.
    pub(crate) fn treatable(
        &mut self,
        channel: ChannelId,
        placements: &(impl Iterator<Item = PlacementId> + Clone),
    ) -> ActionSet {
        let mut treatable = ActionSet::empty(self.index.action_count);
        let Some(treatments) = self.index.treatments.get(channel.index()) else {
            return treatable;
        };
        for requested in placements.clone() {
            if let Some(actions) = treatments.unconditional.get(requested.index()) {
                treatable.extend(actions);
            }
        }
        for conditional in &treatments.conditional {
            let verdict = conditional.sheet.evaluate(&self.positions, &mut self.scratch);
            for slot in slots(&verdict.truth) {
                let Some((action, placement)) = conditional.of_slots.get(slot) else {
                    continue;
                };
                if placements
                    .clone()
                    .any(|requested| placement.is_none_or(|only| only == requested))
                {
                    treatable.insert(*action);
                }
            }
        }
        treatable
    }

    /// The context weights whose conditions are true, in the bundle's order.
    pub(crate) fn context_weights(&mut self) -> Vec<ContextWeightId> {
        let mut matching = Vec::new();
        for (chunk, sheet) in self.index.context_weights.iter().enumerate() {
            let verdict = sheet.evaluate(&self.positions, &mut self.scratch);
            let positions = slots(&verdict.truth).map(|slot| narrow(chunk * CHUNK_SLOTS + slot));
            matching.extend(positions.map(ContextWeightId::from_index));
        }
        matching
    }
}

/// The slots whose bits are set, ascending.
fn slots(lines: &[Line]) -> impl Iterator<Item = usize> + '_ {
    let words = lines.iter().flat_map(|line| line.0).enumerate();
    words.flat_map(|(position, word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(position * 64 + bit)
        })
    })
}
