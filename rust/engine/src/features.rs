//! Attributes + `now` -> the value of every feature, each derived once, in the bundle's order.

use crate::{
    attributes::Attributes, bundle::Bundle, program::machine::Machine, tables::Source, value::Value,
};

/// The values of all features, by their ids. A derived feature whose result is not of its type is missing: tests of
/// it were checked for that type.
pub(crate) fn evaluate<'a>(
    bundle: &'a Bundle,
    attributes: &Attributes<'a>,
    now_us: i64,
    machine: &mut Machine<'a>,
) -> Vec<Value<'a>> {
    let mut values = Vec::with_capacity(bundle.features.len());
    for feature in bundle.features.rows() {
        let value = match &feature.source {
            Source::Attribute(attribute) => attributes.get(*attribute),
            Source::Now => Value::Timestamp(now_us),
            Source::Derived(program) => machine.run(program, &values).into_type(feature.kind),
        };
        values.push(value);
    }
    values
}
