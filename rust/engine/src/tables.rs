//! The tables of an opened bundle: every index resolved and inside its table.

use nextbest_proto::v1::{self, value::Kind};

use crate::{
    action_set::ActionSet,
    id::{
        ActionId, AttributeId, ChannelId, ClauseId, ConditionId, FeatureId, GroupId, Id, IssueId, Lists,
        ModelId, PlacementId, Table, TreatmentId,
    },
    program::{Comparison, Program},
    value::Type,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Root {
    Customer,
    Context,
    Action,
}

impl Root {
    pub(crate) fn from_message(number: i32) -> Option<Self> {
        match v1::Root::try_from(number).ok()? {
            v1::Root::Unspecified => None,
            v1::Root::Customer => Some(Self::Customer),
            v1::Root::Context => Some(Self::Context),
            v1::Root::Action => Some(Self::Action),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Context => "context",
            Self::Action => "action",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) root: Root,
    pub(crate) name: String,
    pub(crate) kind: Type,
    /// Empty: any.
    pub(crate) allowed: Vec<Kind>,
    pub(crate) minimum: Option<Kind>,
    pub(crate) maximum: Option<Kind>,
    /// What people call it; may be empty.
    pub(crate) label: String,
}

#[derive(Debug)]
pub(crate) struct Feature {
    pub(crate) name: String,
    pub(crate) kind: Type,
    pub(crate) source: Source,
}

#[derive(Debug)]
pub(crate) enum Source {
    Attribute(AttributeId),
    Now,
    Derived(Program),
}

#[derive(Debug)]
pub(crate) struct Literal {
    pub(crate) feature: FeatureId,
    pub(crate) test: Test,
    pub(crate) negated: bool,
}

#[derive(Debug)]
pub(crate) enum Test {
    IsTrue,
    IsPresent,
    Compare(Comparison, Kind),
    /// Sorted, without duplicates.
    OneOfStrings(Vec<String>),
    OneOfInts(Vec<i64>),
    Contains(Kind),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    /// Index in `Bundle::files`; absent where the bundle names no file.
    pub(crate) file: Option<usize>,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) text: String,
    pub(crate) reason: String,
}

#[derive(Debug)]
pub(crate) struct Clause {
    pub(crate) condition: ConditionId,
    pub(crate) text: String,
    pub(crate) position: Position,
}

#[derive(Debug)]
pub(crate) struct Issue {
    pub(crate) name: String,
    pub(crate) lever_percent: f64,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) issue: IssueId,
    pub(crate) lever_percent: f64,
    /// Absent: no limit.
    pub(crate) limit: Option<u32>,
}

#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) name: String,
    pub(crate) group: GroupId,
    pub(crate) enabled: bool,
    pub(crate) active_from_us: Option<i64>,
    pub(crate) active_until_us: Option<i64>,
    pub(crate) value: ActionValue,
    /// Those of the issue, the group and the action, added up.
    pub(crate) lever_percent: f64,
    pub(crate) prior: f64,
    pub(crate) model: Option<ModelId>,
    /// Of the model's output, where it is not the positive column.
    pub(crate) model_column: Option<usize>,
    pub(crate) mandatory: bool,
    pub(crate) treatments: Table<TreatmentId, Treatment>,
    /// In the order of the declared action attributes.
    pub(crate) attributes: Vec<Option<Kind>>,
}

/// The clauses of an action, for each stage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policies<'a> {
    pub(crate) eligibility: &'a [ClauseId],
    pub(crate) applicability: &'a [ClauseId],
    pub(crate) suitability: &'a [ClauseId],
}

/// The clauses of every action.
#[derive(Debug)]
pub(crate) struct PolicyTable {
    /// Three for each action.
    stages: Lists<StageId, ClauseId>,
}

/// A stage of an action: three times the action, and then by stage.
#[derive(Clone, Copy, Debug)]
struct StageId(usize);

impl Id for StageId {
    fn from_index(index: u32) -> Self {
        Self(index as usize)
    }

    fn index(self) -> usize {
        self.0
    }
}

impl PolicyTable {
    pub(crate) fn new() -> Self {
        Self { stages: Lists::new() }
    }

    /// Those of the next action.
    pub(crate) fn push(
        &mut self,
        eligibility: Box<[ClauseId]>,
        applicability: Box<[ClauseId]>,
        suitability: Box<[ClauseId]>,
    ) {
        for clauses in [eligibility, applicability, suitability] {
            self.stages.push(clauses);
        }
    }

    pub(crate) fn of(&self, action: ActionId) -> Policies<'_> {
        let stage = |stage| self.stages.get(StageId(3 * action.index() + stage));
        Policies {
            eligibility: stage(0),
            applicability: stage(1),
            suitability: stage(2),
        }
    }
}

impl<'a> Policies<'a> {
    /// In the order in which a decision meets them.
    pub(crate) fn stages(self) -> [&'a [ClauseId]; 3] {
        [self.eligibility, self.applicability, self.suitability]
    }
}

#[derive(Debug)]
pub(crate) enum ActionValue {
    Constant(f64),
    Derived(Program),
}

#[derive(Debug)]
pub(crate) struct Treatment {
    pub(crate) name: String,
    pub(crate) channel: ChannelId,
    /// Absent: any of the channel.
    pub(crate) placement: Option<PlacementId>,
    pub(crate) eligibility: Box<[ClauseId]>,
    pub(crate) content: String,
}

#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) placements: Table<PlacementId, Placement>,
    /// Actions with a treatment for the channel.
    pub(crate) treatable: ActionSet,
}

#[derive(Debug)]
pub(crate) struct Placement {
    pub(crate) name: String,
    pub(crate) count: u32,
    pub(crate) fallback: Option<ActionId>,
    /// Actions with a treatment for the placement, whatever their treatments' conditions say.
    pub(crate) treatable: ActionSet,
}

#[derive(Debug)]
pub(crate) struct ContextWeight {
    pub(crate) clauses: Box<[ClauseId]>,
    pub(crate) percent: f64,
    pub(crate) scope: WeightScope,
    pub(crate) text: String,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum WeightScope {
    All,
    Issue(IssueId),
    Group(GroupId),
    Action(ActionId),
}

#[derive(Debug)]
pub(crate) struct Arbitration {
    pub(crate) formula: Formula,
    pub(crate) propensity_threshold: Option<f64>,
    pub(crate) priority_threshold: Option<f64>,
}

#[derive(Debug)]
pub(crate) enum Formula {
    /// Of the factors that are on.
    Product {
        propensity: bool,
        context_weight: bool,
        value: bool,
        lever: bool,
    },
    Program(Program),
}
