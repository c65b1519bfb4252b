//! Issue, group, channel and action messages -> rows of their tables.

use nextbest_proto::v1::{self, value::Kind};

use super::{Checked, POLICY_CLAUSES_MAX, Sizes, finite, index, indices, unique};
use crate::{
    action_set::ActionSet,
    error::{BundleError, check_rows},
    id::{ActionId, ChannelId, GroupId, Id, Table},
    limits::PLACEMENT_COUNT_MAX,
    program::{Program, Scope},
    tables::{Action, ActionValue, Channel, Group, Issue, Placement, PolicyTable, Treatment},
    value::Type,
};

/// Entries of one row.
const TREATMENTS_MAX: usize = 1_000;
const PLACEMENTS_MAX: usize = 1_000;

pub(super) fn issue(message: v1::Issue) -> Checked<Issue> {
    Ok(Issue {
        name: message.name,
        lever_percent: finite("lever_percent", message.lever_percent)?,
    })
}

pub(super) fn group(message: v1::Group, sizes: Sizes) -> Checked<Group> {
    Ok(Group {
        name: message.name,
        issue: index("issue", message.issue, sizes.issues)?,
        lever_percent: finite("lever_percent", message.lever_percent)?,
        limit: (message.limit > 0).then_some(message.limit),
    })
}

pub(super) fn channel(message: v1::Channel, actions: usize) -> Checked<Channel> {
    BundleError::limit("placements", message.placements.len(), PLACEMENTS_MAX)?;
    let placements = check_rows(
        "placements",
        message.placements,
        |message: v1::PlacementDeclaration| {
            if !(1..=PLACEMENT_COUNT_MAX).contains(&message.count) {
                return Err(BundleError::malformed(format!(
                    "{} is not 1 to {PLACEMENT_COUNT_MAX}",
                    message.count
                ))
                .within("count"));
            }
            Ok(Placement {
                name: message.name,
                count: message.count,
                fallback: message
                    .fallback
                    .map(|action| index("fallback", action, actions))
                    .transpose()?,
                treatable: ActionSet::empty(actions),
            })
        },
    )?;
    unique(
        "placements",
        placements.iter().map(|placement| placement.name.as_str()),
    )?;
    Ok(Channel {
        name: message.name,
        placements: Table::new(placements),
        treatable: ActionSet::empty(actions),
    })
}

/// What an action points into.
pub(super) struct References<'a> {
    pub(super) sizes: Sizes,
    pub(super) issues: &'a [Issue],
    pub(super) groups: &'a [Group],
    pub(super) channels: &'a [Channel],
    /// Of the declared action attributes.
    pub(super) types: &'a [Type],
}

impl References<'_> {
    /// Levers of the group and its issue.
    fn inherited_percent(&self, group: usize) -> f64 {
        let Some(group) = self.groups.get(group) else {
            return 0.0;
        };
        group.lever_percent
            + self
                .issues
                .get(group.issue.index())
                .map_or(0.0, |issue| issue.lever_percent)
    }
}

/// `policies` gets those of the action.
pub(super) fn action(
    message: v1::Action,
    references: &References<'_>,
    policies: &mut PolicyTable,
) -> Checked<Action> {
    let sizes = references.sizes;
    let group: GroupId = index("group", message.group, sizes.groups)?;
    let clauses = |field, numbers: &[u32]| indices(field, numbers, sizes.clauses, POLICY_CLAUSES_MAX);
    policies.push(
        clauses("eligibility", &message.eligibility)?,
        clauses("applicability", &message.applicability)?,
        clauses("suitability", &message.suitability)?,
    );
    if !(0.0..=1.0).contains(&message.prior) {
        return Err(BundleError::malformed("not 0.0 to 1.0".to_owned()).within("prior"));
    }
    let value = match message.value {
        None => return Err(BundleError::malformed("no value".to_owned())),
        Some(v1::action::Value::ValueConstant(value)) => {
            ActionValue::Constant(finite("value_constant", value)?)
        }
        Some(v1::action::Value::ValueProgram(program)) => {
            let scope = Scope {
                features: sizes.features,
                formula: false,
            };
            let program =
                Program::from_message(program, scope).map_err(|error| error.within("value_program"))?;
            ActionValue::Derived(program)
        }
    };
    BundleError::limit("treatments", message.treatments.len(), TREATMENTS_MAX)?;
    let treatments = check_rows("treatments", message.treatments, |row| treatment(row, references))?;
    unique(
        "treatments",
        treatments.iter().map(|treatment| treatment.name.as_str()),
    )?;
    Ok(Action {
        name: message.name,
        group,
        enabled: message.enabled,
        active_from_us: message.active_from_us,
        active_until_us: message.active_until_us,
        value,
        lever_percent: finite(
            "lever_percent",
            message.lever_percent + references.inherited_percent(group.index()),
        )?,
        prior: message.prior,
        model: message
            .model
            .map(|model| index("model", model, sizes.models))
            .transpose()?,
        model_column: message.model_column.map(|column| column as usize),
        mandatory: message.mandatory,
        treatments: Table::new(treatments),
        attributes: action_attributes(message.attributes, references.types)?,
    })
}

fn action_attributes(values: Vec<v1::Value>, types: &[Type]) -> Checked<Vec<Option<Kind>>> {
    if values.len() != types.len() {
        return Err(BundleError::malformed(format!(
            "{} values for {} attributes",
            values.len(),
            types.len()
        ))
        .within("attributes"));
    }
    let mut types = types.iter();
    check_rows("attributes", values, |value| match (value.kind, types.next()) {
        (None, _) => Ok(None),
        (Some(kind), Some(declared)) if Type::of(&kind) == *declared => Ok(Some(kind)),
        (Some(kind @ Kind::Int(_)), Some(Type::Double)) => Ok(Some(kind)),
        _ => Err(BundleError::malformed("not of the attribute's type".to_owned())),
    })
}

fn treatment(message: v1::Treatment, references: &References<'_>) -> Checked<Treatment> {
    let channel: ChannelId = index("channel", message.channel, references.channels.len())?;
    let placements = references
        .channels
        .get(channel.index())
        .map_or(0, |channel| channel.placements.len());
    Ok(Treatment {
        name: message.name,
        channel,
        placement: message
            .placement
            .map(|placement| index("placement", placement, placements))
            .transpose()?,
        eligibility: indices(
            "eligibility",
            &message.eligibility,
            references.sizes.clauses,
            POLICY_CLAUSES_MAX,
        )?,
        content: message.content,
    })
}

/// Notes at each channel and placement which actions have a treatment for it.
pub(super) fn treatable(mut channels: Vec<Channel>, actions: &Table<ActionId, Action>) -> Vec<Channel> {
    for (action, row) in actions.iter() {
        for (_, treatment) in row.treatments.iter() {
            let Some(channel) = channels.get_mut(treatment.channel.index()) else {
                continue;
            };
            channel.treatable.insert(action);
            for (placement, row) in channel.placements.iter_mut() {
                if treatment.placement.is_none_or(|only| only == placement) {
                    row.treatable.insert(action);
                }
            }
        }
    }
    channels
}
