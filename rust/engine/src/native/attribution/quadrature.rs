//! Exact contributions of a tree of any depth, without tables.
//!
//! Where the conditions of a path belong to the owners 1 to d, and of owner k a share z of the background rows meets its
//! conditions while the row does (o = 1) or does not (o = 0), the Shapley value of owner j at a leaf of weight v is
//!
//! ```text
//! v (o_j - z_j) * integral over t from 0 to 1 of the product over all other k of (t o_k + (1 - t) z_k)
//! ```
//!
//! since t^s (1 - t)^(d - 1 - s) integrates to the weight of a coalition of s. The integrand is a polynomial of degree
//! d - 1, which Gauss and Legendre's rule integrates exactly from d / 2 points on: so each node of a tree carries one
//! product a point, and what the leaves below it come to, and no coalition is ever looked at. Linear `TreeSHAP` (Yu et al.,
//! 2022) has the same cost, and divides by differences of points where this divides by factors that are above 0.

use super::covered::CoveredTree;
use crate::kernel::Child;

/// Owners on one path: twice the points of the largest rule.
pub(super) const PATH_OWNERS_MAX: usize = 64;

/// Points and weights of Gauss and Legendre's rule on 0 to 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule<const N: usize> {
    points: [f64; N],
    weights: [f64; N],
}

impl<const N: usize> Rule<N> {
    /// By Newton's method from Tricomi's guess.
    #[expect(clippy::cast_precision_loss, reason = "at most 32 points")]
    pub(super) fn new() -> Self {
        let (mut points, mut weights) = ([0.5; N], [1.0; N]);
        let degree = N as f64;
        for (index, (point, weight)) in points.iter_mut().zip(&mut weights).enumerate() {
            let mut x = (std::f64::consts::PI * (index as f64 + 0.75) / (degree + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..16 {
                let (mut before, mut value) = (1.0, x);
                for k in 2..=N {
                    let k = k as f64;
                    (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
                }
                slope = degree * (x * value - before) / (x * x - 1.0);
                x -= value / slope;
            }
            *point = f64::midpoint(x, 1.0);
            *weight = 1.0 / ((1.0 - x * x) * slope * slope);
        }
        Self { points, weights }
    }

    /// Adds what a leaf gives each of its owners. `conditions` has for each owner of its path whether the row meets its
    /// conditions, and the share of the background rows that does.
    pub(super) fn add_leaf(&self, conditions: &[(bool, f64)], weight: f64, into: &mut [f64]) {
        let mut product = [weight; N];
        for (is_met, share) in conditions {
            let factor = self.factor(*is_met, *share);
            product
                .iter_mut()
                .zip(factor)
                .for_each(|(product, factor)| *product *= factor);
        }
        for ((is_met, share), into) in conditions.iter().zip(into) {
            *into += self.integral(&product, &self.ratio(*is_met, *share));
        }
    }

    /// t o + (1 - t) z at each point.
    fn factor(&self, is_met: bool, share: f64) -> [f64; N] {
        if is_met {
            self.points.map(|point| point + (1.0 - point) * share)
        } else {
            self.points.map(|point| (1.0 - point) * share)
        }
    }

    /// (o - z) / (t o + (1 - t) z) at each point: where the factor is 0, its limit.
    fn ratio(&self, is_met: bool, share: f64) -> [f64; N] {
        if is_met {
            self.points
                .map(|point| (1.0 - share) / (point + (1.0 - point) * share))
        } else {
            self.points.map(|point| -1.0 / (1.0 - point))
        }
    }

    fn integral(&self, product: &[f64; N], ratio: &[f64; N]) -> f64 {
        let terms = product.iter().zip(ratio).zip(&self.weights);
        terms
            .map(|((product, ratio), weight)| weight * product * ratio)
            .sum()
    }
}

/// The way into a child: known when the model is opened.
#[derive(Clone, Copy, Debug)]
struct Edge {
    /// Of the background rows, those that meet all conditions of the same owner on the way here.
    share: f64,
    /// The last edge of the same owner on the way here: twice the number of its node, and 1 more for a right one.
    previous: Option<u32>,
}

/// What is known of a tree's paths.
#[derive(Debug)]
pub(super) struct Paths {
    /// Left and right of each node.
    edges: Vec<[Edge; 2]>,
    /// Owners on the path that has most of them.
    pub(super) owners_max: usize,
}

impl Paths {
    pub(super) fn of(tree: &CoveredTree) -> Self {
        /// The owners on the way to a node, each with its last edge and share.
        type Way = Vec<(u16, u32, f64)>;
        let mut edges = Vec::with_capacity(tree.nodes.len());
        let mut ways: Vec<Way> = vec![Vec::new(); tree.nodes.len()];
        let mut owners_max = 0;
        for (number, node) in (0_u32..).zip(&tree.nodes) {
            let way = ways
                .get_mut(number as usize)
                .map(std::mem::take)
                .unwrap_or_default();
            let earlier = way.iter().position(|(owner, ..)| *owner == node.owner);
            let (previous, share_before) = earlier
                .and_then(|index| way.get(index))
                .map_or((None, 1.0), |(_, edge, share)| (Some(*edge), *share));
            owners_max = owners_max.max(way.len() + usize::from(earlier.is_none()));
            let mut side = 0;
            edges.push(node.sides().map(|(child, share)| {
                let share = share_before * share;
                let edge = 2 * number + side;
                side += 1;
                if let Child::Node(below) = child
                    && let Some(slot) = ways.get_mut(below)
                {
                    slot.clone_from(&way);
                    slot.retain(|(owner, ..)| *owner != node.owner);
                    slot.push((node.owner, edge, share));
                }
                Edge { share, previous }
            }));
        }
        Self { edges, owners_max }
    }

    fn edge(&self, number: u32) -> Option<&Edge> {
        self.edges.get(number as usize / 2)?.get(number as usize % 2)
    }
}

/// What is known of an edge for one row.
#[derive(Clone, Copy, Debug)]
struct State<const N: usize> {
    /// Of all edges of the owner on the way here.
    is_met: bool,
    /// Downwards the product of all factors, upwards what the leaves below come to.
    products: [f64; N],
}

/// Adds what a tree gives each owner for the row with these keys.
pub(super) fn add<const N: usize>(
    rule: &Rule<N>,
    tree: &CoveredTree,
    paths: &Paths,
    weights: &[f32],
    keys: &[u32],
    into: &mut [f64],
) {
    let start = State {
        is_met: true,
        products: [1.0; N],
    };
    let mut edges = vec![[start; 2]; tree.nodes.len()];
    let mut above = vec![[1.0; N]; tree.nodes.len()];
    for (number, (node, fixed)) in tree.nodes.iter().zip(&paths.edges).enumerate() {
        let goes_right = node.goes_right(keys);
        let products = above.get(number).copied().unwrap_or([0.0; N]);
        let before = fixed[0]
            .previous
            .and_then(|edge| Some((paths.edge(edge)?.share, was_met(&edges, edge))));
        let sides = node.sides().into_iter().zip(fixed).zip([!goes_right, goes_right]);
        for (side, (((child, _), edge), is_taken)) in sides.enumerate() {
            let is_met = is_taken && before.is_none_or(|(_, was_met)| was_met);
            let mut products = products;
            grow(rule, &mut products, (is_met, edge.share), before);
            if let Child::Node(below) = child
                && let Some(above) = above.get_mut(below)
            {
                *above = products;
            }
            if let Some(state) = edges.get_mut(number).and_then(|sides| sides.get_mut(side)) {
                *state = State { is_met, products };
            }
        }
    }
    gather(rule, tree, paths, weights, &mut edges, &mut above, into);
}

fn was_met<const N: usize>(edges: &[[State<N>; 2]], edge: u32) -> bool {
    let sides = edges.get(edge as usize / 2);
    sides
        .and_then(|sides| sides.get(edge as usize % 2))
        .is_some_and(|state| state.is_met)
}

/// Puts the factor of an owner's conditions in the place of the one before it.
fn grow<const N: usize>(
    rule: &Rule<N>,
    products: &mut [f64; N],
    (is_met, share): (bool, f64),
    before: Option<(f64, bool)>,
) {
    match before {
        None => {
            let factor = rule.factor(is_met, share);
            products
                .iter_mut()
                .zip(factor)
                .for_each(|(product, factor)| *product *= factor);
        }
        Some((share_before, true)) => {
            let (factor, old) = (rule.factor(is_met, share), rule.factor(true, share_before));
            let factors = factor.iter().zip(&old).map(|(factor, old)| factor / old);
            products
                .iter_mut()
                .zip(factors)
                .for_each(|(product, factor)| *product *= factor);
        }
        Some((share_before, false)) => {
            let factor = if share_before > 0.0 {
                share / share_before
            } else {
                0.0
            };
            for product in products {
                *product *= factor;
            }
        }
    }
}

/// From the leaves up: what each edge gives its owner, less what its owner's edge before it counted.
fn gather<const N: usize>(
    rule: &Rule<N>,
    tree: &CoveredTree,
    paths: &Paths,
    weights: &[f32],
    edges: &mut [[State<N>; 2]],
    below: &mut [[f64; N]],
    into: &mut [f64],
) {
    for (number, (node, fixed)) in tree.nodes.iter().zip(&paths.edges).enumerate().rev() {
        let mut sum = [0.0; N];
        let mut given = 0.0;
        let before = fixed[0]
            .previous
            .and_then(|edge| Some((paths.edge(edge)?.share, was_met(edges, edge))));
        let Some(states) = edges.get_mut(number) else {
            continue;
        };
        for ((state, edge), (child, _)) in states.iter_mut().zip(fixed).zip(node.sides()) {
            let products = match child {
                Child::Leaf(leaf) => {
                    let weight = f64::from(weights.get(leaf).copied().unwrap_or(0.0));
                    state.products.map(|product| product * weight)
                }
                Child::Node(child) => below.get(child).copied().unwrap_or([0.0; N]),
            };
            // An owner that had failed before has the same ratio, and gets nothing more.
            if before.is_none_or(|(_, was_met)| was_met) {
                given += rule.integral(&products, &rule.ratio(state.is_met, edge.share));
            }
            sum.iter_mut()
                .zip(products)
                .for_each(|(sum, product)| *sum += product);
        }
        if let Some((share, true)) = before {
            given -= rule.integral(&sum, &rule.ratio(true, share));
        }
        if let Some(into) = into.get_mut(usize::from(node.owner)) {
            *into += given;
        }
        if let Some(below) = below.get_mut(number) {
            *below = sum;
        }
    }
}
