//! Why a call is not answered, as a gRPC status. The one place where that is decided.

use nextbest_engine::{AnswerTooLarge, RequestError};
use nextbest_pipeline::PipelineError;
use nextbest_proto::v1;
use nextbest_store::StoreError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    access::Role,
    detail::Detail,
    limits::{ANSWER_BYTES_MAX, RETRY_AFTER},
};

/// Why a call is not answered.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The request is wrong; nothing but a change of it will help.
    Request(RequestError),
    /// So are the customers of an upsert, or there is no room for them.
    Store(StoreError),
    /// Nothing is known of the customer asked for.
    CustomerUnknown,
    /// The caller is not authenticated.
    Unauthenticated,
    /// The caller is known, and may not do this.
    PermissionDenied { caller: String, role: Role },
    /// The caller is known, and may not see this part of an answer.
    DetailForbidden(Detail),
    /// Many decisions are asked for at once, each with a part that one answer alone may have.
    DetailOfMany(Detail),
    /// A message is larger than those of its method may be.
    MessageTooLarge { bytes: usize, bytes_max: usize },
    /// The answer would be larger than one message may be.
    AnswerTooLarge(AnswerTooLarge),
    /// The answers of a batch would be.
    BatchTooLarge {
        bytes: usize,
        decided: usize,
        customers: usize,
    },
    /// There is more to do than can be done in time.
    Overload,
    /// The deadline has passed.
    Deadline,
    /// The deadline leaves no time for the models, and the settings want no priors instead.
    Late,
    /// A broken invariant: it fails this request and is counted.
    Internal,
}

impl From<PipelineError> for CallError {
    fn from(error: PipelineError) -> Self {
        match error {
            PipelineError::Request(reject) => Self::Request(reject),
            PipelineError::Deadline => Self::Deadline,
            PipelineError::Late => Self::Late,
            PipelineError::AnswerTooLarge(too_large) => Self::AnswerTooLarge(too_large),
            PipelineError::Memory => Self::Overload,
            PipelineError::Internal => Self::Internal,
        }
    }
}

impl From<CallError> for Status {
    fn from(refusal: CallError) -> Self {
        match refusal {
            CallError::Request(reject) => bad_request(reject.field(), &reject.to_string()),
            CallError::Store(refusal @ (StoreError::StoreFull { .. } | StoreError::StoreBytes { .. })) => {
                Self::resource_exhausted(refusal.to_string())
            }
            CallError::Store(refusal) => bad_request(&refusal.field(), &refusal.to_string()),
            CallError::CustomerUnknown => Self::not_found("this customer is not stored"),
            CallError::Unauthenticated => Self::unauthenticated(
                "authentication required: send a key as `authorization: Bearer ...`, or connect with a certificate that the \
                 server knows",
            ),
            CallError::PermissionDenied { caller, role } => Self::permission_denied(format!(
                "`{caller}` does not have the role `{role}`, which the access file can grant"
            )),
            CallError::DetailForbidden(detail) => Self::permission_denied(format!(
                "{detail} needs role `{}`, which this caller does not have: it shows stored values of customers; the \
                 operator of the server grants roles in its access file",
                Role::Explain
            )),
            CallError::DetailOfMany(detail) => bad_request(
                detail.field(),
                "not available for many decisions on one call: leave it out, and call `Explain` for the decisions that matter",
            ),
            CallError::MessageTooLarge { bytes, bytes_max } => Self::resource_exhausted(format!(
                "the message has {bytes} bytes, more than {bytes_max}: send less in one call"
            )),
            CallError::AnswerTooLarge(too_large) => Self::resource_exhausted(too_large.to_string()),
            CallError::BatchTooLarge {
                bytes,
                decided,
                customers,
            } => Self::resource_exhausted(format!(
                "the answers for {decided} of {customers} customers take {bytes} bytes, more than {ANSWER_BYTES_MAX}: send \
                 at most {} customers in a call, or ask for fewer actions",
                (decided * 9 / 10).max(1)
            )),
            CallError::Overload => Self::with_error_details(
                Code::ResourceExhausted,
                "the server is overloaded: try again later, or less often",
                ErrorDetails::with_retry_info(Some(RETRY_AFTER)),
            ),
            CallError::Deadline => Self::deadline_exceeded("the deadline of the call has passed"),
            CallError::Late => Self::deadline_exceeded(
                "the deadline leaves no time to run models, and this server does not decide on priors instead",
            ),
            CallError::Internal => {
                Self::internal("the request failed with an internal error; other requests are not affected")
            }
        }
    }
}

/// The same for one question of several.
pub(crate) fn failure(status: &Status) -> v1::Failure {
    let violations = status.get_details_bad_request();
    let field = violations.and_then(|found| found.field_violations.into_iter().next());
    v1::Failure {
        code: status.code().into(),
        message: status.message().to_owned(),
        field: field.map(|found| found.field).unwrap_or_default(),
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
