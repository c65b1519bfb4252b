use proptest::prelude::*;

use super::*;

/// Trees of any shape as choices: where the next node goes, and what it tests.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) trees: Vec<Tree>,
    pub(crate) slots: usize,
    pub(crate) targets: usize,
    pub(crate) weights: Vec<f32>,
    pub(crate) base_values: Vec<f32>,
}

impl Drawn {
    pub(crate) fn forest(&self) -> Forest {
        Forest::new(
            &self.trees,
            Slots {
                axes: self.slots,
                is_paired: false,
            },
            self.targets,
            self.weights.clone(),
            self.base_values.clone(),
            None,
        )
        .unwrap()
    }

    /// The meaning: one node after the other, one tree after the other.
    pub(crate) fn naive(&self, slots: &[f32]) -> Vec<f32> {
        let mut sums = vec![0.0; self.targets];
        let mut first_leaf = 0;
        for tree in &self.trees {
            let mut at = if tree.nodes.is_empty() {
                Child::Leaf(0)
            } else {
                Child::Node(0)
            };
            while let Child::Node(number) = at {
                let node = tree.nodes[number];
                at = if slots[usize::from(node.slot)] <= node.threshold {
                    node.left
                } else {
                    node.right
                };
            }
            let Child::Leaf(leaf) = at else { unreachable!() };
            let weights = &self.weights[(first_leaf + leaf) * self.targets..][..self.targets];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += weight;
            }
            first_leaf += tree.leaves;
        }
        for (sum, base) in sums.iter_mut().zip(&self.base_values) {
            *sum += base;
        }
        sums
    }
}

#[derive(Clone, Copy)]
enum Sketch {
    Leaf,
    Node(usize, usize, u16, f32),
}

/// In preorder, leaves from left to right.
fn number(sketches: &[Sketch], at: usize, tree: &mut Tree) -> Child {
    match sketches[at] {
        Sketch::Leaf => {
            tree.leaves += 1;
            Child::Leaf(tree.leaves - 1)
        }
        Sketch::Node(left, right, slot, threshold) => {
            let place = tree.nodes.len();
            tree.nodes.push(Node {
                slot,
                threshold,
                left: Child::Leaf(0),
                right: Child::Leaf(0),
            });
            tree.nodes[place].left = number(sketches, left, tree);
            tree.nodes[place].right = number(sketches, right, tree);
            Child::Node(place)
        }
    }
}

/// A tree of so many leaves: each time, one of the leaves so far becomes a node.
fn tree(choices: &[(usize, u16, u8)], slots: usize, is_deep: bool) -> Tree {
    let mut sketches = vec![Sketch::Leaf];
    let mut leaves = vec![0];
    for (choice, slot, threshold) in choices {
        let place = if is_deep {
            leaves.len() - 1
        } else {
            choice % leaves.len()
        };
        let split = leaves.swap_remove(place);
        let slot = u16::try_from(usize::from(*slot) % slots).unwrap();
        sketches[split] = Sketch::Node(
            sketches.len(),
            sketches.len() + 1,
            slot,
            match threshold {
                0 => f32::NEG_INFINITY,
                255 => f32::INFINITY,
                _ => (f32::from(*threshold) - 128.0) / 8.0,
            },
        );
        leaves.extend([sketches.len(), sketches.len() + 1]);
        sketches.extend([Sketch::Leaf, Sketch::Leaf]);
    }
    let mut numbered = Tree {
        nodes: Vec::new(),
        leaves: 0,
    };
    number(&sketches, 0, &mut numbered);
    numbered
}

/// Forests: small and large trees, deep and flat ones, one slot and many, one target and more.
pub(crate) fn drawn() -> impl Strategy<Value = Drawn> {
    let sizes = prop_oneof![
        4 => Just(63_usize),
        4 => Just(30),
        2 => Just(6),
        1 => Just(0),
        1 => Just(150),
    ];
    let tree_choices = sizes.prop_flat_map(|nodes| {
        (
            prop::collection::vec((any::<usize>(), any::<u16>(), any::<u8>()), 0..=nodes),
            prop::bool::weighted(0.2),
        )
    });
    let slots = prop_oneof![Just(1_usize), 2..20_usize, Just(64), Just(90), Just(200)];
    (
        prop::collection::vec(tree_choices, 1..40),
        slots,
        prop_oneof![4 => Just(1_usize), 1 => Just(3)],
        any::<u64>(),
        any::<bool>(),
    )
        .prop_map(|(choices, slots, targets, seed, has_base)| {
            let trees: Vec<Tree> = choices
                .iter()
                .map(|(choices, is_deep)| tree(choices, slots, *is_deep))
                .collect();
            let leaves: usize = trees.iter().map(|tree| tree.leaves).sum();
            let mut state = seed | 1;
            let mut weight = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                f32::from(u16::try_from(state >> 48).unwrap()) / 9_973.0 - 3.0
            };
            Drawn {
                weights: (0..leaves * targets).map(|_| weight()).collect(),
                base_values: (0..if has_base { targets } else { 0 })
                    .map(|_| weight())
                    .collect(),
                trees,
                slots,
                targets,
            }
        })
}

/// Numbers where trees turn, between them, and where missing ones are.
pub(crate) fn slot_values(count: usize) -> impl Strategy<Value = Vec<f32>> {
    let value = prop_oneof![
        6 => any::<u8>().prop_map(|place| (f32::from(place) - 128.0) / 8.0),
        2 => -17.0..17.0_f32,
        1 => Just(f32::INFINITY),
        1 => Just(f32::NEG_INFINITY),
        1 => Just(-0.0_f32),
    ];
    prop::collection::vec(value, count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_kernel_comes_to_the_same_leaves(
        (drawn, rows) in drawn().prop_flat_map(|drawn| {
            let slots = drawn.slots;
            (Just(drawn), (0..40_usize).prop_flat_map(move |rows| slot_values(rows * slots)))
        })
    ) {
        let forest = drawn.forest();
        let expected: Vec<u32> = rows
            .chunks_exact(drawn.slots)
            .flat_map(|row| drawn.naive(row))
            .map(f32::to_bits)
            .collect();
        let keys: Vec<u32> = rows.iter().map(|slot| key(*slot, LEFTMOST)).collect();
        for kernel in Kernel::available() {
            let mut sums = vec![f32::NAN; expected.len()];
            forest.sum(kernel, &keys, &mut sums);
            let sums: Vec<u32> = sums.into_iter().map(f32::to_bits).collect();
            prop_assert_eq!(&sums, &expected, "{}", kernel);
            // One row by itself.
            for (row, expected) in keys.chunks_exact(drawn.slots).zip(expected.chunks_exact(drawn.targets)) {
                let mut sums = vec![f32::NAN; drawn.targets];
                forest.sum(kernel, row, &mut sums);
                let sums: Vec<u32> = sums.into_iter().map(f32::to_bits).collect();
                prop_assert_eq!(&sums, expected, "{}, one row", kernel);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn factored_rows_come_to_the_same_leaves(
        (drawn, kinds, shared, rows, chosen) in drawn().prop_flat_map(|mut drawn| {
            // One target: the first of each leaf.
            drawn.weights = drawn.weights.iter().step_by(drawn.targets).copied().collect();
            drawn.base_values.truncate(1);
            drawn.targets = 1;
            let slots = drawn.slots;
            let kind = prop_oneof![
                6 => Just(AxisKind::Shared), 3 => Just(AxisKind::Own), 1 => Just(AxisKind::Mixed)
            ];
            (
                Just(drawn),
                prop::collection::vec(kind, slots),
                slot_values(slots),
                (0..70_usize).prop_flat_map(move |rows| slot_values(rows * slots)),
                prop::collection::vec(any::<bool>(), 70),
            )
        })
    ) {
        let slots = Slots { axes: drawn.slots, is_paired: false };
        let keys = |numbers: &[f32]| -> Vec<u32> {
            numbers.iter().map(|number| key(*number, LEFTMOST)).collect()
        };
        let factored = Factored::new(
            &drawn.trees,
            slots,
            &drawn.weights,
            (drawn.base_values.first().copied().unwrap_or(0.0), None),
            kinds.clone(),
            keys(&rows),
        )
        .unwrap();
        let rows: Vec<&[f32]> = rows.chunks_exact(drawn.slots).collect();
        let chosen: Vec<u32> = (0..).zip(&rows).zip(&chosen).filter(|(_, chosen)| **chosen).map(|((row, _), _)| row).collect();
        let whole = |row: u32| -> Vec<f32> {
            let own = rows[row as usize];
            let pick = |(slot, kind): (usize, &AxisKind)| {
                if *kind == AxisKind::Shared { shared[slot] } else { own[slot] }
            };
            kinds.iter().enumerate().map(pick).collect()
        };
        let expected: Vec<u32> = chosen.iter().map(|row| drawn.naive(&whole(*row))[0].to_bits()).collect();
        let mixed: Vec<u32> = chosen.iter().flat_map(|row| keys(rows[*row as usize])).collect();
        for kernel in Kernel::available() {
            let mut sums = vec![f32::NAN; chosen.len()];
            factored.sum(kernel, &keys(&shared), &mixed, &chosen, &mut sums);
            let sums: Vec<u32> = sums.into_iter().map(f32::to_bits).collect();
            prop_assert_eq!(&sums, &expected, "{}", kernel);
        }
    }
}

proptest! {
    #[test]
    fn keys_compare_as_numbers_do(left in any::<f32>(), right in any::<f32>()) {
        if !left.is_nan() && !right.is_nan() {
            let keys = (key(left, LEFTMOST), key(right, LEFTMOST));
            prop_assert_eq!(Some(keys.0.cmp(&keys.1)), left.partial_cmp(&right));
            prop_assert!(LEFTMOST < keys.0 && keys.0 < RIGHTMOST);
        }
    }
}

fn node(left: Child, right: Child) -> Node {
    Node {
        slot: 0,
        threshold: 1.0,
        left,
        right,
    }
}

#[test]
fn what_is_no_tree_is_refused() {
    use Child::{Leaf, Node as Inner};
    let refused = |nodes: Vec<Node>| {
        let leaves = nodes.len() + 1;
        let tree = Tree { nodes, leaves };
        let slots = Slots {
            axes: 1,
            is_paired: false,
        };
        Forest::new(&[tree], slots, 1, vec![0.0; leaves], Vec::new(), None).is_none()
    };
    assert!(!refused(vec![node(Leaf(0), Inner(1)), node(Leaf(1), Leaf(2))]));
    // Round in a circle, twice the same child, leaves out of order, one that is not there.
    assert!(refused(vec![node(Leaf(0), Inner(0))]));
    assert!(refused(vec![node(Inner(1), Inner(1)), node(Leaf(0), Leaf(1))]));
    assert!(refused(vec![node(Inner(1), Leaf(2)), node(Leaf(1), Leaf(0))]));
    assert!(refused(vec![node(Leaf(0), Inner(7)), node(Leaf(1), Leaf(2))]));
    assert!(refused(vec![node(Leaf(0), Leaf(0)), node(Leaf(1), Leaf(2))]));
    let steep = Node {
        threshold: f32::NAN,
        ..node(Leaf(0), Leaf(1))
    };
    let nowhere = Node {
        slot: 1,
        ..node(Leaf(0), Leaf(1))
    };
    assert!(refused(vec![steep]));
    assert!(refused(vec![nowhere]));
}
