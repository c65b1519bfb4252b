//! An action's clauses -> those that are not true, what they looked at, and what would make them true.

use nextbest_proto::v1::{self, Stage};

use super::{
    cause::Causes,
    naming, reading,
    witness::{Witness, read_by, read_by_feature},
    wording,
};
use crate::{
    decision::Decision,
    eligibility::Truth,
    id::{ActionId, ClauseId, FeatureId, LiteralId},
    tables::{Source, Test, Treatment},
    treatment,
};

/// Every clause of the action, and of its treatments for the requested placements, that is false or unknown.
pub(super) fn explain(decision: &Decision<'_>, action: ActionId) -> Vec<v1::ClauseExplanation> {
    let policies = decision.bundle.policies.of(action);
    let stages = [
        (Stage::Eligibility, policies.eligibility),
        (Stage::Applicability, policies.applicability),
        (Stage::Suitability, policies.suitability),
    ];
    let own = stages.into_iter().flat_map(|(stage, clauses)| {
        failing(decision, clauses).map(move |clause| explain_clause(decision, stage, clause, ""))
    });
    let of_treatments =
        treatment::requested(decision.bundle, decision.request, action).flat_map(|treatment| {
            failing(decision, &treatment.eligibility)
                .map(move |clause| explain_clause(decision, Stage::Treatment, clause, &treatment.name))
        });
    own.chain(of_treatments).collect()
}

/// A sentence for each clause that has to become true, and one for the treatments when none of them fits.
pub(super) fn changes(decision: &Decision<'_>, action: ActionId) -> Vec<String> {
    let policies = decision.bundle.policies.of(action);
    let own = [policies.eligibility, policies.applicability, policies.suitability];
    let mut changes: Vec<String> = own
        .into_iter()
        .flat_map(|clauses| failing(decision, clauses))
        .map(|clause| change(decision, clause))
        .collect();
    let treatments: Vec<&Treatment> =
        treatment::requested(decision.bundle, decision.request, action).collect();
    let fits = |treatment: &&Treatment| decision.interpreter().all(&treatment.eligibility);
    if !treatments.is_empty() && !treatments.iter().any(fits) {
        let needs = |treatment: &&Treatment| {
            let clauses: Vec<String> = failing(decision, &treatment.eligibility)
                .map(|clause| change(decision, clause))
                .collect();
            format!(
                "for treatment `{}`, {}",
                treatment.name,
                naming::join(&clauses, "and")
            )
        };
        let needs: Vec<String> = treatments.iter().map(needs).collect();
        changes.push(naming::join(&needs, "or"));
    }
    // Clauses of the issue, the group and the action may ask for the same.
    let mut seen = std::collections::BTreeSet::new();
    changes.retain(|change| seen.insert(change.clone()));
    changes
}

/// Sentences for conditions that hold now and that a change could break: all that makes them true reads what changes.
pub(super) fn kept(decision: &Decision<'_>, witness: &Witness) -> Vec<String> {
    let changed: Vec<FeatureId> = witness.changes.iter().map(|change| change.feature).collect();
    keep(decision, &witness.clauses, &changed)
}

/// The same where it is not known what changes: anything that the failing conditions read.
pub(super) fn kept_in_general(decision: &Decision<'_>, action: ActionId) -> Vec<String> {
    let policies = decision.bundle.policies.of(action);
    let mut clauses = [policies.eligibility, policies.applicability, policies.suitability].concat();
    if let [only] = treatment::requested(decision.bundle, decision.request, action)
        .collect::<Vec<_>>()
        .as_slice()
    {
        clauses.extend(&*only.eligibility);
    }
    let changing = read_by(decision.bundle, failing(decision, &clauses));
    keep(decision, &clauses, &changing)
}

fn keep(decision: &Decision<'_>, clauses: &[ClauseId], changing: &[FeatureId]) -> Vec<String> {
    let (bundle, interpreter) = (decision.bundle, decision.interpreter());
    let mut sentences = Vec::new();
    for clause in clauses.iter().copied() {
        let literals = bundle.clause_literals.get(clause);
        let mut holding = literals
            .iter()
            .filter(|literal| interpreter.literal(**literal) == Truth::True)
            .peekable();
        let depends = |literal: &LiteralId| {
            let row = &bundle.literals[*literal];
            // Known it stays, whatever its value becomes.
            let is_known = matches!(row.test, Test::IsPresent) && !row.negated;
            let read = read_by_feature(bundle, row.feature);
            !is_known && read.iter().any(|feature| changing.contains(feature))
        };
        if holding.peek().is_none() || !holding.all(depends) {
            continue;
        }
        let ways = literals.iter().filter_map(|literal| {
            let row = &bundle.literals[*literal];
            match interpreter.literal(*literal) {
                Truth::True => Some(wording::keep(decision, row)),
                _ => wording::change(decision, row),
            }
        });
        let sentence = ways.collect::<Vec<_>>().join(", or ");
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    sentences
}

fn failing<'a>(decision: &'a Decision<'_>, clauses: &'a [ClauseId]) -> impl Iterator<Item = ClauseId> + 'a {
    clauses
        .iter()
        .copied()
        .filter(|clause| decision.interpreter().clause(*clause) != Truth::True)
}

fn explain_clause(
    decision: &Decision<'_>,
    stage: Stage,
    clause: ClauseId,
    treatment: &str,
) -> v1::ClauseExplanation {
    let bundle = decision.bundle;
    let row = &bundle.clauses[clause];
    let condition = &bundle.conditions[row.condition];
    let position = row
        .position
        .file
        .and_then(|file| bundle.files.get(file))
        .map(|file| v1::SourcePosition {
            file: file.clone(),
            line: row.position.line,
            column: row.position.column,
        });
    v1::ClauseExplanation {
        stage: stage.into(),
        truth: decision.interpreter().clause(clause).message().into(),
        text: row.text.clone(),
        condition: condition.text.clone(),
        reason: condition.reason.clone(),
        position,
        treatment: treatment.to_owned(),
        literals: bundle
            .clause_literals
            .get(clause)
            .iter()
            .map(|literal| explain_literal(decision, *literal))
            .collect(),
    }
}

fn explain_literal(decision: &Decision<'_>, literal: LiteralId) -> v1::LiteralExplanation {
    let row = &decision.bundle.literals[literal];
    let value = decision.feature(row.feature);
    let program = match &decision.bundle.features[row.feature].source {
        Source::Derived(program) => Some(program),
        Source::Attribute(_) | Source::Now => None,
    };
    v1::LiteralExplanation {
        text: decision.bundle.literal_texts[literal].clone(),
        truth: decision.interpreter().literal(literal).message().into(),
        feature: decision.bundle.features[row.feature].name.clone(),
        actual: value.message(),
        required: wording::required(decision, row),
        label: naming::label(decision, row.feature).to_owned(),
        reads: program.map_or_else(Vec::new, |program| reading::reads(decision, program)),
        no_result: program
            .filter(|_| value.is_missing())
            .map(|program| Causes::of(decision, program).state(decision))
            .unwrap_or_default(),
    }
}

/// "`customer.age` must be at least 18 (is 17), or `customer.guardian` must be known".
fn change(decision: &Decision<'_>, clause: ClauseId) -> String {
    let literals = decision.bundle.clause_literals.get(clause);
    let ways: Vec<String> = literals
        .iter()
        .filter_map(|literal| wording::change(decision, &decision.bundle.literals[*literal]))
        .collect();
    if ways.is_empty() {
        return format!("`{}` can never hold", decision.bundle.clauses[clause].text);
    }
    ways.join(", or ")
}
