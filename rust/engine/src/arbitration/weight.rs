//! A propensity -> the four factors and the priority of one action.

use crate::{
    arbitration::Factors,
    bundle::Bundle,
    id::{ActionId, ContextWeightId},
    index::Search,
    program::{
        Input,
        machine::{Inputs, Machine},
    },
    propensity::Propensity,
    tables::{ActionValue, ContextWeight, Formula, WeightScope},
    value::Value,
};

/// What factors are made from, for one decision.
pub(crate) struct Weighing<'a, 'm> {
    bundle: &'a Bundle,
    features: &'m [Value<'a>],
    machine: &'m mut Machine<'a>,
    /// Context weights whose condition is true, in the bundle's order.
    matching: Vec<ContextWeightId>,
    needs_value: bool,
}

impl<'a, 'm> Weighing<'a, 'm> {
    pub(crate) fn new(
        bundle: &'a Bundle,
        features: &'m [Value<'a>],
        search: &mut Search<'_>,
        machine: &'m mut Machine<'a>,
    ) -> Self {
        let needs_value = match &bundle.arbitration.formula {
            Formula::Product { value, .. } => *value,
            Formula::Program(program) => program.reads(Input::Value),
        };
        Self {
            bundle,
            features,
            machine,
            matching: search.context_weights(),
            needs_value,
        }
    }

    /// None where the action has no value that its priority needs, or no finite priority.
    pub(super) fn factors(&mut self, propensity: &Propensity) -> Option<Factors> {
        let value = self.value(propensity.action);
        if self.needs_value && value.is_none() {
            return None;
        }
        let inputs = Inputs {
            propensity: propensity.value,
            context_weight: self.context_weight(propensity.action),
            value,
            lever: lever(self.bundle.actions[propensity.action].lever_percent),
        };
        let priority = self.priority(inputs)?;
        Some(Factors {
            propensity: inputs.propensity,
            propensity_source: propensity.source,
            context_weight: inputs.context_weight,
            value: value.unwrap_or_default(),
            lever: inputs.lever,
            priority,
        })
    }

    /// Of a mandatory action that has no priority: it is placed all the same.
    pub(super) fn factors_without_priority(&mut self, propensity: &Propensity) -> Factors {
        Factors {
            propensity: propensity.value,
            propensity_source: propensity.source,
            context_weight: self.context_weight(propensity.action),
            value: self.value(propensity.action).unwrap_or_default(),
            lever: lever(self.bundle.actions[propensity.action].lever_percent),
            priority: 0.0,
        }
    }

    fn value(&mut self, action: ActionId) -> Option<f64> {
        match &self.bundle.actions[action].value {
            ActionValue::Constant(value) => Some(*value),
            ActionValue::Derived(program) => finite(&self.machine.run(program, self.features)),
        }
    }

    fn context_weight(&self, action: ActionId) -> f64 {
        let matching = self
            .matching
            .iter()
            .map(|weight| &self.bundle.context_weights[*weight]);
        let percent: f64 = matching
            .filter(|weight| applies(self.bundle, weight, action))
            .map(|weight| weight.percent)
            .sum();
        (1.0 + percent / 100.0).max(0.0)
    }

    fn priority(&mut self, inputs: Inputs) -> Option<f64> {
        match &self.bundle.arbitration.formula {
            Formula::Product {
                propensity,
                context_weight,
                value,
                lever,
            } => {
                let factor = |on: bool, factor: f64| if on { factor } else { 1.0 };
                let priority = factor(*propensity, inputs.propensity)
                    * factor(*context_weight, inputs.context_weight)
                    * factor(*value, inputs.value.unwrap_or_default())
                    * factor(*lever, inputs.lever);
                priority.is_finite().then_some(priority)
            }
            Formula::Program(program) => finite(&self.machine.run_formula(program, self.features, inputs)),
        }
    }
}

/// Whether a context weight is for an action.
pub(crate) fn applies(bundle: &Bundle, weight: &ContextWeight, action: ActionId) -> bool {
    let group = bundle.actions[action].group;
    match weight.scope {
        WeightScope::All => true,
        WeightScope::Issue(issue) => bundle.groups[group].issue == issue,
        WeightScope::Group(only) => group == only,
        WeightScope::Action(only) => action == only,
    }
}

/// The factor for levers with this sum of percents.
fn lever(percent: f64) -> f64 {
    (1.0 + percent / 100.0).max(0.0)
}

#[expect(clippy::cast_precision_loss, reason = "CEL converts ints to doubles so")]
fn finite(value: &Value<'_>) -> Option<f64> {
    let number = match value {
        Value::Int(value) => *value as f64,
        Value::Double(value) => *value,
        _ => return None,
    };
    number.is_finite().then_some(number)
}
