//! Why a call is not answered, as the gRPC status that says so. The one place where that is decided.

use nextbest_engine::Reject;
use nextbest_store::Refusal as StoreRefusal;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Why a call is not answered.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The request is wrong; nothing but a change of it will help.
    Request(Reject),
    /// So are the customers of an upsert, or there is no room for them.
    Store(StoreRefusal),
    /// Nothing is known of the customer asked for.
    CustomerUnknown,
    /// A broken invariant: it fails this request and is counted.
    Internal,
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Request(reject) => bad_request(reject.field(), &reject.to_string()),
            Refusal::Store(StoreRefusal::StoreFull { customers_max }) => {
                Self::resource_exhausted(StoreRefusal::StoreFull { customers_max }.to_string())
            }
            Refusal::Store(refusal) => bad_request(refusal.field(), &refusal.to_string()),
            Refusal::CustomerUnknown => Self::not_found("nothing is known of this customer"),
            Refusal::Internal => {
                Self::internal("the request failed inside the server; others are not affected")
            }
        }
    }
}

fn bad_request(field: &str, description: &str) -> Status {
    let message = if field.is_empty() {
        description.to_owned()
    } else {
        format!("{field}: {description}")
    };
    let details = ErrorDetails::with_bad_request_violation(field, description);
    Status::with_error_details(Code::InvalidArgument, message, details)
}
