//! A `Bundle` message -> [`Bundle`]: every index inside its table, every type and number where it may be.

mod action;
mod feature;
mod model;

use action::References;
use nextbest_proto::v1;

use super::Bundle;
use crate::{
    error::{BundleError, check_rows},
    id::{Id, Lists, Table},
    index::{Index, IndexOptions, IndexedTables},
    program::{Program, Scope, zone_named},
    tables::{Arbitration, ContextWeight, Formula, PolicyTable, Root, WeightScope},
    value::Type,
};

/// Rows of each table.
const FILES_MAX: usize = 100_000;
const ATTRIBUTES_MAX: usize = 10_000;
const FEATURES_MAX: usize = 100_000;
const LITERALS_MAX: usize = 2_000_000;
const CLAUSES_MAX: usize = 2_000_000;
const ACTIONS_MAX: usize = 100_000;
const CHANNELS_MAX: usize = 1_000;
/// Of all channels: each has sets of actions.
const PLACEMENTS_MAX: usize = 10_000;
const MODELS_MAX: usize = 1_000;
const CONTEXT_WEIGHTS_MAX: usize = 10_000;
/// Entries of one row.
const POLICY_CLAUSES_MAX: usize = 10_000;

type Checked<T> = Result<T, BundleError>;

/// Checks a bundle and builds its tables.
pub(super) fn check(message: v1::Bundle, digest: String, options: IndexOptions) -> Checked<Bundle> {
    let sizes = Sizes::of(&message)?;
    let attributes = check_rows("attributes", message.attributes, feature::attribute)?;
    sorted("attributes", &attributes, |row| (row.root, row.name.clone()))?;
    let of_action = attributes.iter().filter(|row| row.root == Root::Action);
    let types: Vec<Type> = of_action.map(|row| row.kind).collect();
    let features = feature::features(message.features, &attributes)?;
    let mut literal_texts = Vec::with_capacity(sizes.literals);
    let literals = check_rows("literals", message.literals, |row| {
        feature::literal(row, &features, &mut literal_texts)
    })?;
    let conditions = message.conditions.into_iter().map(feature::condition).collect();
    let mut clause_literals = Lists::new();
    let clauses = check_rows("clauses", message.clauses, |row| {
        feature::clause(row, sizes, &mut clause_literals)
    })?;
    let issues = check_rows("issues", message.issues, action::issue)?;
    let groups = check_rows("groups", message.groups, |row| action::group(row, sizes))?;
    let channels = check_rows("channels", message.channels, |row| {
        action::channel(row, sizes.actions)
    })?;
    sorted("channels", &channels, |row| row.name.clone())?;
    let references = References {
        sizes,
        issues: &issues,
        groups: &groups,
        channels: &channels,
        types: &types,
    };
    let mut policies = PolicyTable::new();
    let actions = check_rows("actions", message.actions, |row| {
        action::action(row, &references, &mut policies)
    })?;
    sorted("actions", &actions, |row| row.name.clone())?;
    let weights = check_rows("context_weights", message.context_weights, |row| {
        context_weight(row, sizes)
    })?;
    let arbitration = arbitration(message.arbitration.unwrap_or_default(), sizes)
        .map_err(|error| error.within("arbitration"))?;
    let actions = Table::new(actions);
    let mut bound = model::bound(&actions, sizes.models);
    let models = check_rows("models", message.models, |row| {
        let bound = bound.next().unwrap_or_default();
        model::model(row, &features, &types, &actions, bound, sizes.models)
    })?;
    sorted("models", &models, |row| row.name.clone())?;
    let (features, literals, clauses) = (Table::new(features), Table::new(literals), Table::new(clauses));
    let channels = Table::new(action::treatable(channels, &actions));
    let context_weights = Table::new(weights);
    let index = Index::new(
        &IndexedTables {
            features: &features,
            literals: &literals,
            clause_literals: &clause_literals,
            policies: &policies,
            actions: &actions,
            channels: &channels,
            context_weights: &context_weights,
        },
        options,
    )?;
    Ok(Bundle {
        digest,
        workspace: message.workspace,
        currency: message.currency,
        time_zone: zone_named(&message.time_zone)?,
        files: message.files,
        attributes: Table::new(attributes),
        features,
        literals,
        literal_texts: Table::new(literal_texts),
        conditions: Table::new(conditions),
        clauses,
        clause_literals,
        issues: Table::new(issues),
        groups: Table::new(groups),
        channels,
        actions,
        policies,
        models: Table::new(models),
        context_weights,
        arbitration,
        index,
    })
}

/// Lengths of the tables that rows point into.
#[derive(Clone, Copy)]
struct Sizes {
    files: usize,
    features: usize,
    literals: usize,
    conditions: usize,
    clauses: usize,
    issues: usize,
    groups: usize,
    actions: usize,
    models: usize,
}

impl Sizes {
    /// Refuses tables with too many rows.
    fn of(message: &v1::Bundle) -> Checked<Self> {
        let size = |table: &str, rows: usize, rows_max: usize| {
            BundleError::limit(table, rows, rows_max).map(|()| rows)
        };
        let placements = message
            .channels
            .iter()
            .map(|channel| channel.placements.len())
            .sum();
        size("placements", placements, PLACEMENTS_MAX)?;
        size("attributes", message.attributes.len(), ATTRIBUTES_MAX)?;
        size("channels", message.channels.len(), CHANNELS_MAX)?;
        size(
            "context weights",
            message.context_weights.len(),
            CONTEXT_WEIGHTS_MAX,
        )?;
        Ok(Self {
            files: size("files", message.files.len(), FILES_MAX)?,
            features: size("features", message.features.len(), FEATURES_MAX)?,
            literals: size("literals", message.literals.len(), LITERALS_MAX)?,
            conditions: size("conditions", message.conditions.len(), CLAUSES_MAX)?,
            clauses: size("clauses", message.clauses.len(), CLAUSES_MAX)?,
            issues: size("issues", message.issues.len(), ACTIONS_MAX)?,
            groups: size("groups", message.groups.len(), ACTIONS_MAX)?,
            actions: size("actions", message.actions.len(), ACTIONS_MAX)?,
            models: size("models", message.models.len(), MODELS_MAX)?,
        })
    }
}

pub(super) fn index<I: Id>(field: &str, index: u32, size: usize) -> Checked<I> {
    if (index as usize) < size {
        return Ok(I::from_index(index));
    }
    Err(BundleError::malformed(format!("index {index} of {size}")).within(field))
}

fn indices<I: Id>(field: &str, numbers: &[u32], size: usize, count_max: usize) -> Checked<Box<[I]>> {
    BundleError::limit(field, numbers.len(), count_max)?;
    numbers.iter().map(|number| index(field, *number, size)).collect()
}

fn finite(field: &str, number: f64) -> Checked<f64> {
    if number.is_finite() {
        return Ok(number);
    }
    Err(BundleError::malformed("not a finite number".to_owned()).within(field))
}

/// Names are found by binary search.
fn sorted<T, K: Ord>(table: &str, rows: &[T], key: impl Fn(&T) -> K) -> Checked<()> {
    if rows.is_sorted_by(|left, right| key(left) < key(right)) {
        return Ok(());
    }
    Err(BundleError::malformed("not sorted, or a name twice".to_owned()).within(table))
}

fn unique<'a>(table: &str, names: impl Iterator<Item = &'a str>) -> Checked<()> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    if names
        .windows(2)
        .all(|pair| matches!(pair, [left, right] if left != right))
    {
        return Ok(());
    }
    Err(BundleError::malformed("a name twice".to_owned()).within(table))
}

fn context_weight(message: v1::ContextWeight, sizes: Sizes) -> Checked<ContextWeight> {
    let scope = match message.scope {
        None => WeightScope::All,
        Some(v1::context_weight::Scope::Issue(number)) => {
            WeightScope::Issue(index("issue", number, sizes.issues)?)
        }
        Some(v1::context_weight::Scope::Group(number)) => {
            WeightScope::Group(index("group", number, sizes.groups)?)
        }
        Some(v1::context_weight::Scope::Action(number)) => {
            WeightScope::Action(index("action", number, sizes.actions)?)
        }
    };
    Ok(ContextWeight {
        clauses: indices("clauses", &message.clauses, sizes.clauses, POLICY_CLAUSES_MAX)?,
        percent: finite("percent", message.percent)?,
        scope,
        text: message.text,
    })
}

fn arbitration(message: v1::Arbitration, sizes: Sizes) -> Checked<Arbitration> {
    let threshold = |field, number: Option<f64>| number.map(|number| finite(field, number)).transpose();
    let formula = match message.formula {
        None => Formula::Product {
            propensity: !message.propensity_off,
            context_weight: !message.context_weight_off,
            value: !message.value_off,
            lever: !message.lever_off,
        },
        Some(program) => {
            let scope = Scope {
                features: sizes.features,
                formula: true,
            };
            Formula::Program(Program::from_message(program, scope).map_err(|error| error.within("formula"))?)
        }
    };
    Ok(Arbitration {
        formula,
        propensity_threshold: threshold("propensity_threshold", message.propensity_threshold)?,
        priority_threshold: threshold("priority_threshold", message.priority_threshold)?,
    })
}
