//! `Decide`, `DecideStream`, `DecideBatch` and `Explain`.

use nextbest_engine::{Bundle, Request};
use nextbest_proto::v1::{self, decision_service_server::DecisionService};
use tonic::{Response, Status, Streaming};

use crate::{
    call::Call,
    call_error::CallError,
    detail::Detail,
    handler::Handler,
    services::{
        batch::decide_batch,
        stream::{Answers, Leaving},
    },
};

#[tonic::async_trait]
impl DecisionService for Handler {
    async fn decide(
        &self,
        request: tonic::Request<v1::DecideRequest>,
    ) -> Result<Response<v1::DecideResponse>, Status> {
        let call = self.guard(|| {
            let call = Call::of(&request)?;
            Detail::check(request.get_ref(), call.roles).map_err(CallError::DetailForbidden)?;
            Ok(call)
        })?;
        let active = self.shared.active.load();
        let check = |bundle: &Bundle| Request::check(bundle, request.into_inner());
        let decided = self.answer(&call, &active, check).await?;
        self.shared.stats.decisions.add();
        Ok(Response::new(decided))
    }

    type DecideStreamStream = Answers;

    async fn decide_stream(
        &self,
        request: tonic::Request<Streaming<v1::StreamedRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let call = self.guard(|| Call::of(&request))?;
        let leaving = request.extensions().get::<Leaving>().cloned();
        let answers = Answers::new(self.clone(), call, leaving, request.into_inner());
        Ok(Response::new(answers))
    }

    async fn decide_batch(
        &self,
        request: tonic::Request<v1::DecideBatchRequest>,
    ) -> Result<Response<v1::DecideBatchResponse>, Status> {
        let call = self.guard(|| Call::of(&request))?;
        Ok(Response::new(
            decide_batch(self, &call, request.into_inner()).await?,
        ))
    }

    async fn explain(
        &self,
        request: tonic::Request<v1::ExplainRequest>,
    ) -> Result<Response<v1::ExplainResponse>, Status> {
        let call = self.guard(|| Call::of(&request))?;
        let active = self.shared.active.load();
        let check = |bundle: &Bundle| Request::check_explain(bundle, request.into_inner());
        let decided = self.answer(&call, &active, check).await?;
        self.shared.stats.explanations.add();
        Ok(Response::new(v1::ExplainResponse {
            decision: Some(decided),
        }))
    }
}
