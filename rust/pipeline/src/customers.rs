//! A customer's id -> the capsule to decide with; a record -> what is claimed for it.

use std::{future::Future, sync::Arc};

use nextbest_engine::{Capsule, Record};
use nextbest_store::Store;

/// Where capsules are kept. A server has a store; a decision without a server has the one customer sent along.
pub trait Customers: Sync {
    /// Reads a capsule: none if the customer is unknown, or anonymous (the id is empty).
    fn load(&self, customer_id: &str) -> impl Future<Output = Option<Arc<Capsule>>> + Send;

    /// Claims what a decision offers, before it is answered.
    fn claim(&self, record: &Record<'_>) -> impl Future<Output = ()> + Send;
}

impl Customers for Store {
    async fn load(&self, customer_id: &str) -> Option<Arc<Capsule>> {
        match customer_id {
            "" => None,
            customer_id => self.get(customer_id),
        }
    }

    /// Caps and stock are not kept yet.
    async fn claim(&self, _: &Record<'_>) {}
}
