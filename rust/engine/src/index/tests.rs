//! The index against the interpreter: every action, stage and truth value, with every kernel, in every form.

mod dice;

use dice::Dice;
use nextbest_proto::v1::{self, comparison::Operator, literal};

use super::{
    plan::{Form, Shape},
    *,
};
use crate::{
    Request, attributes,
    availability::unavailable_now,
    bundle::Bundle,
    eligibility::{Interpreter, Truth},
    features,
    id::Id as _,
    program::machine::Machine,
    tables::Policies,
    testing::{
        AGE, BALANCE, HERO, JOINED, NOW, PAGE, PRODUCTS, RECENT, SEGMENT, SIDEBAR, TestBundle, VIP, VISITS,
        attribute, compare, double, int, ints, program, read, request, step, string, strings, treatment,
        value,
    },
    treatment::fitting,
};

/// Pairs of an action and a customer in one run of the tests; `NEXTBEST_INDEX_PAIRS=100000000 cargo test` compiles for
/// more.
const PAIRS: usize = 1_000_000;
const CUSTOMERS: usize = 25;

/// The features of a bundle: those of every test bundle, and some that only expressions give.
struct Features {
    /// A double that may be NaN or infinite.
    ratio: u32,
    duration: u32,
    made_text: u32,
}

impl Features {
    fn add(bundle: &mut TestBundle) -> Self {
        use v1::Operation::{Div, Mul, Sub};
        let number = |number: f64| crate::testing::constant(double(number));
        // 0/0, and what overflows.
        let ratio = vec![
            read(BALANCE),
            number(0.0),
            step(Mul, &[0, 1]),
            read(BALANCE),
            step(Div, &[3, 2]),
        ];
        let since = vec![read(NOW), read(JOINED), step(Sub, &[0, 1])];
        let joined = vec![read(SEGMENT), read(PAGE), step(v1::Operation::Add, &[0, 1])];
        Self {
            ratio: bundle.derived("ratio", v1::Type::Double, program(ratio)),
            duration: bundle.derived("since", v1::Type::Duration, program(since)),
            made_text: bundle.derived("joined", v1::Type::String, program(joined)),
        }
    }

    fn literal(&self, bundle: &mut TestBundle, dice: &mut Dice) -> u32 {
        let operators = [
            Operator::Eq,
            Operator::Lt,
            Operator::Le,
            Operator::Gt,
            Operator::Ge,
        ];
        let operator = dice.pick(&operators);
        let number = |dice: &mut Dice| {
            if dice.one_in(2) {
                int(dice.int())
            } else {
                double(dice.double())
            }
        };
        let (feature, test) = match dice.below(12) {
            0 | 1 => (dice.pick(&[AGE, VISITS]), compare(operator, number(dice))),
            2 => (dice.pick(&[BALANCE, self.ratio]), compare(operator, number(dice))),
            3 => (
                JOINED,
                compare(operator, value(v1::value::Kind::TimestampUs(dice.moment()))),
            ),
            4 => (
                NOW,
                compare(operator, value(v1::value::Kind::TimestampUs(dice.moment()))),
            ),
            5 => (
                self.duration,
                compare(operator, value(v1::value::Kind::DurationUs(dice.int()))),
            ),
            6 => (
                dice.pick(&[SEGMENT, PAGE, self.made_text]),
                compare(operator, string(&dice.text())),
            ),
            7 => match dice.below(3) {
                0 => (VIP, literal::Test::IsTrue(v1::IsTrue {})),
                _ => (
                    VIP,
                    compare(operator, value(v1::value::Kind::Bool(dice.one_in(2)))),
                ),
            },
            8 => (PRODUCTS, literal::Test::Contains(string(&dice.text()))),
            9 => (RECENT, literal::Test::Contains(int(dice.int()))),
            10 => {
                let all = [
                    AGE,
                    BALANCE,
                    PRODUCTS,
                    RECENT,
                    SEGMENT,
                    VIP,
                    self.ratio,
                    self.made_text,
                ];
                (dice.pick(&all), literal::Test::IsPresent(v1::IsPresent {}))
            }
            _ if dice.one_in(2) => {
                let mut texts = dice.some(0, 6, Dice::text);
                texts.sort();
                texts.dedup();
                let values = texts.iter().map(|text| string(text)).collect();
                (
                    dice.pick(&[SEGMENT, PAGE]),
                    literal::Test::OneOf(v1::OneOf { values }),
                )
            }
            _ => {
                let mut numbers = dice.some(0, 6, Dice::int);
                numbers.sort_unstable();
                numbers.dedup();
                let values = numbers.into_iter().map(int).collect();
                (
                    dice.pick(&[AGE, BALANCE, self.ratio]),
                    literal::Test::OneOf(v1::OneOf { values }),
                )
            }
        };
        bundle.literal(feature, test, dice.one_in(3))
    }
}

/// Lifts the bounds of the test bundle's attributes.
fn take_anything(bundle: &mut TestBundle) {
    for attribute in &mut bundle.message.attributes {
        (attribute.minimum, attribute.maximum) = (None, None);
        attribute.allowed.clear();
    }
}

fn bundle(dice: &mut Dice) -> Bundle {
    let mut bundle = TestBundle::new();
    take_anything(&mut bundle);
    let features = Features::add(&mut bundle);
    let literals = dice.some(1, 400, |dice| features.literal(&mut bundle, dice));
    let clauses = dice.some(1, 500, |dice| {
        let least = usize::from(!dice.one_in(100));
        let end = if dice.one_in(3) { 5 } else { 2 };
        let own = dice.some(least, end, |dice| dice.pick(&literals));
        bundle.clause(&own)
    });
    let shared = dice.pick(&clauses);
    let actions = if dice.one_in(3) {
        1 + dice.below(2_000)
    } else {
        1 + dice.below(300)
    };
    for position in 0..actions {
        let of_stage = |dice: &mut Dice| {
            let mut own = dice.some(0, 4, |dice| dice.pick(&clauses));
            if dice.one_in(2) {
                own.push(shared);
            }
            own
        };
        let (eligibility, applicability, suitability) = (of_stage(dice), of_stage(dice), of_stage(dice));
        let (from, until) = (
            dice.one_in(3).then(|| dice.moment()),
            dice.one_in(3).then(|| dice.moment()),
        );
        let treatments = dice.some(0, 4, |dice| v1::Treatment {
            channel: u32::from(!dice.one_in(5)),
            eligibility: if dice.one_in(2) {
                vec![dice.pick(&clauses)]
            } else {
                Vec::new()
            },
            ..treatment("", dice.pick(&[None, Some(HERO), Some(SIDEBAR)]))
        });
        let action = bundle.action(&format!("action-{position:05}"), 1.0);
        (action.eligibility, action.applicability, action.suitability) =
            (eligibility, applicability, suitability);
        (action.active_from_us, action.active_until_us) = (from, until);
        action.enabled = !dice.one_in(9);
        action.treatments = treatments;
        for (number, treatment) in action.treatments.iter_mut().enumerate() {
            treatment.name = format!("treatment-{number}");
            if treatment.channel == 0 {
                treatment.placement = treatment.placement.filter(|placement| *placement == 0);
            }
        }
    }
    let weights = dice.some(0, 20, |dice| v1::ContextWeight {
        clauses: dice.some(0, 3, |dice| dice.pick(&clauses)),
        percent: 1.0,
        ..v1::ContextWeight::default()
    });
    bundle.message.context_weights = weights;
    Bundle::open(&bundle.seal()).unwrap()
}

fn customer(dice: &mut Dice) -> v1::DecideRequest {
    let mut message = request(&["hero", "sidebar"], Vec::new());
    if dice.one_in(3) {
        message.placements.remove(dice.below(2));
    }
    let finite = |dice: &mut Dice| {
        Some(dice.double())
            .filter(|double| double.is_finite())
            .unwrap_or(0.0)
    };
    let all = [
        attribute("age", int(dice.int())),
        attribute("balance", double(finite(dice))),
        attribute("joined", value(v1::value::Kind::TimestampUs(dice.moment()))),
        attribute(
            "products",
            strings(
                &dice
                    .some(0, 5, Dice::text)
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>(),
            ),
        ),
        attribute("segment", string(&dice.text())),
        attribute("vip", value(v1::value::Kind::Bool(dice.one_in(2)))),
    ];
    message
        .customer
        .extend(all.into_iter().filter(|_| !dice.one_in(4)));
    let context = [
        attribute("page", string(&dice.text())),
        attribute("recent", ints(&dice.some(0, 5, Dice::int))),
        attribute("visits", int(dice.int())),
    ];
    message
        .context
        .extend(context.into_iter().filter(|_| !dice.one_in(4)));
    message
}

/// The result of the index for one customer, or the expected one.
#[derive(Debug, PartialEq)]
struct Found {
    available: Vec<bool>,
    stages: [Vec<Truth>; 3],
    treatable: Vec<bool>,
    context_weights: Vec<ContextWeightId>,
}

fn ask_index(index: &Index, features: &[Value<'_>], now_us: i64, request: &Request, actions: usize) -> Found {
    let mut search = index.search(features, now_us);
    let bits = |set: &ActionSet| -> Vec<bool> { ids(actions).map(|action| set.contains(action)).collect() };
    let available = bits(&search.available());
    let verdicts = search.policies();
    let truths = |stage: PolicyStage| {
        let truth = |action: usize| {
            let (verdict, lines) = &verdicts.tiles[action / TILE_ACTIONS];
            let slot = stage as usize * lines * Line::SLOTS + action % TILE_ACTIONS;
            let bit = |lines: &[Line]| lines[slot / 512].0[slot / 64 % 8] >> (slot % 64) & 1 == 1;
            match (bit(&verdict.truth), bit(&verdict.not_false)) {
                (true, true) => Truth::True,
                (false, true) => Truth::Unknown,
                (false, false) => Truth::False,
                (true, false) => panic!("true, and false as well"),
            }
        };
        (0..actions).map(truth).collect::<Vec<Truth>>()
    };
    for stage in STAGES {
        let (passed, unknown) = verdicts.pass(&every_action(actions), stage);
        let truths = truths(stage);
        let count = |wanted| u32::try_from(truths.iter().filter(|truth| **truth == wanted).count()).unwrap();
        assert_eq!(
            (passed.count(), unknown),
            (count(Truth::True), count(Truth::Unknown))
        );
    }
    Found {
        available,
        stages: STAGES.map(truths),
        treatable: bits(&search.treatable(
            request.channel,
            &request.placements.iter().map(|requested| requested.placement),
        )),
        context_weights: search.context_weights(),
    }
}

const STAGES: [PolicyStage; 3] = [
    PolicyStage::Eligibility,
    PolicyStage::Applicability,
    PolicyStage::Suitability,
];

fn every_action(actions: usize) -> ActionSet {
    let mut set = ActionSet::empty(actions);
    ids(actions).for_each(|action| set.insert(action));
    set
}

fn ids(actions: usize) -> impl Iterator<Item = ActionId> {
    (0..u32::try_from(actions).unwrap()).map(ActionId::from_index)
}

fn ask_interpreter(bundle: &Bundle, features: &[Value<'_>], now_us: i64, request: &Request) -> Found {
    let interpreter = Interpreter::new(bundle, features);
    let truths: Vec<Truth> = bundle
        .clauses
        .ids()
        .map(|clause| interpreter.clause(clause))
        .collect();
    let conjunction = |clauses: &[ClauseId]| clauses.iter().map(|clause| truths[clause.index()]).min();
    let stage = |clauses: for<'a> fn(Policies<'a>) -> &'a [ClauseId]| {
        let policies = bundle
            .actions
            .ids()
            .map(|action| clauses(bundle.policies.of(action)));
        policies
            .map(|clauses| conjunction(clauses).unwrap_or(Truth::True))
            .collect()
    };
    let treatable = |action| {
        request.placements.iter().any(|requested| {
            fitting(bundle, interpreter, action, request.channel, requested.placement).is_some()
        })
    };
    let matching = bundle.context_weights.iter();
    Found {
        available: bundle
            .actions
            .rows()
            .iter()
            .map(|action| unavailable_now(action, now_us).is_none())
            .collect(),
        stages: [
            stage(|policies| policies.eligibility),
            stage(|policies| policies.applicability),
            stage(|policies| policies.suitability),
        ],
        treatable: bundle.actions.ids().map(treatable).collect(),
        context_weights: matching
            .filter(|(_, weight)| interpreter.all(&weight.clauses))
            .map(|(id, _)| id)
            .collect(),
    }
}

fn all_in(form: Form, shapes: &[Shape]) -> Vec<Form> {
    let fits = |shape: &Shape| match form {
        Form::Checkpoints(_) if shape.checkpoints.is_empty() => Form::Lists,
        form => form,
    };
    shapes.iter().map(fits).collect()
}

/// Every form, and a mixture of them.
const CHOICES: [Choose; 6] = [
    plan::choose,
    |shapes, _, _| all_in(Form::Lists, shapes),
    |shapes, _, _| all_in(Form::Rows, shapes),
    |shapes, _, _| all_in(Form::Checkpoints(1), shapes),
    |shapes, _, _| all_in(Form::Checkpoints(3), shapes),
    |shapes, _, _| {
        let forms = [Form::Rows, Form::Checkpoints(2), Form::Lists];
        let mixed = shapes.iter().zip(forms.into_iter().cycle());
        mixed
            .flat_map(|(shape, form)| all_in(form, std::slice::from_ref(shape)))
            .collect()
    },
];

fn indices(bundle: &Bundle) -> Vec<(String, Index)> {
    let mut made = Vec::new();
    for kernel in Kernel::available() {
        for (number, choose) in CHOICES.into_iter().enumerate() {
            let options = IndexOptions {
                kernel,
                ..IndexOptions::default()
            };
            made.push((
                format!("{kernel}, choice {number}"),
                Index::with_forms(&bundle.tables(), options, choose).unwrap(),
            ));
        }
    }
    made
}

/// Compares for some customers; gives how many actions were looked at.
fn compare_all(bundle: &Bundle, dice: &mut Dice, customers: usize, indices: &[(String, Index)]) -> usize {
    for number in 0..customers {
        let request = Request::check(bundle, customer(dice)).unwrap();
        let now_us = dice.moment();
        let attributes = attributes::assemble(bundle, &request, None);
        let features = features::evaluate(bundle, &attributes, now_us, &mut Machine::new());
        let expected = ask_interpreter(bundle, &features, now_us, &request);
        for (name, index) in indices {
            let found = ask_index(index, &features, now_us, &request, bundle.actions.len());
            assert!(
                found == expected,
                "{name}, customer {number}: {}",
                difference(&found, &expected)
            );
        }
    }
    customers * bundle.actions.len()
}

fn difference(found: &Found, expected: &Found) -> String {
    let at = |found: &[Truth], expected: &[Truth]| {
        found.iter().zip(expected).position(|(left, right)| left != right)
    };
    for (stage, (found, expected)) in found.stages.iter().zip(&expected.stages).enumerate() {
        if let Some(action) = at(found, expected) {
            return format!(
                "stage {stage}, action {action}: {:?}, not {:?}",
                found[action], expected[action]
            );
        }
    }
    let parts = (
        found.available != expected.available,
        found.treatable != expected.treatable,
    );
    format!(
        "available, treatable differ: {parts:?}; weights {:?}",
        found.context_weights
    )
}

#[test]
fn the_index_says_what_the_interpreter_says() {
    let wanted = option_env!("NEXTBEST_INDEX_PAIRS").map_or(PAIRS, |pairs| pairs.parse().unwrap());
    let (mut pairs, mut seed) = (0, 0);
    while pairs < wanted {
        let mut dice = Dice::new(seed);
        let bundle = bundle(&mut dice);
        pairs += compare_all(&bundle, &mut dice, CUSTOMERS, &indices(&bundle));
        seed += 1;
    }
}

/// Two tiles, and more clauses of two literals than there is room for behind the slots of one.
#[test]
fn tiles_and_planes_that_are_full() {
    let mut bundle = TestBundle::new();
    let older: Vec<u32> = (0..200)
        .map(|age| bundle.literal(AGE, compare(Operator::Gt, int(age)), false))
        .collect();
    let seen: Vec<u32> = (0..200)
        .map(|visits| bundle.literal(VISITS, compare(Operator::Eq, int(visits)), true))
        .collect();
    let mut pairs = older
        .iter()
        .flat_map(|left| seen.iter().map(move |right| [*left, *right]));
    let units: Vec<u32> = older.iter().map(|literal| bundle.clause(&[*literal])).collect();
    for position in 0..11_000 {
        let own: Vec<u32> = pairs.by_ref().take(3).map(|pair| bundle.clause(&pair)).collect();
        let action = bundle.action(&format!("action-{position:05}"), 1.0);
        action.eligibility = own;
        action.suitability = vec![units[position % 150]];
        action.treatments[0].eligibility = vec![units[position % 7]];
    }
    take_anything(&mut bundle);
    let bundle = Bundle::open(&bundle.seal()).unwrap();
    assert_eq!(bundle.index.tiles.len(), 2);
    let mut dice = Dice::new(1);
    for _ in 0..3 {
        compare_all(&bundle, &mut dice, 1, &indices(&bundle));
    }
}

#[test]
fn an_index_that_needs_more_memory_than_it_may_is_refused() {
    let bundle = bundle(&mut Dice::new(3));
    let needed = bundle.index_report().bytes;
    let with = |bytes_max| IndexOptions {
        bytes_max,
        ..IndexOptions::default()
    };
    // Rows may take half, and are given up for lists.
    let small = Index::new(&bundle.tables(), with(needed * 3 / 4))
        .unwrap()
        .report();
    assert!(small.bytes <= needed * 3 / 4 && small.listed_literals > bundle.index_report().listed_literals);
    let error = Index::new(&bundle.tables(), with(1_000)).unwrap_err();
    assert_eq!(error.code(), "index-too-large");
    assert!(
        error.to_string().ends_with("bytes: at most 1000 are allowed"),
        "{error}"
    );
}
