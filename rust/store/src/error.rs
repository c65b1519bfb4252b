//! Why nothing of an upsert was stored.

use nextbest_engine::{CUSTOMER_ID_BYTES_MAX, CapsuleError};

use crate::bounds::UPSERT_CUSTOMERS_MAX;

/// Why nothing of an upsert was stored. Names are echoed, values and customer ids never.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// More customers than one upsert may bring.
    #[error("{count} customers in one upsert: at most {UPSERT_CUSTOMERS_MAX}")]
    CustomerCount {
        /// As sent.
        count: usize,
    },
    /// Empty or too long.
    #[error("a customer id of {bytes} bytes: 1 to {CUSTOMER_ID_BYTES_MAX}")]
    CustomerId {
        /// Its length.
        bytes: usize,
    },
    /// One of the customers is beyond a bound, or would be.
    #[error(transparent)]
    Capsule(#[from] CapsuleError),
    /// As many customers are in memory as the settings allow.
    #[error("the store is full: {customers_max} customers, delete some or raise NEXTBEST_CUSTOMERS_MAX")]
    StoreFull {
        /// The setting.
        customers_max: usize,
    },
    /// Customers would take more memory than the settings allow.
    #[error(
        "the store is full: customers would take {bytes} bytes of memory, more than {bytes_max}; delete some, \
         store fewer attributes, or raise NEXTBEST_CUSTOMERS_BYTES_MAX"
    )]
    StoreBytes {
        /// As they would take then.
        bytes: usize,
        /// The setting.
        bytes_max: usize,
    },
}

impl StoreError {
    /// The field of the upsert that it is about.
    #[must_use]
    pub fn field(&self) -> String {
        match self {
            Self::CustomerCount { .. } | Self::StoreFull { .. } | Self::StoreBytes { .. } => {
                "customers".to_owned()
            }
            Self::CustomerId { .. } => "customers.customer_id".to_owned(),
            Self::Capsule(error) => format!("customers.{}", error.field()),
        }
    }
}
