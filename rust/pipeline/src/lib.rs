//! One decision from start to end, without a transport: what servers, batches and the command line have in common.
//!
//! ```text
//! check -> load.await -> decide -> claim.await -> finish
//! ```
//!
//! [`Pipeline::answer`] is this list. The engine decides and waits for nothing; what has to be waited for, a customer's
//! capsule before the decision and its claims after it, is in [`Customers`]. The crate knows no sockets and no spans:
//! the server gives the deadline and the memory for an answer, and looks at the decision before it is gone.

mod clock;
mod counter;
mod memory_budget;

mod error;

mod active;
mod model_counters;

mod customers;
mod deadline;

mod containment;
mod scorer;

mod answer;
mod shadow;

mod pipeline;

mod offline;

#[cfg(feature = "testing")]
pub mod testing;

pub use active::{Activation, Active, Opening, activate, open_niced};
pub use answer::{AnswerBounds, BUILT_FACTOR, EXPLAINED_FACTOR};
pub use clock::{now_ns, now_us};
pub use counter::Counter;
pub use customers::Customers;
pub use deadline::{Deadline, MODEL_TIME_MIN};
pub use error::{OpenError, PipelineError};
pub use memory_budget::{MemoryBudget, Reservation};
pub use model_counters::BundleCounters;
pub use offline::{Offline, OfflineError};
pub use pipeline::{Answered, LateModels, Pipeline};
pub use shadow::Shadow;

#[cfg(test)]
mod tests;
