//! Customer ids turned into capsules, for many readers and one writer at a time.
//!
//! A sharded map of reference-counted capsules: a decision takes one shard's read lock for a look-up and a
//! reference, nothing else. Writers plan under a lock of their own and hold a shard only to put a finished
//! capsule in its place, so that a large upsert never keeps a decision waiting.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use nextbest_proto::v1::Customer;
use parking_lot::{Mutex, RwLock};

use crate::{
    Capsule,
    bounds::{
        ATTRIBUTE_NAME_BYTES_MAX, ATTRIBUTES_MAX, CAPSULE_BYTES_MAX, CUSTOMER_ID_BYTES_MAX,
        CUSTOMERS_BYTES_MAX, CUSTOMERS_MAX, UPSERT_CUSTOMERS_MAX, VALUE_BYTES_MAX, check,
    },
    memory::memory_bytes,
};

const SHARD_COUNT: usize = 64;

type Shard = RwLock<HashMap<Box<str>, Arc<Capsule>>>;

/// How much a store may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Customers.
    pub customers_max: usize,
    /// Memory of all of them, as [`memory_bytes`] counts it.
    pub bytes_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            customers_max: CUSTOMERS_MAX,
            bytes_max: CUSTOMERS_BYTES_MAX,
        }
    }
}

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
    /// A customer that stands twice is merged twice, in order.
    ///
    /// # Errors
    /// When an id, a name, a value or a number of them is beyond its bound; nothing is changed then.
    pub fn upsert(&self, customers: &[Customer]) -> Result<usize, Refusal> {
        if customers.len() > UPSERT_CUSTOMERS_MAX {
            return Err(Refusal::CustomerCount {
                count: customers.len(),
            });
        }
        customers.iter().try_for_each(check)?;
        let _writer = self.writer.lock();
        let mut planned: HashMap<&str, Capsule> = HashMap::with_capacity(customers.len());
        let mut created = 0;
        // Of the customers as they are, and as they will be.
        let (mut before, mut after) = (0, 0);
        for customer in customers {
            let id = customer.customer_id.as_str();
            let merged = if let Some(earlier) = planned.get(id) {
                after -= memory_bytes(id, earlier.attributes());
                earlier.merge(&customer.attributes)?
            } else if let Some(stored) = self.get(id) {
                before += memory_bytes(id, stored.attributes());
                stored.merge(&customer.attributes)?
            } else {
                created += 1;
                Capsule::default().merge(&customer.attributes)?
            };
            after += memory_bytes(id, merged.attributes());
            planned.insert(id, merged);
        }
        let Bounds {
            customers_max,
            bytes_max,
        } = self.bounds;
        if self.count() + created > customers_max {
            return Err(Refusal::StoreFull { customers_max });
        }
        let bytes = self.bytes() - before + after;
        // What makes a store smaller is taken, however full it is.
        if bytes > bytes_max && after > before {
            return Err(Refusal::StoreBytes { bytes, bytes_max });
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

/// Why nothing of an upsert was stored. Names are echoed, values and customer ids never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// More customers than one upsert may bring.
    CustomerCount {
        /// As sent.
        count: usize,
    },
    /// Empty or too long.
    CustomerId {
        /// Its length.
        bytes: usize,
    },
    /// Empty or too long.
    AttributeName {
        /// Its length.
        bytes: usize,
    },
    /// The same name more than once for one customer: which of the values counts would be a guess.
    AttributeTwice {
        /// Its name.
        attribute: String,
    },
    /// NaN or an infinity.
    NotFinite {
        /// Its name.
        attribute: String,
    },
    /// A value is too long.
    ValueBytes {
        /// Its name.
        attribute: String,
        /// Its length as encoded.
        bytes: usize,
    },
    /// Too many attributes for one customer.
    AttributeCount {
        /// As sent, or as the customer would have then.
        count: usize,
    },
    /// Too many bytes for one customer.
    CapsuleBytes {
        /// As the customer would have then.
        bytes: usize,
    },
    /// As many customers are in memory as the settings allow.
    StoreFull {
        /// The setting.
        customers_max: usize,
    },
    /// Customers would take more memory than the settings allow.
    StoreBytes {
        /// As they would take then.
        bytes: usize,
        /// The setting.
        bytes_max: usize,
    },
}

impl Refusal {
    /// The field of the upsert that it is about.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::CustomerCount { .. } | Self::StoreFull { .. } | Self::StoreBytes { .. } => "customers",
            Self::CustomerId { .. } => "customers.customer_id",
            Self::AttributeName { .. } => "customers.attributes.name",
            Self::NotFinite { .. } | Self::ValueBytes { .. } => "customers.attributes.value",
            Self::AttributeTwice { .. } | Self::AttributeCount { .. } | Self::CapsuleBytes { .. } => {
                "customers.attributes"
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CustomerCount { count } => {
                write!(
                    formatter,
                    "{count} customers in one upsert: at most {UPSERT_CUSTOMERS_MAX}"
                )
            }
            Self::CustomerId { bytes } => {
                write!(
                    formatter,
                    "a customer id of {bytes} bytes: 1 to {CUSTOMER_ID_BYTES_MAX}"
                )
            }
            Self::AttributeName { bytes } => {
                write!(
                    formatter,
                    "an attribute name of {bytes} bytes: 1 to {ATTRIBUTE_NAME_BYTES_MAX}"
                )
            }
            Self::AttributeTwice { attribute } => {
                write!(formatter, "attribute `{attribute}` stands twice for one customer")
            }
            Self::NotFinite { attribute } => {
                write!(formatter, "attribute `{attribute}` is not a finite number")
            }
            Self::ValueBytes { attribute, bytes } => {
                write!(
                    formatter,
                    "attribute `{attribute}` has a value of {bytes} bytes: at most {VALUE_BYTES_MAX}"
                )
            }
            Self::AttributeCount { count } => {
                write!(
                    formatter,
                    "{count} attributes for one customer: at most {ATTRIBUTES_MAX}"
                )
            }
            Self::CapsuleBytes { bytes } => {
                write!(
                    formatter,
                    "{bytes} bytes for one customer: at most {CAPSULE_BYTES_MAX}"
                )
            }
            Self::StoreFull { customers_max } => {
                write!(
                    formatter,
                    "the store is full: {customers_max} customers, delete some or raise NEXTBEST_CUSTOMERS_MAX"
                )
            }
            Self::StoreBytes { bytes, bytes_max } => {
                write!(
                    formatter,
                    "the store is full: customers would take {bytes} bytes of memory, more than {bytes_max}; delete some, \
                     store fewer attributes, or raise NEXTBEST_CUSTOMERS_BYTES_MAX"
                )
            }
        }
    }
}

impl std::error::Error for Refusal {}
