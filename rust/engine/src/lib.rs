//! The engine: a bundle, a request and what is stored of the customer in, a decision out.
//!
//! ```text
//! bytes -> Bundle::open ------------------------------+
//! DecideRequest -> Request::check --------------------+-> decide -> Decision -> Record, DecideResponse
//! Capsule, Moment (now, seed), Scorer ----------------+
//! ```
//!
//! Pure: it does no I/O, reads no clock, no environment and no randomness, starts no thread and knows neither
//! Python nor gRPC. The same bundle, request, capsule, moment and scores give the same decision, byte for byte.
//! Whatever a request contains, it is refused with a [`RequestError`] or decided; it stops nothing.
//!
//! [`decide`] lists the stages; the modules are in the order in which a request meets them.

mod error;
mod id;
mod limits;

mod action_set;
mod digest;
#[expect(
    unsafe_code,
    reason = "instructions of processors, and tables whose bounds are checked when they are built"
)]
mod kernel;
mod number;
mod suggestion;
mod value;

mod program;
mod tables;

mod index;
mod native;

mod model;

mod bundle;

mod capsule;
mod request;

mod attributes;
mod customer;
mod features;

mod availability;
mod eligibility;
mod treatment;

mod degradation;
mod propensity;

mod arbitration;
mod stages;

mod record;

mod decision;

mod drop_off;
mod explanation;
mod response;
mod room;

mod answer;
mod rescoring;
mod screening;

#[cfg(test)]
mod testing;

pub use arbitration::{Factors, Placed, Ranked};
pub use bundle::{Bundle, open::MAGIC};
pub use capsule::{Capsule, Change};
pub use customer::check_customer;
pub use decision::{Decision, decide};
pub use degradation::Degradation;
pub use drop_off::TopDropOff;
pub use error::{BundleError, CapsuleError, RecordError};
pub use id::{ActionId, ChannelId, GroupId, IssueId, ModelId, PlacementId, TreatmentId};
pub use index::{IndexOptions, IndexReport};
pub use kernel::Kernel;
pub use limits::{
    ATTRIBUTE_NAME_BYTES_MAX, BATCH_ROWS_MAX, BUNDLE_BYTES_MAX, CAPSULE_BYTES_MAX, CONTEXT_ATTRIBUTES_MAX,
    CONTRIBUTED_ACTIONS_DEFAULT, CONTRIBUTED_ACTIONS_MAX, CUSTOMER_ATTRIBUTES_MAX, CUSTOMER_ID_BYTES_MAX,
    EXPLAINED_ACTIONS_MAX, EXPLAINED_CONTRIBUTIONS_MAX, FORMAT, INDEX_BYTES_MAX, LIST_ITEMS_MAX,
    PLACEMENT_COUNT_MAX, PLACEMENTS_MAX, STRING_BYTES_MAX, VALUE_BYTES_MAX,
};
pub use model::{ElementType, Histograms, Lowered, Model, ModelInput};
pub use native::{
    Attributed, AttributionError, Attributions, Background, CellKind, ContributionScale, Factoring,
    InputKinds, Inputs, Method, NativeModel, Rows,
};
pub use program::start_of_day;
pub use propensity::{Batch, NoModels, ScoreError, Scorer, Tensor};
pub use record::{FUNNEL_STAGES, Record};
pub use request::{Moment, Request, RequestError, RequestedPlacement};
pub use rescoring::{RESCORING_DISTANCE_MAX, Rescored, rescore};
pub use room::{AnswerPart, AnswerTooLarge};
pub use screening::{Screened, Screening};
pub use suggestion::nearest;
