//! What all workers share: the active bundle, the store, the counters and the bounds.

use std::sync::Arc;

use arc_swap::ArcSwap;
use nextbest_otlp::Emitter;
use nextbest_pipeline::{Active, LateModels, MemoryBudget, Shadow};
use nextbest_store::Store;
use tokio::sync::watch;

use crate::status::Stats;

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) active: ArcSwap<Active>,
    pub(crate) store: Store,
    pub(crate) emitter: Option<Emitter>,
    pub(crate) stats: Stats,
    pub(crate) shadow: Option<Shadow>,
    pub(crate) late_models: LateModels,
    /// Changes of who may call, so far.
    pub(crate) grants: watch::Sender<u64>,
    /// Of answers under construction, and of unread ones.
    pub(crate) answers: Arc<MemoryBudget>,
}
