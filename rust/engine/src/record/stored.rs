//! [`Record`] -> the bytes of a `Record` message, and back: what a journal keeps.

use std::borrow::Cow;

use nextbest_proto::v1::{self, record, value::Kind};
use prost::Message as _;

use super::{Record, funnel};
use crate::{
    action_set::ActionSet,
    arbitration::{Factors, Placed, Ranked},
    attributes::Attributes,
    bundle::Bundle,
    degradation::Degradation,
    eligibility::Passed,
    error::RecordError,
    id::{ActionId, Id, narrow},
    request::RequestedPlacement,
    stages::Stages,
    tables::Source,
    value::{List, Type, Value},
};

type Checked<T> = Result<T, RecordError>;

impl Record<'_> {
    /// The bytes of a `Record` message; `bundle` is the one that decided.
    #[must_use]
    pub fn encode(&self, bundle: &Bundle) -> Vec<u8> {
        let passed = &self.stages.passed;
        let [eligibility, applicability, suitability] = passed.unknown;
        let message = v1::Record {
            decision_id: self.decision_id.clone(),
            bundle_digest: self.bundle_digest.clone().into_owned(),
            customer_id: self.customer_id.clone().into_owned(),
            now_us: self.now_us,
            seed: self.seed,
            dry_run: self.dry_run,
            channel: number(self.channel),
            placements: self.placements.iter().copied().map(requested).collect(),
            inputs: inputs(&self.inputs, bundle),
            stages: Some(record::Stages {
                available: self.stages.available.to_bytes(),
                eligible: passed.eligible.to_bytes(),
                applicable: passed.applicable.to_bytes(),
                suitable: passed.suitable.to_bytes(),
                treatable: self.stages.treatable.to_bytes(),
                unknown_at_eligibility: eligibility,
                unknown_at_applicability: applicability,
                unknown_at_suitability: suitability,
            }),
            ranked: self.ranked.iter().map(ranked).collect(),
            refused: self.refused.iter().copied().map(number).collect(),
            placed: self.placed.iter().map(placed).collect(),
            degradations: self.degradations.iter().map(missed).collect(),
        };
        message.encode_to_vec()
    }
}

impl Record<'static> {
    /// Reads the bytes of a `Record` message; `bundle` is the one that decided.
    ///
    /// # Errors
    /// When they are not such a message, are of another bundle, or hold an index or a number that this bundle
    /// cannot have given.
    pub fn decode(bundle: &Bundle, bytes: &[u8]) -> Checked<Self> {
        let message = v1::Record::decode(bytes).map_err(|_| RecordError::Undecodable)?;
        if message.bundle_digest != bundle.digest() {
            return Err(RecordError::OtherBundle {
                digest: message.bundle_digest,
            });
        }
        let channel = index("channel", message.channel, bundle.channels.len())?;
        let placement_count = bundle.channels[channel].placements.len();
        let placements = check_all(message.placements, |row| {
            Ok(RequestedPlacement {
                placement: index("placements", row.placement, placement_count)?,
                count: row.count,
            })
        })?;
        let stages = check_stages(&message.stages.unwrap_or_default(), bundle)?;
        let ranked = check_all(message.ranked, |row| check_ranked(&row, bundle))?;
        let placed = check_all(message.placed, |row| {
            check_placed(&row, bundle, &ranked, placements.len())
        })?;
        Ok(Self {
            decision_id: message.decision_id,
            bundle_digest: Cow::Owned(message.bundle_digest),
            customer_id: Cow::Owned(message.customer_id),
            now_us: message.now_us,
            seed: message.seed,
            dry_run: message.dry_run,
            channel,
            placements,
            inputs: check_inputs(message.inputs, bundle)?,
            funnel: funnel(bundle, &stages, &ranked, &placed),
            stages,
            ranked,
            refused: check_all(message.refused, |action| {
                index("refused", action, bundle.actions.len())
            })?,
            placed,
            degradations: check_all(message.degradations, |row| check_missed(&row, bundle))?,
        })
    }
}

fn number<I: Id>(id: I) -> u32 {
    narrow(id.index())
}

fn requested(requested: RequestedPlacement) -> record::Requested {
    record::Requested {
        placement: number(requested.placement),
        count: requested.count,
    }
}

/// Those that the bundle reads: the others are unknown to it.
fn inputs(inputs: &Attributes<'_>, bundle: &Bundle) -> Vec<record::Input> {
    let mut read = vec![false; bundle.attributes.len()];
    for feature in bundle.features.rows() {
        if let Source::Attribute(attribute) = feature.source
            && let Some(read) = read.get_mut(attribute.index())
        {
            *read = true;
        }
    }
    let attributes = bundle.attributes.ids().zip(read).filter(|(_, is_read)| *is_read);
    attributes
        .filter_map(|(attribute, _)| {
            Some(record::Input {
                attribute: number(attribute),
                value: Some(inputs.get(attribute).message()?),
            })
        })
        .collect()
}

fn ranked(ranked: &Ranked) -> record::Ranked {
    let factors = &ranked.factors;
    record::Ranked {
        action: number(ranked.action),
        propensity: factors.propensity,
        propensity_source: factors.propensity_source.into(),
        context_weight: factors.context_weight,
        value: factors.value,
        lever: factors.lever,
        priority: factors.priority,
    }
}

fn placed(placed: &Placed) -> record::Placed {
    record::Placed {
        placement: narrow(placed.requested),
        action: number(placed.action),
        treatment: number(placed.treatment),
        rank: placed.rank,
        reason: placed.reason.into(),
    }
}

fn missed(degradation: &Degradation) -> record::Missed {
    record::Missed {
        kind: degradation.kind.into(),
        model: degradation.model.map(number),
        action: degradation.action.map(number),
        actions: degradation.actions,
    }
}

fn check_all<M, T>(messages: Vec<M>, check: impl FnMut(M) -> Checked<T>) -> Checked<Vec<T>> {
    messages.into_iter().map(check).collect()
}

fn index<I: Id>(field: &'static str, index: u32, size: usize) -> Checked<I> {
    if (index as usize) < size {
        Ok(I::from_index(index))
    } else {
        Err(RecordError::Malformed { field })
    }
}

fn check_stages(message: &record::Stages, bundle: &Bundle) -> Checked<Stages> {
    let actions = bundle.actions.len();
    let set = |bytes: &[u8]| {
        ActionSet::from_bytes(bytes, actions).ok_or(RecordError::Malformed { field: "stages" })
    };
    Ok(Stages {
        available: set(&message.available)?,
        passed: Passed {
            eligible: set(&message.eligible)?,
            applicable: set(&message.applicable)?,
            suitable: set(&message.suitable)?,
            unknown: [
                message.unknown_at_eligibility,
                message.unknown_at_applicability,
                message.unknown_at_suitability,
            ],
        },
        treatable: set(&message.treatable)?,
    })
}

fn check_inputs(messages: Vec<record::Input>, bundle: &Bundle) -> Checked<Attributes<'static>> {
    let mut inputs = Attributes::missing(bundle);
    for message in messages {
        let attribute = index("inputs", message.attribute, bundle.attributes.len())?;
        let value = match (
            message.value.and_then(|value| value.kind),
            bundle.attributes[attribute].kind,
        ) {
            // An empty list has no elements that show its type.
            (Some(Kind::Strings(list)), Type::IntList) if list.items.is_empty() => {
                Value::List(List::Ints(&[]))
            }
            (Some(kind), declared) => Value::of_type(&kind, declared).into_owned(),
            (None, _) => Value::Missing,
        };
        inputs.set(attribute, value);
    }
    Ok(inputs)
}

fn check_ranked(message: &record::Ranked, bundle: &Bundle) -> Checked<Ranked> {
    Ok(Ranked {
        action: index("ranked", message.action, bundle.actions.len())?,
        factors: Factors {
            propensity: message.propensity,
            propensity_source: message.propensity_source(),
            context_weight: message.context_weight,
            value: message.value,
            lever: message.lever,
            priority: message.priority,
        },
    })
}

fn check_placed(
    message: &record::Placed,
    bundle: &Bundle,
    ranked: &[Ranked],
    placement_count: usize,
) -> Checked<Placed> {
    let malformed = RecordError::Malformed { field: "placed" };
    let requested = message.placement as usize;
    if requested >= placement_count {
        return Err(malformed);
    }
    let action: ActionId = index("placed", message.action, bundle.actions.len())?;
    let factors = match (message.rank as usize).checked_sub(1) {
        None => None,
        Some(position) => {
            let of_rank = ranked.get(position).filter(|ranked| ranked.action == action);
            Some(of_rank.ok_or(malformed)?.factors)
        }
    };
    Ok(Placed {
        requested,
        action,
        treatment: index(
            "placed",
            message.treatment,
            bundle.actions[action].treatments.len(),
        )?,
        rank: message.rank,
        reason: message.reason(),
        factors,
    })
}

fn check_missed(message: &record::Missed, bundle: &Bundle) -> Checked<Degradation> {
    let model = |model| index("degradations", model, bundle.models.len());
    let action = |action| index("degradations", action, bundle.actions.len());
    Ok(Degradation {
        kind: message.kind(),
        model: message.model.map(model).transpose()?,
        action: message.action.map(action).transpose()?,
        actions: message.actions,
    })
}
