//! An action of a decision -> what each attribute adds to its propensity, in numbers and in words.

#[cfg(test)]
mod tests;

use nextbest_proto::v1;

use super::naming::{shortened, shortened_text};
use crate::{
    bundle::Bundle,
    decision::Decision,
    id::{ActionId, narrow},
    model::ColumnSource,
    native::{Attributed, ContributionScale, Method},
    number::short,
    tables::{Root, Source},
    value::Value,
};

/// Attributes that are listed for one action.
const CONTRIBUTIONS_MAX: usize = 100;
/// A greater percentage is not shown exactly.
const PERCENT_MAX: f64 = 1e6;
/// Changes below it, in percent, are not shown as numbers.
const PERCENT_MIN: f64 = 0.05;

/// Explains the propensity of an action, whether it was ranked or not.
pub(crate) fn explain(decision: &Decision<'_>, action: ActionId, method: Method) -> v1::Contributions {
    let level = match method {
        Method::Fast => v1::ContributionLevel::Fast,
        Method::Exact => v1::ContributionLevel::Exact,
    };
    match attribute(decision, action, method) {
        Ok((sources, found)) => v1::Contributions {
            method: level.into(),
            ..listed(decision, action, sources, &found)
        },
        Err(refusal) => v1::Contributions {
            method: level.into(),
            refusal,
            ..v1::Contributions::default()
        },
    }
}

fn attribute<'a>(
    decision: &'a Decision<'_>,
    action: ActionId,
    method: Method,
) -> Result<(&'a [ColumnSource], Attributed), String> {
    let bundle = decision.bundle;
    let row = &bundle.actions[action];
    let Some(model) = row.model else {
        return Err("no model is bound to the action".to_owned());
    };
    let model = &bundle.models[model];
    let Some(lowered) = &model.lowered else {
        return Err("the model is not lowered: ONNX Runtime runs it, and gives no contributions".to_owned());
    };
    let column = narrow(row.model_column.unwrap_or(model.positive_column));
    lowered.explain(
        bundle.index.report().kernel,
        &decision.features,
        &model.inputs,
        (row, column),
        method,
    )
}

fn listed(
    decision: &Decision<'_>,
    action: ActionId,
    sources: &[ColumnSource],
    found: &Attributed,
) -> v1::Contributions {
    let mut largest: Vec<(f64, ColumnSource)> = found
        .contributions
        .iter()
        .zip(sources)
        .filter(|(contribution, _)| **contribution != 0.0)
        .map(|(contribution, source)| (*contribution, *source))
        .collect();
    // The sort is stable: of two alike, the one that is bound first.
    largest.sort_by(|left, right| right.0.abs().total_cmp(&left.0.abs()));
    let (told, rest) = largest.split_at(largest.len().min(CONTRIBUTIONS_MAX));
    v1::Contributions {
        method: v1::ContributionLevel::Unspecified.into(),
        scale: match found.scale {
            ContributionScale::LogOdds => v1::ContributionScale::LogOdds,
            ContributionScale::Propensity => v1::ContributionScale::Propensity,
            ContributionScale::ClassScore => v1::ContributionScale::ClassScore,
        }
        .into(),
        base: found.base,
        margin: found.margin,
        contributions: told
            .iter()
            .map(|(contribution, source)| one(decision, action, *source, *contribution, found.scale))
            .collect(),
        others: rest.iter().map(|(contribution, _)| contribution).sum(),
        refusal: String::new(),
    }
}

fn one(
    decision: &Decision<'_>,
    action: ActionId,
    source: ColumnSource,
    contribution: f64,
    scale: ContributionScale,
) -> v1::Contribution {
    let bundle = decision.bundle;
    let (attribute, label) = named(bundle, source);
    let value = match source {
        ColumnSource::Feature(feature) => decision.feature(feature).clone(),
        ColumnSource::ActionAttribute(index) => {
            let kind = bundle.actions[action].attributes.get(index);
            kind.and_then(Option::as_ref).map_or(Value::Missing, Value::of)
        }
    };
    v1::Contribution {
        text: format!(
            "{} {} {}",
            shortened_text(&label),
            told_value(&value).unwrap_or_else(|| shortened(decision, &value)),
            told_effect(contribution, scale)
        ),
        attribute,
        label,
        value: value.message(),
        contribution,
    }
}

/// An attribute with its root, and what people call it.
fn named(bundle: &Bundle, source: ColumnSource) -> (String, String) {
    let labelled = |attribute: &crate::tables::Attribute| {
        let label = Some(&attribute.label).filter(|label| !label.is_empty());
        label.unwrap_or(&attribute.name).clone()
    };
    match source {
        ColumnSource::Feature(feature) => {
            let feature = &bundle.features[feature];
            let label = match &feature.source {
                Source::Attribute(attribute) => labelled(&bundle.attributes[*attribute]),
                Source::Now | Source::Derived(_) => feature.name.clone(),
            };
            (feature.name.clone(), label)
        }
        ColumnSource::ActionAttribute(index) => {
            let of_actions = bundle.attributes.rows().iter();
            let mut of_actions = of_actions.filter(|attribute| attribute.root == Root::Action);
            of_actions.nth(index).map_or_else(Default::default, |attribute| {
                (format!("action.{}", attribute.name), labelled(attribute))
            })
        }
    }
}

/// A number, or that there is none, as people write it.
fn told_value(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Missing => Some("unknown".to_owned()),
        Value::Int(number) => Some(grouped(&number.to_string())),
        Value::Double(number) => Some(grouped(&short(*number))),
        _ => None,
    }
}

fn told_effect(contribution: f64, scale: ContributionScale) -> String {
    let verb = if contribution > 0.0 { "raises" } else { "lowers" };
    match scale {
        ContributionScale::LogOdds => {
            let percent = contribution.exp_m1().abs() * 100.0;
            if percent < PERCENT_MIN {
                "hardly changes the odds".to_owned()
            } else if percent > PERCENT_MAX {
                format!("{verb} the odds by more than 1,000,000 %")
            } else {
                format!("{verb} the odds by {} %", rounded(percent))
            }
        }
        ContributionScale::Propensity => {
            let points = contribution.abs() * 100.0;
            if points < PERCENT_MIN {
                "hardly changes the propensity".to_owned()
            } else {
                format!("{verb} the propensity by {} points", rounded(points))
            }
        }
        ContributionScale::ClassScore => {
            format!("{verb} the score by {}", grouped(&short(contribution.abs())))
        }
    }
}

/// Whole from 10 on, otherwise with one decimal.
fn rounded(number: f64) -> String {
    let text = if number >= 9.95 {
        format!("{number:.0}")
    } else {
        format!("{number:.1}")
    };
    grouped(text.strip_suffix(".0").unwrap_or(&text))
}

/// Digits before the point in groups of three: `72,000`. A number with an exponent stays as it is.
fn grouped(number: &str) -> String {
    if number.contains('e') {
        return number.to_owned();
    }
    let (sign, digits) = number
        .strip_prefix('-')
        .map_or(("", number), |digits| ("-", digits));
    let (whole, fraction) = digits
        .find('.')
        .map_or((digits, ""), |point| digits.split_at(point));
    let mut text = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}
