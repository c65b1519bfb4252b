//! `Upsert`, `Get` and `Delete`: what is kept of customers, checked against the active bundle's declarations.

use nextbest_engine::check_customer;
use nextbest_proto::v1::{self, customer_service_server::CustomerService};
use nextbest_store::{StoreError, UPSERT_CUSTOMERS_MAX};
use tonic::{Request, Response, Status};

use crate::{call::Call, call_error::CallError, handler::Handler, limits::UPSERT_CHUNK_CUSTOMERS};

#[tonic::async_trait]
impl CustomerService for Handler {
    async fn upsert(
        &self,
        request: Request<v1::UpsertRequest>,
    ) -> Result<Response<v1::UpsertResponse>, Status> {
        let call = self.guard(|| Call::of(&request))?;
        let sent = request.into_inner().customers;
        self.guard(|| check_count(sent.len()))?;
        // The whole upsert is checked against one bundle, even if another is activated between two chunks.
        let active = self.shared.active.load_full();
        let mut checked = Vec::with_capacity(sent.len());
        for (place, customer) in sent.into_iter().enumerate() {
            if place % UPSERT_CHUNK_CUSTOMERS == UPSERT_CHUNK_CUSTOMERS - 1 {
                tokio::task::yield_now().await;
            }
            let customer = self.guard(|| {
                check_customer(&active.bundle, customer).map_err(|reject| {
                    CallError::Request(reject.within(&format!("customers[{place}]"))).into()
                })
            })?;
            checked.push(customer);
        }
        let upserted = self.guard(|| {
            call.deadline.check().map_err(CallError::from)?;
            Ok(self.shared.store.upsert(&checked).map_err(CallError::Store)?)
        })?;
        let upserted = u32::try_from(upserted).unwrap_or(u32::MAX);
        Ok(Response::new(v1::UpsertResponse { upserted }))
    }

    async fn get(&self, request: Request<v1::GetRequest>) -> Result<Response<v1::GetResponse>, Status> {
        self.guard(|| {
            Call::of(&request)?;
            let customer_id = request.into_inner().customer_id;
            let capsule = self
                .shared
                .store
                .get(&customer_id)
                .ok_or(CallError::CustomerUnknown)?;
            let customer = v1::Customer {
                customer_id,
                attributes: capsule.attributes().to_vec(),
            };
            Ok(Response::new(v1::GetResponse {
                customer: Some(customer),
            }))
        })
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteRequest>,
    ) -> Result<Response<v1::DeleteResponse>, Status> {
        self.guard(|| {
            Call::of(&request)?;
            let deleted = self.shared.store.delete(&request.get_ref().customer_id);
            Ok(Response::new(v1::DeleteResponse { deleted }))
        })
    }
}

/// Before anything is done for any of them.
fn check_count(count: usize) -> Result<(), Status> {
    if count <= UPSERT_CUSTOMERS_MAX {
        return Ok(());
    }
    Err(CallError::Store(StoreError::CustomerCount { count }).into())
}
