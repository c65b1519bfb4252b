//! Ids of a bundle's entries: newtypes over their place in the table, so that no id is used on another's table.

use std::{marker::PhantomData, ops::Index};

/// A count of entries of a bundle, all of which are below 2^32: see the bundle's limits.
pub(crate) fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// An id that is a place in a [`Table`].
pub(crate) trait Id: Copy {
    fn from_index(index: u32) -> Self;
    fn index(self) -> usize;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl Id for $name {
            fn from_index(index: u32) -> Self {
                Self(index)
            }

            fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// A declared attribute.
    AttributeId;
    /// A feature: an attribute, `now`, or an expression over them.
    FeatureId;
    /// A test of one feature.
    LiteralId;
    /// A condition as the marketer wrote it.
    ConditionId;
    /// A disjunction of literals.
    ClauseId;
    /// An issue.
    IssueId;
    /// A group.
    GroupId;
    /// An action. In the order of the actions' names.
    ActionId;
    /// A treatment, among those of its action.
    TreatmentId;
    /// A channel.
    ChannelId;
    /// A placement, among those of its channel.
    PlacementId;
    /// A model. In the order of the models' names.
    ModelId;
    /// A context weight.
    ContextWeightId;
}

impl ModelId {
    /// Index among the bundle's models, from 0: for a scorer's own table.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A table of a bundle, indexed by its own kind of id.
#[derive(Debug)]
pub(crate) struct Table<I, T> {
    rows: Vec<T>,
    id: PhantomData<fn(I) -> I>,
}

impl<I: Id, T> Table<I, T> {
    pub(crate) fn new(rows: Vec<T>) -> Self {
        Self {
            rows,
            id: PhantomData,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn rows(&self) -> &[T] {
        &self.rows
    }

    /// The ids in ascending order.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "tables are far below 2^32 rows: see the bundle's limits"
    )]
    pub(crate) fn ids(&self) -> impl DoubleEndedIterator<Item = I> + use<I, T> {
        (0..self.rows.len() as u32).map(I::from_index)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (I, &mut T)> {
        self.ids().zip(&mut self.rows)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        self.ids().zip(&self.rows)
    }
}

/// For each id a list, all in one block of memory: a loop over many of them does not wait for each.
#[derive(Debug)]
pub(crate) struct Lists<I, T> {
    ends: Vec<u32>,
    items: Vec<T>,
    id: PhantomData<fn(I) -> I>,
}

impl<I: Id, T> Lists<I, T> {
    pub(crate) fn new() -> Self {
        Self {
            ends: Vec::new(),
            items: Vec::new(),
            id: PhantomData,
        }
    }

    /// The list of the next id.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "far below 2^32 items: see the bundle's limits"
    )]
    pub(crate) fn push(&mut self, list: impl IntoIterator<Item = T>) {
        self.items.extend(list);
        self.ends.push(self.items.len() as u32);
    }

    pub(crate) fn get(&self, id: I) -> &[T] {
        let end = self.ends.get(id.index()).copied().unwrap_or_default();
        let before = id.index().checked_sub(1).and_then(|before| self.ends.get(before));
        let start = before.copied().unwrap_or_default();
        self.items.get(start as usize..end as usize).unwrap_or_default()
    }
}

impl<I: Id, T> Index<I> for Table<I, T> {
    type Output = T;

    // Invariant: ids are made only when a bundle is opened, and checked there against the tables' lengths.
    #[expect(
        clippy::indexing_slicing,
        reason = "every id of an opened bundle is inside its table"
    )]
    fn index(&self, id: I) -> &T {
        &self.rows[id.index()]
    }
}
