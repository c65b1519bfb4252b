//! Customer ids turned into capsules, for many readers and one writer at a time.
//!
//! A sharded map of reference-counted capsules: a decision takes one shard's read lock for a look-up and a
//! reference, nothing else. Writers prepare under a separate lock and hold a shard only to replace a finished
//! capsule, so that a large upsert never delays a decision.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use nextbest_engine::{CUSTOMER_ID_BYTES_MAX, Capsule, Change};
use nextbest_proto::v1::Customer;
use parking_lot::{Mutex, RwLock};

use crate::{
    bounds::{Bounds, UPSERT_CUSTOMERS_MAX},
    error::StoreError,
    memory::memory_bytes,
};

const SHARD_COUNT: usize = 64;

type Shard = RwLock<HashMap<Box<str>, Arc<Capsule>>>;

/// The customers in memory.
pub struct Store {
    shards: [Shard; SHARD_COUNT],
    // Random for each process: ids come from outside, and must not be able to crowd one shard.
    hasher: RandomState,
    writer: Mutex<()>,
    // Invariant: the sum of the shards' lengths whenever `writer` is free.
    count: AtomicUsize,
    // Invariant: the sum of `memory_bytes` of all customers whenever `writer` is free.
    bytes: AtomicUsize,
    bounds: Bounds,
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Store")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            shards: std::array::from_fn(|_| Shard::default()),
            hasher: RandomState::new(),
            writer: Mutex::new(()),
            count: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            bounds,
        }
    }

    /// All that is kept of the customer; nothing when it is unknown.
    #[must_use]
    pub fn get(&self, customer_id: &str) -> Option<Arc<Capsule>> {
        self.shard(customer_id)?.read().get(customer_id).cloned()
    }

    /// How many customers are known.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// The memory that they take, as [`memory_bytes`] counts it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Merges the attributes into the stored customers, all of them or none, and returns how many were sent.
    /// A customer that is there twice is merged twice, in order.
    ///
    /// # Errors
    /// When an id, a name, a value or a number of them is beyond its bound; nothing is changed then.
    pub fn upsert(&self, customers: &[Customer]) -> Result<usize, StoreError> {
        if customers.len() > UPSERT_CUSTOMERS_MAX {
            return Err(StoreError::CustomerCount {
                count: customers.len(),
            });
        }
        let changes = customers.iter().map(change).collect::<Result<Vec<_>, _>>()?;
        let _writer = self.writer.lock();
        let mut planned: HashMap<&str, Capsule> = HashMap::with_capacity(customers.len());
        let mut created = 0;
        // Of the customers as they are, and as they will be.
        let (mut before, mut after) = (0, 0);
        for (id, change) in &changes {
            let id = *id;
            let merged = if let Some(earlier) = planned.get(id) {
                after -= memory_bytes(id, earlier.attributes());
                earlier.apply(change)?
            } else if let Some(stored) = self.get(id) {
                before += memory_bytes(id, stored.attributes());
                stored.apply(change)?
            } else {
                created += 1;
                Capsule::default().apply(change)?
            };
            after += memory_bytes(id, merged.attributes());
            planned.insert(id, merged);
        }
        let Bounds {
            customers_max,
            bytes_max,
        } = self.bounds;
        if self.count() + created > customers_max {
            return Err(StoreError::StoreFull { customers_max });
        }
        let bytes = self.bytes() - before + after;
        // What makes a store smaller is taken, however full it is.
        if bytes > bytes_max && after > before {
            return Err(StoreError::StoreBytes { bytes, bytes_max });
        }
        for (id, capsule) in planned {
            if let Some(shard) = self.shard(id) {
                shard.write().insert(id.into(), Arc::new(capsule));
            }
        }
        self.count.fetch_add(created, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(customers.len())
    }

    /// Forgets the customer; false when it was not known.
    pub fn delete(&self, customer_id: &str) -> bool {
        let _writer = self.writer.lock();
        let removed = self
            .shard(customer_id)
            .and_then(|shard| shard.write().remove(customer_id));
        if let Some(capsule) = &removed {
            self.count.fetch_sub(1, Ordering::Relaxed);
            let bytes = memory_bytes(customer_id, capsule.attributes());
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        removed.is_some()
    }

    fn shard(&self, customer_id: &str) -> Option<&Shard> {
        let hash = self.hasher.hash_one(customer_id);
        // The remainder is below SHARD_COUNT, so that it fits any usize and the look-up always succeeds.
        usize::try_from(hash % SHARD_COUNT as u64)
            .ok()
            .and_then(|index| self.shards.get(index))
    }
}

/// What is sent of one customer, checked.
fn change(customer: &Customer) -> Result<(&str, Change<'_>), StoreError> {
    let id = customer.customer_id.as_str();
    if id.is_empty() || id.len() > CUSTOMER_ID_BYTES_MAX {
        return Err(StoreError::CustomerId { bytes: id.len() });
    }
    Ok((id, Change::of_attributes(&customer.attributes)?))
}
