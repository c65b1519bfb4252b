//! The policies of a bundle, turned round: for each feature, which actions a value takes away. Filtering then costs one
//! look-up a feature, whatever the number of conditions.
//!
//! ```text
//! literals of a bundle -> axes (one feature each, cut where a literal turns)
//! clauses of an action -> a slot in a sheet -> kill lists and rows, by axis and position
//!
//! features -> positions -> planes of bits -> the actions that each stage leaves
//! ```
//!
//! It gives the same results as the interpreter in [`crate::eligibility`], which is its oracle, but no
//! reasons: the interpreter computes those for the requested actions.

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

mod build;
mod search;

#[cfg(test)]
mod tests;

use crate::{
    action_set::ActionSet,
    error::BundleError,
    id::{ActionId, ChannelId, ClauseId, ContextWeightId, FeatureId, Lists, LiteralId, PlacementId, Table},
    kernel::{Kernel, Line},
    limits::INDEX_BYTES_MAX,
    tables::{Action, Channel, ContextWeight, Feature, Literal, PolicyTable},
    value::Value,
};
use axes::Axes;
use build::{numbered, tile, treatments};
use plan::{Budget, Choose};
use plane::{Forms, Plane};
pub(crate) use search::{PolicyStage, Search};
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
pub(crate) struct IndexedTables<'a> {
    pub(crate) features: &'a Table<FeatureId, Feature>,
    pub(crate) literals: &'a Table<LiteralId, Literal>,
    pub(crate) clause_literals: &'a Lists<ClauseId, LiteralId>,
    pub(crate) policies: &'a PolicyTable,
    pub(crate) actions: &'a Table<ActionId, Action>,
    pub(crate) channels: &'a Table<ChannelId, Channel>,
    pub(crate) context_weights: &'a Table<ContextWeightId, ContextWeight>,
}

impl Index {
    /// # Errors
    /// When it would take more memory than the options allow.
    pub(crate) fn new(tables: &IndexedTables<'_>, options: IndexOptions) -> Result<Self, BundleError> {
        Self::with_forms(tables, options, plan::choose)
    }

    fn with_forms(
        tables: &IndexedTables<'_>,
        options: IndexOptions,
        choose: Choose,
    ) -> Result<Self, BundleError> {
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

    /// Finds the positions of a request's values; everything else is asked of what it gives.
    pub(crate) fn search(&self, features: &[Value<'_>], now_us: i64) -> Search<'_> {
        Search::new(self, features, now_us)
    }
}
