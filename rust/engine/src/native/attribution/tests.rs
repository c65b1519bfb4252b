//! Contributions against what they are by definition: every coalition of owners, one by one.

#![expect(clippy::cast_precision_loss, reason = "small numbers")]

use nextbest_proto::v1::{self, NativeOperation as Code};
use proptest::prelude::*;

use super::*;
use crate::kernel::Kernel;

const CELLS: usize = 7;
const OWNERS: usize = 5;

/// A tree of the message, as its nodes and leaves are numbered there.
#[derive(Clone, Debug)]
struct Drawn {
    /// Slot, threshold, left and right.
    nodes: Vec<(u32, f32, i32, i32)>,
    weights: Vec<f32>,
    covers: Vec<f32>,
}

#[derive(Clone, Debug)]
struct Case {
    trees: Vec<Drawn>,
    owners: Vec<u16>,
    missing_left: Vec<bool>,
    divisor: u32,
    row: Vec<f32>,
}

/// In preorder: each choice splits one of the leaves so far, or always the last.
fn tree(leaves_max: usize, is_deep: bool) -> impl Strategy<Value = Drawn> {
    let choice = (any::<prop::sample::Index>(), 0..2 * CELLS, -4..4_i8);
    let leaf = (
        -2.0..2.0_f32,
        prop_oneof![1 => Just(0.0_f32), 4 => (1..50_u8).prop_map(f32::from)],
    );
    (
        prop::collection::vec(choice, 0..leaves_max),
        prop::collection::vec(leaf, leaves_max),
    )
        .prop_map(move |(choices, leaves)| {
            // Children as places in the list; none: a leaf.
            let mut splits: Vec<Option<(usize, usize, usize, i8)>> = vec![None];
            let mut open = vec![0];
            for (index, slot, threshold) in choices {
                let chosen = if is_deep {
                    open.len() - 1
                } else {
                    index.index(open.len())
                };
                let position = open.swap_remove(chosen);
                splits[position] = Some((splits.len(), splits.len() + 1, slot, threshold));
                open.extend([splits.len(), splits.len() + 1]);
                splits.extend([None, None]);
            }
            let mut drawn = Drawn {
                nodes: Vec::new(),
                weights: Vec::new(),
                covers: Vec::new(),
            };
            number(&splits, 0, &leaves, &mut drawn);
            if drawn.covers.iter().all(|cover| *cover == 0.0) {
                drawn.covers[0] = 1.0;
            }
            drawn
        })
}

fn number(
    splits: &[Option<(usize, usize, usize, i8)>],
    at: usize,
    leaves: &[(f32, f32)],
    drawn: &mut Drawn,
) -> i32 {
    let Some((left, right, slot, threshold)) = splits[at] else {
        let (weight, cover) = leaves[drawn.weights.len()];
        drawn.weights.push(weight);
        drawn.covers.push(cover);
        return -i32::try_from(drawn.weights.len()).unwrap();
    };
    let index = drawn.nodes.len();
    drawn
        .nodes
        .push((u32::try_from(slot).unwrap(), f32::from(threshold) / 2.0, 0, 0));
    drawn.nodes[index].2 = number(splits, left, leaves, drawn);
    drawn.nodes[index].3 = number(splits, right, leaves, drawn);
    i32::try_from(index).unwrap()
}

fn case(leaves_max: usize, is_deep: bool) -> impl Strategy<Value = Case> {
    let value = prop_oneof![1 => Just(f32::NAN), 6 => (-5..5_i8).prop_map(|value| f32::from(value) / 2.0)];
    (
        prop::collection::vec(tree(leaves_max, is_deep), 1..4),
        prop::collection::vec(0..u16::try_from(OWNERS).unwrap(), CELLS),
        prop::collection::vec(any::<bool>(), 2 * CELLS),
        0..3_u32,
        prop::collection::vec(value, CELLS),
    )
        .prop_map(|(trees, mut owners, missing_left, divisor, row)| {
            // So that there is one of the greatest number.
            owners[0] = u16::try_from(OWNERS).unwrap() - 1;
            Case {
                trees,
                owners,
                missing_left,
                divisor,
                row,
            }
        })
}

impl Case {
    fn message(&self) -> v1::NativeModel {
        let nodes: Vec<_> = self.trees.iter().flat_map(|tree| &tree.nodes).collect();
        let cells = u32::try_from(CELLS).unwrap();
        v1::NativeModel {
            cells: cells + 2,
            float_inputs: cells,
            steps: vec![
                step(Code::NativeTrees, &[], cells),
                step(Code::NativeLogistic, &[cells], cells + 1),
            ],
            outputs: vec![v1::NativeOutput {
                column: 1,
                cell: cells + 1,
            }],
            ensembles: vec![v1::TreeEnsemble {
                targets: 1,
                base_values: vec![0.25],
                slots: (0_u32..)
                    .zip(&self.missing_left)
                    .map(|(slot, missing_left)| v1::TreeSlot {
                        cell: slot % cells,
                        missing_left: *missing_left,
                        ..v1::TreeSlot::default()
                    })
                    .collect(),
                tree_nodes: self
                    .trees
                    .iter()
                    .map(|tree| u32::try_from(tree.nodes.len()).unwrap())
                    .collect(),
                node_slots: nodes.iter().map(|node| node.0).collect(),
                node_thresholds: nodes.iter().map(|node| node.1).collect(),
                node_lefts: nodes.iter().map(|node| node.2).collect(),
                node_rights: nodes.iter().map(|node| node.3).collect(),
                leaf_weights: self.trees.iter().flat_map(|tree| tree.weights.clone()).collect(),
                leaf_covers: self.trees.iter().flat_map(|tree| tree.covers.clone()).collect(),
                divisor: self.divisor,
            }],
            ..v1::NativeModel::default()
        }
    }

    fn slot(&self, slot: u32) -> (usize, f32, bool) {
        let cell = slot as usize % CELLS;
        (
            usize::from(self.owners[cell]),
            self.row[cell],
            self.missing_left[slot as usize],
        )
    }

    fn goes_left(&self, node: (u32, f32, i32, i32)) -> bool {
        let (_, value, missing_left) = self.slot(node.0);
        if value.is_nan() {
            missing_left
        } else {
            value <= node.1
        }
    }

    fn factor(&self) -> f64 {
        1.0 / f64::from(self.divisor.max(1))
    }

    /// What all trees say where only the owners of a coalition are known.
    fn value(&self, coalition: usize) -> f64 {
        let one = |tree: &Drawn| {
            self.value_of(
                tree,
                0.min(i32::try_from(tree.nodes.len()).unwrap() - 1),
                coalition,
            )
        };
        self.factor() * self.trees.iter().map(one).sum::<f64>()
    }

    fn value_of(&self, tree: &Drawn, at: i32, coalition: usize) -> f64 {
        let Ok(number) = usize::try_from(at) else {
            return f64::from(tree.weights[usize::try_from(-1 - at).unwrap()]);
        };
        let node = tree.nodes[number];
        if coalition >> self.slot(node.0).0 & 1 == 1 {
            return self.value_of(
                tree,
                if self.goes_left(node) { node.2 } else { node.3 },
                coalition,
            );
        }
        let share = tree.left_share(node);
        share * self.value_of(tree, node.2, coalition)
            + (1.0 - share) * self.value_of(tree, node.3, coalition)
    }

    fn shapley(&self) -> Vec<f64> {
        let mut shares = vec![0.0; OWNERS];
        for coalition in 0..1_usize << OWNERS {
            for (owner, share) in shares.iter_mut().enumerate() {
                if coalition >> owner & 1 == 0 {
                    let more = self.value(coalition | 1 << owner) - self.value(coalition);
                    *share += more * weight(coalition.count_ones() as usize);
                }
            }
        }
        shares
    }

    fn saabas(&self) -> Vec<f64> {
        let mut shares = vec![0.0; OWNERS];
        for tree in &self.trees {
            let mut at = 0.min(i32::try_from(tree.nodes.len()).unwrap() - 1);
            while let Ok(number) = usize::try_from(at) {
                let node = tree.nodes[number];
                let next = if self.goes_left(node) { node.2 } else { node.3 };
                let more = self.value_of(tree, next, 0) - self.value_of(tree, at, 0);
                shares[self.slot(node.0).0] += self.factor() * more;
                at = next;
            }
        }
        shares
    }
}

impl Drawn {
    fn cover(&self, at: i32) -> f64 {
        match usize::try_from(at) {
            Ok(node) => self.cover(self.nodes[node].2) + self.cover(self.nodes[node].3),
            Err(_) => f64::from(self.covers[usize::try_from(-1 - at).unwrap()]),
        }
    }

    fn left_share(&self, node: (u32, f32, i32, i32)) -> f64 {
        let (left, right) = (self.cover(node.2), self.cover(node.3));
        if left + right > 0.0 {
            left / (left + right)
        } else {
            0.5
        }
    }
}

/// Of a coalition of this size, of all but one owner.
fn weight(size: usize) -> f64 {
    let factorial = |number: usize| (1..=number).map(|factor| factor as f64).product::<f64>();
    factorial(size) * factorial(OWNERS - size - 1) / factorial(OWNERS)
}

fn step(operation: Code, operands: &[u32], out: u32) -> v1::NativeStep {
    v1::NativeStep {
        operation: operation.into(),
        operands: operands
            .iter()
            .map(|start| v1::NativeOperand {
                start: *start,
                single: false,
            })
            .collect(),
        out,
        width: 1,
        ..v1::NativeStep::default()
    }
}

fn filled<'a>(model: &NativeModel, row: &[f32]) -> Rows<'a> {
    let mut rows = Rows::new(model, 1);
    rows.floats_mut(0).copy_from_slice(row);
    model.run(Kernel::PORTABLE, &mut rows);
    rows
}

fn is_near(found: &[f64], expected: &[f64]) -> bool {
    found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, expected)| (found - expected).abs() < 1e-5)
}

fn check(case: &Case) -> Result<(), TestCaseError> {
    let model = NativeModel::check(case.message()).unwrap();
    let rows = filled(&model, &case.row);
    let mut attributions = Attributions::new(&model, &case.owners, [1]);
    let mut explain = |method, with_tables: bool| {
        if !with_tables && let Some(Ok(column)) = attributions.columns.get_mut(&1) {
            column
                .sums
                .iter_mut()
                .for_each(|sum| sum.tables.iter_mut().for_each(|tables| *tables = None));
        }
        attributions.explain(&model, method, 1, &rows, 0).unwrap()
    };
    let (fast, tabled, computed) = (
        explain(Method::Fast, true),
        explain(Method::Exact, true),
        explain(Method::Exact, false),
    );
    let expected = case.shapley();
    prop_assert!(
        is_near(&fast.contributions, &case.saabas()),
        "fast: {:?} {:?}",
        fast.contributions,
        case.saabas()
    );
    prop_assert!(
        is_near(&tabled.contributions, &expected),
        "tables: {:?} {expected:?}",
        tabled.contributions
    );
    prop_assert!(
        is_near(&computed.contributions, &expected),
        "computed: {:?} {expected:?}",
        computed.contributions
    );
    for found in [fast, tabled, computed] {
        prop_assert!((found.base - 0.25 - case.value(0)).abs() < 1e-5);
        let sum = found.base + found.contributions.iter().sum::<f64>();
        prop_assert!(
            (sum - found.margin).abs() <= 1e-5 * found.margin.abs().max(1.0),
            "{sum} {}",
            found.margin
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn contributions_of_bushy_trees_are_shapley_values(case in case(20, false)) {
        check(&case)?;
    }

    #[test]
    fn contributions_of_deep_trees_are_shapley_values(case in case(40, true)) {
        check(&case)?;
    }
}

fn rule<const N: usize>() {
    let rule = Rule::<N>::new();
    // Of one owner that meets its conditions as no background row does, beside others that all rows meet.
    for others in 0..2 * N {
        let mut conditions = vec![(true, 0.0)];
        conditions.resize(others + 1, (true, 1.0));
        let mut given = vec![0.0; others + 1];
        rule.add_leaf(&conditions, 3.0, &mut given);
        assert!(
            (given[0] - 3.0).abs() < 1e-12,
            "{N} points, {others} others: {given:?}"
        );
        // All alike: they share it.
        let conditions = vec![(true, 0.0); others + 1];
        let mut given = vec![0.0; others + 1];
        rule.add_leaf(&conditions, 3.0, &mut given);
        let share = 3.0 / (others as f64 + 1.0);
        assert!(
            given.iter().all(|given| (given - share).abs() < 1e-12),
            "{N}: {given:?}"
        );
    }
}

#[test]
fn rules_are_exact_for_twice_as_many_owners_as_points() {
    rule::<2>();
    rule::<4>();
    rule::<6>();
    rule::<8>();
    rule::<16>();
    rule::<32>();
}

/// Two scaled columns, of which the second is missing at times, and a bias: the linear model of a pipeline.
fn linear() -> v1::NativeModel {
    let wide = |operation, operands: &[u32], out| v1::NativeStep {
        width: 2,
        ..step(operation, operands, out)
    };
    v1::NativeModel {
        cells: 12,
        float_inputs: 2,
        // Replaced missing values, and scales.
        constants: vec![5.0, 7.0, 2.0, -1.0],
        steps: vec![
            wide(Code::NativeIsNan, &[0], 6),
            wide(Code::NativeSelect, &[6, 2, 0], 8),
            v1::NativeStep {
                group: 2,
                ..step(Code::NativeGemm, &[8], 10)
            },
            step(Code::NativeLogistic, &[10], 11),
        ],
        outputs: vec![v1::NativeOutput { column: 0, cell: 11 }],
        matrices: vec![v1::NativeMatrix {
            rows: 2,
            columns: 1,
            weights: vec![0.5, -2.0],
            bias: vec![1.0],
        }],
        cell_means: vec![1.0, f32::NAN, 5.0, 7.0, 2.0, -1.0, 0.0, 0.5, 1.0, 3.0, -4.5, 0.5],
        ..v1::NativeModel::default()
    }
}

#[test]
fn a_linear_model_gives_weight_times_distance_from_the_mean() {
    let model = NativeModel::check(linear()).unwrap();
    let attributions = Attributions::new(&model, &[0, 1], [0]);
    let rows = filled(&model, &[4.0, f32::NAN]);
    for method in [Method::Fast, Method::Exact] {
        let found = attributions.explain(&model, method, 0, &rows, 0).unwrap();
        let expected = Attributed {
            scale: ContributionScale::LogOdds,
            base: 1.0 + 0.5 * 1.0 - 2.0 * 3.0,
            margin: 1.0 + 0.5 * 4.0 - 2.0 * 7.0,
            contributions: vec![0.5 * (4.0 - 1.0), -2.0 * (7.0 - 3.0)],
        };
        assert_eq!(found, expected);
    }
    // Both columns from one attribute: one owner.
    let attributions = Attributions::new(&model, &[0, 0], [0]);
    let found = attributions.explain(&model, Method::Exact, 0, &rows, 0).unwrap();
    assert_eq!(found.contributions, [0.5 * 3.0 - 2.0 * 4.0]);
}

#[test]
fn what_cannot_be_shared_out_says_why() {
    let refusal = |message: v1::NativeModel| {
        let model = NativeModel::check(message).unwrap();
        let owners: Vec<u16> = (0..u16::try_from(model.inputs().floats).unwrap()).collect();
        let column = model.columns().next().unwrap();
        Attributions::new(&model, &owners, [column])
            .refusal(column)
            .map(ToString::to_string)
    };
    let sampleless = "the model was compiled without a background sample";
    assert_eq!(refusal(linear()), None);
    assert_eq!(
        refusal(v1::NativeModel {
            cell_means: vec![],
            ..linear()
        })
        .as_deref(),
        Some(sampleless)
    );
    let mut trees = trees_on(0);
    assert_eq!(refusal(trees.clone()), None);
    trees.ensembles[0].leaf_covers.clear();
    assert_eq!(refusal(trees).as_deref(), Some(sampleless));
    assert_eq!(
        refusal(trees_on(2)).as_deref(),
        Some("its trees test a number that is made of several attributes")
    );
    let mut net = linear();
    net.steps[3] = step(Code::NativeTanh, &[10], 11);
    assert_eq!(
        refusal(net).as_deref(),
        Some("the model is not a sum over attributes: it takes the `tanh` of several")
    );
}

/// One node, on the first input or on the sum of both.
fn trees_on(cell: u32) -> v1::NativeModel {
    v1::NativeModel {
        cells: 4,
        float_inputs: 2,
        steps: vec![step(Code::NativeAdd, &[0, 1], 2), step(Code::NativeTrees, &[], 3)],
        outputs: vec![v1::NativeOutput { column: 0, cell: 3 }],
        ensembles: vec![v1::TreeEnsemble {
            targets: 1,
            slots: vec![v1::TreeSlot {
                cell,
                ..v1::TreeSlot::default()
            }],
            tree_nodes: vec![1],
            node_slots: vec![0],
            node_thresholds: vec![0.5],
            node_lefts: vec![-1],
            node_rights: vec![-2],
            leaf_weights: vec![0.25, 0.75],
            leaf_covers: vec![3.0, 1.0],
            ..v1::TreeEnsemble::default()
        }],
        ..v1::NativeModel::default()
    }
}

#[test]
fn covers_are_one_for_each_leaf_and_never_all_none() {
    for covers in [
        vec![1.0],
        vec![0.0, 0.0],
        vec![1.0, -1.0],
        vec![f32::NAN, 1.0],
        vec![1.0, 1.0, 1.0],
    ] {
        let mut message = trees_on(0);
        message.ensembles[0].leaf_covers = covers.clone();
        assert!(NativeModel::check(message).is_err(), "{covers:?}");
    }
}

#[test]
fn a_sample_is_counted_leaf_by_leaf_and_cell_by_cell() {
    let model = NativeModel::check(trees_on(0)).unwrap();
    let mut rows = Rows::new(&model, 4);
    for (row, number) in [0.0, 1.0, 2.0, f32::NAN].into_iter().enumerate() {
        rows.floats_mut(row).copy_from_slice(&[number, 1.0]);
    }
    model.run(Kernel::PORTABLE, &mut rows);
    let mut found = super::super::Background::new(&model);
    found.survey(&model, &rows);
    assert_eq!((found.rows(), found.leaf_covers()), (4, &[vec![1.0, 3.0]][..]));
    assert_eq!(found.cell_means(), [1.0, 1.0, 2.0, 0.625]);
}
