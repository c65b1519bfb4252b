//! The tables of a bundle -> the tiles and treatments of its index.

use super::{
    CHUNK_SLOTS, Conditional, IndexedTables, SMALL_LINES_MAX, Tile, Treatments,
    axis::AxisId,
    plan::Budget,
    plane::{Entry, Forms, Plane, PlaneSlots},
    sheet::{Ground, Sheet},
};
use crate::{
    action_set::ActionSet,
    error::BundleError,
    id::{ActionId, ChannelId, Id, Table},
    kernel::Line,
    tables::{Action, Channel, Treatment},
};

/// Slots from 0 on. Their number was bounded.
pub(super) fn numbered<T>(items: impl IntoIterator<Item = T>) -> impl Iterator<Item = (u16, T)> {
    (0..=u16::MAX).zip(items)
}

pub(super) fn tile(
    ground: &Ground<'_>,
    now: AxisId,
    actions: &[ActionId],
    tables: &IndexedTables<'_>,
    budget: &mut Budget,
    forms: &mut Forms,
) -> Result<Tile, BundleError> {
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
) -> Result<Plane, BundleError> {
    let mut slots = PlaneSlots::with_lines(lines);
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

pub(super) fn treatments(
    ground: &Ground<'_>,
    actions: &Table<ActionId, Action>,
    channel: ChannelId,
    row: &Channel,
    budget: &mut Budget,
    forms: &mut Forms,
) -> Result<Treatments, BundleError> {
    budget.take(row.placements.len() * actions.len() / 8)?;
    let mut unconditional = vec![ActionSet::empty(actions.len()); row.placements.len()];
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
                if treatment.placement.is_none_or(|only| only.index() == placement) {
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
