use proptest::prelude::*;

use super::*;

/// Trees of any shape as choices: where the next node goes, and what it tests.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) trees: Vec<Tree>,
    pub(crate) slots: usize,
    /// Of each column that is tested for sets: how many, and the bits of its codes.
    pub(crate) columns: Vec<(usize, Vec<u32>)>,
    pub(crate) targets: usize,
    pub(crate) weights: Vec<f32>,
    pub(crate) base_values: Vec<f32>,
}

impl Drawn {
    pub(crate) fn sets(&self) -> Sets {
        let mut sets = Sets::default();
        for (count, bits) in &self.columns {
            sets.push(*count, bits.clone());
        }
        sets
    }

    pub(crate) fn all_slots(&self) -> KeySlots {
        KeySlots {
            axes: self.slots,
            is_paired: false,
            columns: self.columns.len(),
            sets: self.sets().count(),
        }
    }

    /// Replaces numbers by codes, and computes the results of the sets for them.
    pub(crate) fn settle(&self, row: &mut [f32]) {
        let slots = self.all_slots();
        let (codes, mut sets) = row.split_at_mut(slots.first_set());
        for ((count, bits), number) in self.columns.iter().zip(&mut codes[slots.first_code()..]) {
            let words = Sets::words(*count);
            let number_of_codes = bits.len() / words;
            let code = (number.to_bits() >> 16) as usize % number_of_codes;
            *number = f32::from(u16::try_from(code).unwrap());
            let (own, rest) = sets.split_at_mut(*count);
            for (set, value) in own.iter_mut().enumerate() {
                let is_member = bits[code * words + set / 32] >> (set % 32) & 1 != 0;
                *value = f32::from(u8::from(is_member));
            }
            sets = rest;
        }
    }

    /// The keys of a row that has been settled.
    pub(crate) fn keys(row: &[f32], slots: KeySlots) -> Vec<u32> {
        let is_code = |slot: usize| (slots.first_code()..slots.first_set()).contains(&slot);
        let code = |number: f32| (0..u16::MAX).position(|code| f32::from(code) >= number).unwrap();
        let numbers = row.iter().take(slots.count()).enumerate();
        numbers
            .map(|(slot, number)| {
                if is_code(slot) {
                    u32::try_from(code(*number)).unwrap()
                } else {
                    key(*number, LEFTMOST)
                }
            })
            .collect()
    }

    pub(crate) fn forest(&self) -> Forest {
        Forest::new(
            &self.trees,
            Tested {
                slots: self.all_slots(),
                sets: &self.sets(),
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
            let index = tree.nodes.len();
            tree.nodes.push(Node {
                slot,
                threshold,
                left: Child::Leaf(0),
                right: Child::Leaf(0),
            });
            tree.nodes[index].left = number(sketches, left, tree);
            tree.nodes[index].right = number(sketches, right, tree);
            Child::Node(index)
        }
    }
}

/// A tree with this number of leaves: each step turns one of the leaves into a node.
fn tree(choices: &[(usize, u16, u8)], slots: usize, is_deep: bool) -> Tree {
    let mut sketches = vec![Sketch::Leaf];
    let mut leaves = vec![0];
    for (choice, slot, threshold) in choices {
        let index = if is_deep {
            leaves.len() - 1
        } else {
            choice % leaves.len()
        };
        let split = leaves.swap_remove(index);
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
    let column = (1..70_usize, 1..9_usize).prop_flat_map(|(count, codes)| {
        let bits = prop::collection::vec(any::<u32>(), codes * Sets::words(count));
        (Just(count), bits)
    });
    (
        prop::collection::vec(tree_choices, 1..40),
        slots,
        prop_oneof![1 => Just(Vec::new()), 1 => prop::collection::vec(column, 1..4)],
        prop_oneof![4 => Just(1_usize), 1 => Just(3)],
        any::<u64>(),
        any::<bool>(),
    )
        .prop_map(|(choices, slots, columns, targets, seed, has_base)| {
            let sets: usize = columns.iter().map(|(count, _)| count).sum();
            let mut trees: Vec<Tree> = choices
                .iter()
                .map(|(choices, is_deep)| tree(choices, slots + sets, *is_deep))
                .collect();
            for node in trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
                if usize::from(node.slot) >= slots {
                    // Codes come before the sets.
                    node.slot += u16::try_from(columns.len()).unwrap();
                    if node.threshold.abs() < 4.0 {
                        node.threshold = 0.5;
                    }
                }
            }
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
                columns,
                targets,
            }
        })
}

/// Numbers where trees turn, between them, and where missing ones are.
pub(crate) fn slot_values(count: usize) -> impl Strategy<Value = Vec<f32>> {
    let value = prop_oneof![
        6 => any::<u8>().prop_map(|index| (f32::from(index) - 128.0) / 8.0),
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
            let slots = drawn.all_slots().count();
            (Just(drawn), (0..40_usize).prop_flat_map(move |rows| slot_values(rows * slots)))
        })
    ) {
        let forest = drawn.forest();
        let mut rows = rows;
        let width = drawn.all_slots().count();
        rows.chunks_exact_mut(width).for_each(|row| drawn.settle(row));
        let expected: Vec<u32> = rows
            .chunks_exact(width)
            .flat_map(|row| drawn.naive(row))
            .map(f32::to_bits)
            .collect();
        for kernel in Kernel::available() {
            let slots = forest.slots(kernel);
            let keys: Vec<u32> = rows.chunks_exact(width).flat_map(|row| Drawn::keys(row, slots)).collect();
            let mut sums = vec![f32::NAN; expected.len()];
            forest.sum(kernel, &keys, &mut sums);
            let sums: Vec<u32> = sums.into_iter().map(f32::to_bits).collect();
            prop_assert_eq!(&sums, &expected, "{}", kernel);
            // One row by itself.
            for (row, expected) in keys.chunks_exact(slots.count()).zip(expected.chunks_exact(drawn.targets)) {
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
            let slots = drawn.all_slots().count();
            let kind = prop_oneof![
                6 => Just(AxisKind::Shared), 3 => Just(AxisKind::Own), 1 => Just(AxisKind::Mixed)
            ];
            let axes = drawn.slots + drawn.columns.len();
            (
                Just(drawn),
                prop::collection::vec(kind, axes),
                slot_values(slots),
                (0..70_usize).prop_flat_map(move |rows| slot_values(rows * slots)),
                prop::collection::vec(any::<bool>(), 70),
            )
        })
    ) {
        let slots = drawn.all_slots();
        let (mut kinds, mut shared, mut rows) = (kinds, shared, rows);
        // A set is of the kind of its column.
        for (index, (count, _)) in drawn.columns.iter().enumerate() {
            kinds.extend(vec![kinds[drawn.slots + index]; *count]);
        }
        drawn.settle(&mut shared);
        rows.chunks_exact_mut(slots.count()).for_each(|row| drawn.settle(row));
        let sets = drawn.sets();
        let tested = Tested { slots, sets: &sets };
        let row_slots = Factored::row_slots(&drawn.trees, tested, &kinds);
        let factored = Factored::new(
            &drawn.trees,
            tested,
            &drawn.weights,
            (drawn.base_values.first().copied().unwrap_or(0.0), None),
            kinds.clone(),
            rows.chunks_exact(slots.count()).flat_map(|row| Drawn::keys(row, row_slots)).collect(),
        )
        .unwrap();
        let rows: Vec<&[f32]> = rows.chunks_exact(slots.count()).collect();
        let chosen: Vec<u32> = (0..).zip(&rows).zip(&chosen).filter(|(_, chosen)| **chosen).map(|((row, _), _)| row).collect();
        let whole = |row: u32| -> Vec<f32> {
            let own = rows[row as usize];
            let pick = |(slot, kind): (usize, &AxisKind)| {
                if *kind == AxisKind::Shared { shared[slot] } else { own[slot] }
            };
            kinds.iter().enumerate().map(pick).collect()
        };
        let expected: Vec<u32> = chosen.iter().map(|row| drawn.naive(&whole(*row))[0].to_bits()).collect();
        let mixed: Vec<u32> = chosen.iter().flat_map(|row| Drawn::keys(rows[*row as usize], row_slots)).collect();
        for kernel in Kernel::available() {
            let mut sums = vec![f32::NAN; chosen.len()];
            factored.sum(kernel, &Drawn::keys(&shared, slots), &mixed, &chosen, &mut sums);
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
        let slots = KeySlots {
            axes: 1,
            ..KeySlots::default()
        };
        let sets = Sets::default();
        let tested = Tested { slots, sets: &sets };
        Forest::new(&[tree], tested, 1, vec![0.0; leaves], Vec::new(), None).is_none()
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
