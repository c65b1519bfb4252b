//! Factored rows against whole ones, and invalid models.

use nextbest_proto::v1::NativeOperation as Code;
use proptest::prelude::*;

use super::*;
use crate::kernel::forest::tests::{Drawn, drawn, slot_values};
use crate::kernel::{Child, Node};

const FLOATS: usize = 12;

/// Steps before and after an ensemble: enough of each kind to mix cells.
#[derive(Clone, Debug)]
struct Sketch {
    drawn: Drawn,
    slots: Vec<(u32, bool, Vec<f32>, bool)>,
    kinds: Vec<CellKind>,
    mixing: Option<(u32, u32)>,
    is_twofold: bool,
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let kind = prop_oneof![
        4 => Just(CellKind::Shared), 3 => Just(CellKind::Own), 1 => Just(CellKind::Mixed)
    ];
    (drawn(), prop::collection::vec(kind, FLOATS)).prop_flat_map(|(drawn, kinds)| {
        let slot = (
            0..u32::try_from(FLOATS + 2).unwrap(),
            any::<bool>(),
            prop_oneof![
                4 => Just(Vec::new()),
                1 => prop::collection::vec((-16..16_i8).prop_map(f32::from), 1..4),
                1 => prop::collection::vec(-16.0..16.0_f32, 1..4)
            ],
            any::<bool>(),
        );
        let slots = prop::collection::vec(slot, drawn.all_slots().count());
        let mixing = prop::option::of((0..12_u32, 0..12_u32));
        (Just(drawn), slots, Just(kinds), mixing, any::<bool>()).prop_map(
            |(drawn, slots, kinds, mixing, is_twofold)| Sketch {
                drawn,
                slots,
                kinds,
                mixing,
                is_twofold,
            },
        )
    })
}

fn operand(start: u32) -> v1::NativeOperand {
    v1::NativeOperand { start, single: false }
}

fn step(operation: Code, operands: Vec<v1::NativeOperand>, out: u32, width: u32) -> v1::NativeStep {
    v1::NativeStep {
        operation: operation.into(),
        operands,
        out,
        width,
        ..v1::NativeStep::default()
    }
}

fn ensemble(sketch: &Sketch) -> v1::TreeEnsemble {
    let child = |child: &Child| match child {
        Child::Node(node) => i32::try_from(*node).unwrap(),
        Child::Leaf(leaf) => -1 - i32::try_from(*leaf).unwrap(),
    };
    let nodes: Vec<&Node> = sketch.drawn.trees.iter().flat_map(|tree| &tree.nodes).collect();
    v1::TreeEnsemble {
        targets: u32::try_from(sketch.drawn.targets).unwrap(),
        base_values: sketch.drawn.base_values.clone(),
        slots: sketch
            .slots
            .iter()
            .map(|(cell, missing_left, members, missing_is_member)| v1::TreeSlot {
                cell: *cell,
                missing_left: *missing_left,
                members: members.clone(),
                missing_is_member: *missing_is_member,
            })
            .collect(),
        tree_nodes: sketch
            .drawn
            .trees
            .iter()
            .map(|tree| u32::try_from(tree.nodes.len()).unwrap())
            .collect(),
        node_slots: nodes.iter().map(|node| u32::from(node.slot)).collect(),
        node_thresholds: nodes.iter().map(|node| node.threshold).collect(),
        node_lefts: nodes.iter().map(|node| child(&node.left)).collect(),
        node_rights: nodes.iter().map(|node| child(&node.right)).collect(),
        leaf_weights: sketch.drawn.weights.clone(),
        divisor: u32::from(sketch.is_twofold) * 3,
        leaf_covers: Vec::new(),
    }
}

/// Inputs, a constant, the sum of two cells; then an ensemble, its squashed sums, and what is made of them and an input.
fn model(sketch: &Sketch) -> v1::NativeModel {
    let floats = u32::try_from(FLOATS).unwrap();
    let targets = u32::try_from(sketch.drawn.targets).unwrap();
    let mut model = v1::NativeModel {
        float_inputs: floats,
        constants: vec![2.0],
        ensembles: vec![ensemble(sketch)],
        ..v1::NativeModel::default()
    };
    let (left, right) = sketch.mixing.unwrap_or((floats, floats));
    model.steps.push(step(
        Code::NativeAdd,
        vec![operand(left), operand(right)],
        floats + 1,
        1,
    ));
    let sums = floats + 2;
    model.steps.push(step(Code::NativeTrees, vec![], sums, targets));
    model.steps.push(step(
        Code::NativeLogistic,
        vec![operand(sums)],
        sums + targets,
        targets,
    ));
    let last = sums + 2 * targets;
    let both = vec![operand(sums + targets), operand(left)];
    model.steps.push(step(Code::NativeMultiply, both, last, 1));
    model.cells = last + 1;
    model.outputs = vec![
        v1::NativeOutput {
            column: 0,
            cell: last - 1,
        },
        v1::NativeOutput {
            column: 1,
            cell: last,
        },
        v1::NativeOutput { column: 7, cell: 3 },
    ];
    model
}

fn numbers(count: usize) -> impl Strategy<Value = Vec<f32>> {
    (
        slot_values(count),
        prop::collection::vec(prop::bool::weighted(0.1), count),
    )
        .prop_map(|(mut numbers, missing)| {
            for (number, missing) in numbers.iter_mut().zip(missing) {
                if missing {
                    *number = f32::NAN;
                }
            }
            numbers
        })
}

/// Equal bits; all NaN are equal.
fn bits(score: Option<f32>) -> Option<u32> {
    score.map(|score| if score.is_nan() { f32::NAN } else { score }.to_bits())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_factored_row_scores_like_a_whole_one(
        (sketch, shared, rows, chosen) in sketch().prop_flat_map(|sketch| (
            Just(sketch),
            numbers(FLOATS),
            (1..50_usize).prop_flat_map(|rows| numbers(rows * FLOATS)),
            prop::collection::vec(any::<bool>(), 50),
        ))
    ) {
        let model = NativeModel::check(model(&sketch)).unwrap();
        let rows: Vec<&[f32]> = rows.chunks_exact(FLOATS).collect();
        let columns: Vec<u32> = (0..rows.len()).map(|row| [0, 1, 7][row % 3]).collect();
        let kinds = InputKinds { floats: sketch.kinds.clone(), ..InputKinds::default() };
        let mut own = Rows::new(&model, rows.len());
        for (index, row) in rows.iter().enumerate() {
            for ((cell, number), kind) in own.floats_mut(index).iter_mut().zip(*row).zip(&sketch.kinds) {
                if *kind == CellKind::Own {
                    *cell = *number;
                }
            }
        }
        let factoring = Factoring::new(&model, &kinds, &mut own, &columns).unwrap();
        let chosen: Vec<u32> = (0..).zip(&rows).zip(chosen).filter(|(_, chosen)| *chosen).map(|((row, _), _)| row).collect();
        for kernel in Kernel::available() {
            let mut whole = Rows::new(&model, chosen.len());
            for (index, row) in chosen.iter().enumerate() {
                let cells = whole.floats_mut(index).iter_mut();
                for (((cell, own), shared), kind) in cells.zip(rows[*row as usize]).zip(&shared).zip(&sketch.kinds) {
                    *cell = if *kind == CellKind::Shared { *shared } else { *own };
                }
            }
            model.run(kernel, &mut whole);
            let expected: Vec<Option<u32>> = chosen
                .iter()
                .enumerate()
                .map(|(index, row)| bits(whole.get(index, model.output_cell(columns[*row as usize]).unwrap())))
                .collect();
            let mut one = Rows::new(&model, 1);
            for ((cell, number), kind) in one.floats_mut(0).iter_mut().zip(&shared).zip(&sketch.kinds) {
                if *kind == CellKind::Shared {
                    *cell = *number;
                }
            }
            let mut scores = Vec::new();
            let input = |row: u32, cell: usize| rows[row as usize][cell];
            factoring.score(&model, kernel, &mut one, &input, &chosen, &mut scores);
            let scores: Vec<Option<u32>> = scores.into_iter().map(bits).collect();
            prop_assert_eq!(scores, expected, "{}", kernel);
        }
    }

    #[test]
    fn changed_models_are_refused_or_run(
        sketch in sketch(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        row in numbers(FLOATS),
    ) {
        let mut encoded = prost::Message::encode_to_vec(&model(&sketch));
        for (position, byte) in changes {
            let position = position.index(encoded.len());
            encoded[position] = byte;
        }
        if let Ok(model) = NativeModel::open(&encoded) {
            for kernel in Kernel::available() {
                let mut rows = Rows::new(&model, 2);
                for (cell, number) in rows.floats_mut(0).iter_mut().zip(&row) {
                    *cell = *number;
                }
                model.run(kernel, &mut rows);
            }
        }
    }
}

#[test]
fn a_row_with_an_unknown_key_has_no_result() {
    let message = v1::NativeModel {
        cells: 3,
        text_inputs: 1,
        int_inputs: 1,
        steps: vec![
            v1::NativeStep {
                width: 2,
                operands: vec![operand(0)],
                ..step(Code::NativeLookUp, vec![], 0, 2)
            },
            step(Code::NativeInt, vec![operand(0)], 2, 1),
        ],
        outputs: vec![
            v1::NativeOutput { column: 0, cell: 1 },
            v1::NativeOutput { column: 1, cell: 2 },
        ],
        dictionaries: vec![v1::NativeDictionary {
            texts: vec!["gold".to_owned(), "red".to_owned()],
            width: 2,
            values: vec![1.0, 0.0, 0.0, 1.0],
            ..v1::NativeDictionary::default()
        }],
        ..v1::NativeModel::default()
    };
    let model = NativeModel::check(message).unwrap();
    let mut rows = Rows::new(&model, 2);
    rows.texts_mut(0)[0] = "red";
    rows.texts_mut(1)[0] = "blue";
    rows.ints_mut(0)[0] = 7;
    model.run(Kernel::PORTABLE, &mut rows);
    assert_eq!(rows.get(0, model.output_cell(0).unwrap()), Some(1.0));
    assert_eq!(rows.get(0, model.output_cell(1).unwrap()), Some(7.0));
    assert_eq!(rows.get(1, model.output_cell(0).unwrap()), None);
}

#[test]
fn trees_that_test_nothing_add_up_all_the_same() {
    let message = v1::NativeModel {
        cells: 1,
        steps: vec![step(Code::NativeTrees, vec![], 0, 1)],
        outputs: vec![v1::NativeOutput { column: 0, cell: 0 }],
        ensembles: vec![v1::TreeEnsemble {
            targets: 1,
            base_values: vec![0.5],
            tree_nodes: vec![0, 0],
            leaf_weights: vec![0.25, 1.0],
            ..v1::TreeEnsemble::default()
        }],
        ..v1::NativeModel::default()
    };
    let model = NativeModel::check(message).unwrap();
    for kernel in Kernel::available() {
        let mut rows = Rows::new(&model, 20);
        model.run(kernel, &mut rows);
        assert!((0..20).all(|row| rows.get(row, 0) == Some(1.75)), "{kernel}");
    }
    let kinds = InputKinds::default();
    let factoring = Factoring::new(&model, &kinds, &mut Rows::new(&model, 3), &[0; 3]).unwrap();
    let mut scores = Vec::new();
    let mut one = Rows::new(&model, 1);
    let input = |_, _| f32::NAN;
    factoring.score(&model, Kernel::PORTABLE, &mut one, &input, &[0, 2], &mut scores);
    assert_eq!(scores, [Some(1.75); 2]);
}
