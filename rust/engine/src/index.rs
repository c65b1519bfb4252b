//! The policies of a bundle, turned round: for each feature, which actions a value takes away. Filtering then costs one
//! look-up a feature, whatever the number of conditions.
//!
//! ```text
//! literals of a bundle -> axes (one feature each, cut where a literal turns)
//! clauses of an action -> a slot in a sheet -> kill lists and rows, by axis and place
//!
//! features -> places -> planes of bits -> the actions that each stage leaves
//! ```
//!
//! It gives what the interpreter in [`crate::eligibility`] gives, which is its oracle, and no reasons: those are asked
//! of the interpreter, for the actions that somebody asks about.

mod key;

mod dictionary;

mod axis;
mod constants;
mod sense;

mod axes;

mod plan;
mod plane;

mod disjunctions;
mod sheet;

#[cfg(test)]
mod tests;

use std::cell::Cell;

use crate::{
    action_set::ActionSet,
    bundle::{
        BundleFault,
        tables::{Action, Channel, ContextWeight, Feature, Literal, PolicyTable, Treatment},
    },
    id::{
        ActionId, ChannelId, ClauseId, ContextWeightId, FeatureId, Id, Lists, LiteralId, PlacementId, Table,
    },
    kernel::{Kernel, Line},
    record::RequestedPlacement,
    value::Value,
};
use axes::Axes;
use axis::{AxisId, Places};
use plan::{Budget, Choose};
use plane::{Entry, Forms, Plane, Scratch, Slots, Verdict};
use sheet::{Ground, Sheet};

/// Actions of one tile: 20 lines for each stage, the lines that AVX-512 keeps in registers.
const TILE_ACTIONS: usize = 10_240;
/// Treatments and context weights that share a sheet: half of the slots, the others are for their clauses.
const CHUNK_SLOTS: usize = 32_768;
/// Lines of a tile up to which the form of its parts is chosen for all stages together.
const SMALL_LINES_MAX: usize = 12;

/// How a bundle's index is made.
#[derive(Clone, Copy, Debug)]
pub struct IndexOptions {
    /// Whose instructions filter.
    pub kernel: Kernel,
    /// Memory that it may take; a bundle that needs more is refused.
    pub bytes_max: usize,
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self {
            kernel: Kernel::best(),
            bytes_max: INDEX_BYTES_MAX,
        }
    }
}

/// Bytes that an index may take unless somebody says otherwise.
pub const INDEX_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// What an index is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexReport {
    /// Whose instructions filter.
    pub kernel: Kernel,
    /// Memory that it takes.
    pub bytes: usize,
    /// Features, each once for every way in which policies test it.
    pub axes: usize,
    /// Literals, each once for every action that has it in a stage.
    pub literals: usize,
    /// Of these, those in kill lists; the others are bits of rows.
    pub listed_literals: usize,
    /// Features with rows, once for each stage and tile.
    pub row_groups: usize,
}

/// The index of one bundle.
#[derive(Debug)]
pub(crate) struct Index {
    axes: Axes,
    tiles: Vec<Tile>,
    /// By channel.
    treatments: Vec<Treatments>,
    context_weights: Vec<Sheet>,
    action_count: usize,
    report: IndexReport,
}

/// Some of the actions, in the order of their ids.
#[derive(Debug)]
struct Tile {
    action_count: usize,
    /// Lines for each stage.
    lines: usize,
    /// Enabled, and inside their windows.
    availability: Plane,
    /// Three regions: eligibility, applicability, suitability.
    policies: Sheet,
}

/// Treatments of one channel.
#[derive(Debug)]
struct Treatments {
    /// For each placement, the actions with a treatment for it that has no condition.
    unconditional: Vec<ActionSet>,
    conditional: Vec<Conditional>,
}

/// Treatments with conditions, a slot each.
#[derive(Debug)]
struct Conditional {
    sheet: Sheet,
    /// Whose treatment it is, and for which placement, if not for any of the channel.
    of_slots: Vec<(ActionId, Option<PlacementId>)>,
}

/// The tables that an index is made from.
pub(crate) struct Tables<'a> {
    pub(crate) features: &'a Table<FeatureId, Feature>,
    pub(crate) literals: &'a Table<LiteralId, Literal>,
    pub(crate) clause_literals: &'a Lists<ClauseId, LiteralId>,
    pub(crate) policies: &'a PolicyTable,
    pub(crate) actions: &'a Table<ActionId, Action>,
    pub(crate) channels: &'a Table<ChannelId, Channel>,
    pub(crate) context_weights: &'a Table<ContextWeightId, ContextWeight>,
}

/// The truth of each stage of policies for every action, each by itself: what an earlier one took away stands in the
/// later ones.
#[derive(Debug)]
pub(crate) struct PolicyVerdicts {
    kernel: Kernel,
    /// Of each tile, and the lines that a stage has there.
    tiles: Vec<(Verdict, usize)>,
}

/// A stage of policies: its place in the order of the stages.
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

/// An index, and where the values of one request stand.
pub(crate) struct Search<'i> {
    index: &'i Index,
    places: Places,
    scratch: Box<Scratch>,
}

thread_local! {
    /// Memory that a thread's decisions use one after the other; no word of it goes from one to the next.
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl Index {
    /// # Errors
    /// When it would take more memory than the options allow.
    pub(crate) fn new(tables: &Tables<'_>, options: IndexOptions) -> Result<Self, BundleFault> {
        Self::with_forms(tables, options, plan::choose)
    }

    fn with_forms(tables: &Tables<'_>, options: IndexOptions, choose: Choose) -> Result<Self, BundleFault> {
        let windows = tables.actions.rows().iter();
        let moments =
            windows.flat_map(|action| action.active_from_us.into_iter().chain(action.active_until_us));
        let (axes, now) = Axes::new(tables.features, tables.literals, moments.collect());
        let ground = Ground {
            axes: &axes,
            clause_literals: tables.clause_literals,
            kernel: options.kernel,
            choose,
        };
        let mut budget = Budget::new(options.bytes_max);
        let mut forms = Forms::default();
        let ids: Vec<ActionId> = tables.actions.ids().collect();
        let tiles = ids.chunks(TILE_ACTIONS);
        let tiles = tiles
            .map(|actions| tile(&ground, now, actions, tables, &mut budget, &mut forms))
            .collect::<Result<_, _>>()?;
        let channels = tables.channels.iter();
        let treatments = channels
            .map(|(id, channel)| treatments(&ground, tables.actions, id, channel, &mut budget, &mut forms))
            .collect::<Result<_, _>>()?;
        let weights: Vec<&[ClauseId]> = tables
            .context_weights
            .rows()
            .iter()
            .map(|weight| &*weight.clauses)
            .collect();
        let context_weights = weights
            .chunks(CHUNK_SLOTS)
            .map(|weights| {
                let lines = weights.len().div_ceil(Line::SLOTS);
                let slots = numbered(weights.iter().copied());
                Sheet::new(&ground, (lines, lines), slots, &mut budget, &mut forms)
            })
            .collect::<Result<_, _>>()?;
        let report = IndexReport {
            kernel: options.kernel,
            bytes: budget.bytes(),
            axes: axes.len(),
            literals: forms.entries,
            listed_literals: forms.list_entries,
            row_groups: forms.row_groups,
        };
        Ok(Self {
            axes,
            tiles,
            treatments,
            context_weights,
            action_count: tables.actions.len(),
            report,
        })
    }

    pub(crate) fn report(&self) -> IndexReport {
        self.report
    }

    /// Finds the places of a request's values; everything else is asked of what it gives.
    pub(crate) fn search(&self, features: &[Value<'_>], now_us: i64) -> Search<'_> {
        let mut scratch = SCRATCH.take().unwrap_or_default();
        self.axes
            .find(self.report.kernel, features, now_us, &mut scratch.places);
        Search {
            index: self,
            places: std::mem::take(&mut scratch.places),
            scratch,
        }
    }
}

impl Drop for Search<'_> {
    fn drop(&mut self) {
        self.scratch.places = std::mem::take(&mut self.places);
        SCRATCH.set(Some(std::mem::take(&mut self.scratch)));
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
                let verdict = tile.availability.evaluate(&self.places, &mut self.scratch);
                available.append(&verdict.truth, tile.action_count);
            }
        }
        available
    }

    /// The actions whose policies hold, stage by stage.
    pub(crate) fn policies(&mut self) -> PolicyVerdicts {
        let evaluate = |tile: &Tile| {
            (
                tile.policies.evaluate(&self.places, &mut self.scratch),
                tile.lines,
            )
        };
        PolicyVerdicts {
            kernel: self.index.report.kernel,
            tiles: self.index.tiles.iter().map(evaluate).collect(),
        }
    }

    /// The actions with a treatment for one of the placements whose conditions are true.
    pub(crate) fn treatable(&mut self, channel: ChannelId, placements: &[RequestedPlacement]) -> ActionSet {
        let mut treatable = ActionSet::empty(self.index.action_count);
        let Some(treatments) = self.index.treatments.get(channel.place()) else {
            return treatable;
        };
        for requested in placements {
            if let Some(actions) = treatments.unconditional.get(requested.placement.place()) {
                treatable.extend(actions);
            }
        }
        for conditional in &treatments.conditional {
            let verdict = conditional.sheet.evaluate(&self.places, &mut self.scratch);
            for slot in slots(&verdict.truth) {
                let Some((action, placement)) = conditional.of_slots.get(slot) else {
                    continue;
                };
                if placements
                    .iter()
                    .any(|requested| placement.is_none_or(|only| only == requested.placement))
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
            let verdict = sheet.evaluate(&self.places, &mut self.scratch);
            let places = slots(&verdict.truth).map(|slot| axis::narrow(chunk * CHUNK_SLOTS + slot));
            matching.extend(places.map(ContextWeightId::from_place));
        }
        matching
    }
}

/// The slots whose bits are set, ascending.
fn slots(lines: &[Line]) -> impl Iterator<Item = usize> + '_ {
    let words = lines.iter().flat_map(|line| line.0).enumerate();
    words.flat_map(|(place, word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(place * 64 + bit)
        })
    })
}

/// Slots from 0 on. Their number was bounded.
fn numbered<T>(items: impl IntoIterator<Item = T>) -> impl Iterator<Item = (u16, T)> {
    (0..=u16::MAX).zip(items)
}

fn tile(
    ground: &Ground<'_>,
    now: AxisId,
    actions: &[ActionId],
    tables: &Tables<'_>,
    budget: &mut Budget,
    forms: &mut Forms,
) -> Result<Tile, BundleFault> {
    let lines = actions.len().div_ceil(Line::SLOTS);
    let rows = actions.iter().map(|action| &tables.actions[*action]);
    let availability = availability(ground, now, rows, lines, budget, forms)?;
    let slots = (0..3).flat_map(|stage| {
        let first = stage * lines * Line::SLOTS;
        let of_stage = actions
            .iter()
            .filter_map(move |action| tables.policies.of(*action).stages().get(stage).copied());
        (first..)
            .map(|slot| u16::try_from(slot).unwrap_or(u16::MAX))
            .zip(of_stage)
    });
    // Of a small tile, the rows of all stages together are read in no more time than those of one.
    let region_lines = if 3 * lines <= SMALL_LINES_MAX {
        3 * lines
    } else {
        lines
    };
    let policies = Sheet::new(ground, (3 * lines, region_lines), slots, budget, forms)?;
    Ok(Tile {
        action_count: actions.len(),
        lines,
        availability,
        policies,
    })
}

/// Offer windows are literals of the time of the decision like any other: from their start, and not from their end.
fn availability<'a>(
    ground: &Ground<'_>,
    now: AxisId,
    actions: impl Iterator<Item = &'a Action>,
    lines: usize,
    budget: &mut Budget,
    forms: &mut Forms,
) -> Result<Plane, BundleFault> {
    let mut slots = Slots::with_lines(lines);
    for (slot, action) in numbered(actions) {
        if action.enabled {
            slots.add(slot);
        }
        let moment = |moment_us: i64| ground.axes.of_moment(now, moment_us);
        let window = action.active_from_us.map(moment).into_iter();
        let window = window.chain(action.active_until_us.map(|until_us| moment(until_us).turned()));
        slots.entries.extend(window.map(|sense| Entry {
            axis: now,
            slot,
            sense,
        }));
    }
    ground.plane(slots, lines, budget, forms)
}

fn treatments(
    ground: &Ground<'_>,
    actions: &Table<ActionId, Action>,
    channel: ChannelId,
    row: &Channel,
    budget: &mut Budget,
    forms: &mut Forms,
) -> Result<Treatments, BundleFault> {
    let mut unconditional = vec![ActionSet::empty(actions.len()); row.placements.len()];
    budget.take(unconditional.len() * actions.len() / 8)?;
    let mut conditional: Vec<(ActionId, &Treatment)> = Vec::new();
    for (action, row) in actions.iter() {
        for (_, treatment) in row
            .treatments
            .iter()
            .filter(|(_, treatment)| treatment.channel == channel)
        {
            if !treatment.eligibility.is_empty() {
                conditional.push((action, treatment));
                continue;
            }
            for (placement, set) in unconditional.iter_mut().enumerate() {
                if treatment.placement.is_none_or(|only| only.place() == placement) {
                    set.insert(action);
                }
            }
        }
    }
    let chunks = conditional.chunks(CHUNK_SLOTS).map(|chunk| {
        let lines = chunk.len().div_ceil(Line::SLOTS);
        let slots = numbered(chunk.iter().map(|(_, treatment)| &*treatment.eligibility));
        Ok(Conditional {
            sheet: Sheet::new(ground, (lines, lines), slots, budget, forms)?,
            of_slots: chunk
                .iter()
                .map(|(action, treatment)| (*action, treatment.placement))
                .collect(),
        })
    });
    Ok(Treatments {
        unconditional,
        conditional: chunks.collect::<Result<_, _>>()?,
    })
}
