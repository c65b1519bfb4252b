//! Attribute, feature, literal and clause messages -> rows of their tables.

use nextbest_proto::v1::{self, comparison, literal, value::Kind};

use super::{Checked, Sizes, index, indices};
use crate::{
    error::{BundleError, check_rows},
    id::{AttributeId, ClauseId, FeatureId, Id, Lists, LiteralId},
    program::{Comparison, Program, Scope},
    tables::{Attribute, Clause, Condition, Feature, Literal, Position, Root, Source, Test},
    value::{Relation, Type, Value},
};

/// Entries of one row.
const ALLOWED_MAX: usize = 100_000;
const ONE_OF_MAX: usize = 100_000;
/// As many layers as a plane of the index has lines.
const CLAUSE_LITERALS_MAX: usize = 64;

fn type_of(number: i32) -> Checked<Type> {
    Type::from_message(number)
        .ok_or_else(|| BundleError::malformed(format!("no type {number}")).within("type"))
}

pub(super) fn attribute(message: v1::AttributeDeclaration) -> Checked<Attribute> {
    let root =
        Root::from_message(message.root).ok_or_else(|| BundleError::malformed("no root".to_owned()))?;
    let kind = type_of(message.r#type)?;
    BundleError::limit("allowed values", message.allowed.len(), ALLOWED_MAX)?;
    // Of a list, allowed values are those of its elements.
    let kind_of_one = kind.element();
    let of_type = |field: &str, value: v1::Value| match value.kind {
        Some(found)
            if Type::of(&found) == kind_of_one || (kind == Type::Double && matches!(found, Kind::Int(_))) =>
        {
            Ok(found)
        }
        _ => Err(BundleError::malformed("not of the attribute's type".to_owned()).within(field)),
    };
    let bound = |field: &str, value: Option<v1::Value>| {
        value
            .filter(|value| value.kind.is_some())
            .map(|value| of_type(field, value))
            .transpose()
    };
    Ok(Attribute {
        root,
        name: message.name,
        label: message.label,
        kind,
        allowed: message
            .allowed
            .into_iter()
            .map(|value| of_type("allowed", value))
            .collect::<Checked<_>>()?,
        minimum: bound("minimum", message.minimum)?,
        maximum: bound("maximum", message.maximum)?,
    })
}

pub(super) fn features(messages: Vec<v1::Feature>, attributes: &[Attribute]) -> Checked<Vec<Feature>> {
    let mut before = 0;
    check_rows("features", messages, |message| {
        let kind = type_of(message.r#type)?;
        let source = match message.source {
            Some(v1::feature::Source::Attribute(number)) => {
                let attribute: AttributeId = index("attribute", number, attributes.len())?;
                let declared = attributes.get(attribute.index());
                if declared.is_none_or(|declared| declared.root == Root::Action || declared.kind != kind) {
                    return Err(BundleError::malformed(
                        "an action's attribute, or of another type".to_owned(),
                    ));
                }
                Source::Attribute(attribute)
            }
            Some(v1::feature::Source::Now(_)) if kind == Type::Timestamp => Source::Now,
            Some(v1::feature::Source::Derived(program)) => {
                let scope = Scope {
                    features: before,
                    formula: false,
                };
                Source::Derived(
                    Program::from_message(program, scope).map_err(|error| error.within("derived"))?,
                )
            }
            _ => {
                return Err(BundleError::malformed(
                    "no source, or `now` that is not a timestamp".to_owned(),
                ));
            }
        };
        before += 1;
        Ok(Feature {
            name: message.name,
            kind,
            source,
        })
    })
}

/// `texts` gets its text.
pub(super) fn literal(
    message: v1::Literal,
    features: &[Feature],
    texts: &mut Vec<String>,
) -> Checked<Literal> {
    texts.push(message.text);
    let feature: FeatureId = index("feature", message.feature, features.len())?;
    let kind = features
        .get(feature.index())
        .map_or(Type::Bool, |feature| feature.kind);
    let mismatch = || BundleError::malformed("the test does not fit the feature's type".to_owned());
    let test = match message.test {
        Some(literal::Test::IsTrue(_)) if kind == Type::Bool => Test::IsTrue,
        Some(literal::Test::IsPresent(_)) => Test::IsPresent,
        Some(literal::Test::Comparison(message)) => {
            let comparison = comparison(message.operator())?;
            let value = message.value.and_then(|value| value.kind).ok_or_else(mismatch)?;
            let found = Type::of(&value);
            let list = matches!(found, Type::StringList | Type::IntList);
            if list || (found != kind && !(found.is_number() && kind.is_number())) {
                return Err(mismatch());
            }
            if Value::of(&value).relation(&Value::of(&value)) == Relation::Unordered {
                return Err(BundleError::malformed("a comparison with NaN".to_owned()));
            }
            Test::Compare(comparison, value)
        }
        Some(literal::Test::OneOf(values)) => one_of(values.values, kind)?,
        Some(literal::Test::Contains(value)) => match (value.kind, kind) {
            (Some(value @ Kind::String(_)), Type::StringList)
            | (Some(value @ Kind::Int(_)), Type::IntList) => Test::Contains(value),
            _ => return Err(mismatch()),
        },
        _ => return Err(mismatch()),
    };
    Ok(Literal {
        feature,
        test,
        negated: message.negated,
    })
}

fn comparison(operator: comparison::Operator) -> Checked<Comparison> {
    match operator {
        comparison::Operator::Eq => Ok(Comparison::Equal),
        comparison::Operator::Lt => Ok(Comparison::Less),
        comparison::Operator::Le => Ok(Comparison::LessOrEqual),
        comparison::Operator::Gt => Ok(Comparison::Greater),
        comparison::Operator::Ge => Ok(Comparison::GreaterOrEqual),
        comparison::Operator::Unspecified => Err(BundleError::malformed("no operator".to_owned())),
    }
}

fn one_of(values: Vec<v1::Value>, kind: Type) -> Checked<Test> {
    BundleError::limit("values of one_of", values.len(), ONE_OF_MAX)?;
    let (mut strings, mut ints) = (Vec::new(), Vec::new());
    for value in values {
        match value.kind {
            Some(Kind::String(value)) if kind == Type::String => strings.push(value),
            Some(Kind::Int(value)) if kind.is_number() => ints.push(value),
            _ => {
                return Err(BundleError::malformed(
                    "`one_of` does not fit the feature's type".to_owned(),
                ));
            }
        }
    }
    let sorted =
        strings.is_sorted_by(|left, right| left < right) && ints.is_sorted_by(|left, right| left < right);
    if !sorted {
        return Err(BundleError::malformed(
            "`one_of` is not sorted, or has a value twice".to_owned(),
        ));
    }
    Ok(if kind == Type::String {
        Test::OneOfStrings(strings)
    } else {
        Test::OneOfInts(ints)
    })
}

fn position(message: Option<v1::Position>, files: usize) -> Checked<Position> {
    let Some(message) = message else {
        return Ok(Position {
            file: None,
            line: 0,
            column: 0,
        });
    };
    let file = message.file as usize;
    if file >= files {
        return Err(
            BundleError::malformed(format!("index {file} of {files}")).within("position.file".to_owned())
        );
    }
    Ok(Position {
        file: Some(file),
        line: message.line,
        column: message.column,
    })
}

pub(super) fn condition(message: v1::Condition) -> Condition {
    Condition {
        text: message.text,
        reason: message.reason,
    }
}

/// `literals` gets those of the clause.
pub(super) fn clause(
    message: v1::Clause,
    sizes: Sizes,
    literals: &mut Lists<ClauseId, LiteralId>,
) -> Checked<Clause> {
    literals.push(indices(
        "literals",
        &message.literals,
        sizes.literals,
        CLAUSE_LITERALS_MAX,
    )?);
    Ok(Clause {
        condition: index("condition", message.condition, sizes.conditions)?,
        text: message.text,
        position: position(message.position, sizes.files)?,
    })
}
