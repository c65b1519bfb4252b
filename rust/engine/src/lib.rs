//! The engine: a bundle, a request and what is stored of the customer in, a decision out.
//!
//! ```text
//! bytes -> Bundle::open ------------------------------+
//! DecideRequest -> Request::check --------------------+-> decide -> Decision -> Record, DecideResponse
//! stored attributes, Moment (now, seed), Scorer ------+
//! ```
//!
//! Pure: it does no I/O, reads no clock, no environment and no randomness, starts no thread and knows neither
//! Python nor gRPC. The same bundle, request, attributes, moment and scores give the same decision, byte for byte.
//! Whatever a request contains, it is refused with a [`Reject`] or decided; it stops nothing.
//!
//! [`decide`] lists the stages; the modules stand in the order in which a request meets them.

mod id;
#[expect(unsafe_code, reason = "instructions of processors, and tables whose bounds are checked when they are built")]
mod kernel;

mod action_set;
mod number;
mod suggestion;

mod bundle;
mod value;

mod request;

mod capsule;
mod program;

mod features;
mod index;

mod availability;
mod eligibility;
mod treatment;

mod native;
mod propensity;

mod arbitration;
mod decision;
mod leaving;
mod record;

mod room;

mod response;
mod screening;

mod explanation;

#[cfg(test)]
mod testing;

pub use bundle::{
    BUNDLE_BYTES_MAX, Bundle, BundleFault, FORMAT, MAGIC,
    tables::{ElementType, Model, ModelInput},
};
pub use capsule::check_customer;
pub use decision::{Decision, decide};
pub use id::{ActionId, ChannelId, GroupId, IssueId, ModelId, PlacementId, TreatmentId};
pub use index::{INDEX_BYTES_MAX, IndexOptions, IndexReport};
pub use kernel::Kernel;
pub use leaving::FrequentLeave;
pub use native::{
    Attributed, Attributions, Background, CellKind, ContributionScale, Factoring, InputKinds, Inputs, Method,
    NativeModel, Rows, Unexplained,
};
pub use program::start_of_day;
pub use propensity::{
    BATCH_ROWS_MAX, Batch, Histograms, Lowered, NoModels, RESCORING_DISTANCE_MAX, Rescored, ScoreFault,
    Scorer, Tensor, rescore,
};
pub use record::{Degradation, FUNNEL_STAGES, Factors, Placed, Ranked, Record, RequestedPlacement};
pub use request::{
    CONTEXT_ATTRIBUTES_MAX, CONTRIBUTED_ACTIONS_DEFAULT, CONTRIBUTED_ACTIONS_MAX, CUSTOMER_ATTRIBUTES_MAX,
    CUSTOMER_ID_BYTES_MAX, EXPLAINED_ACTIONS_MAX, EXPLAINED_CONTRIBUTIONS_MAX, LIST_ITEMS_MAX, Moment,
    PLACEMENT_COUNT_MAX, PLACEMENTS_MAX, Reject, Request, STRING_BYTES_MAX,
};
pub use room::{AnswerPart, AnswerTooLarge};
pub use screening::{Screened, Screening};
pub use suggestion::nearest;
