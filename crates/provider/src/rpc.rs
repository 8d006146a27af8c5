//! The gRPC service `tfplugin6.Provider`: which method of [`Provider`] answers which call.
//!
//! A call runs in a task of its own, so that a fault in one is told to the person as such and does not end the others.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};

use prost::Message;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService};
use tonic::{Response, Status};
use tonic_prost::ProstCodec;

use crate::provider::Provider;

/// The service.
#[derive(Clone)]
pub struct Rpc {
    provider: Arc<Provider>,
}

impl Rpc {
    /// Serves this provider.
    pub fn new(provider: Arc<Provider>) -> Self {
        Self { provider }
    }
}

impl NamedService for Rpc {
    const NAME: &'static str = "tfplugin6.Provider";
}

impl Service<http::Request<Body>> for Rpc {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let provider = self.provider.clone();
        Box::pin(async move {
            let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
            macro_rules! route {
                ($($name:literal => $answer:ident,)*) => {
                    match method.as_str() {
                        $($name => unary(request, move |ask| async move { provider.$answer(ask).await }).await,)*
                        _ => Status::unimplemented(format!("{method} is not offered")).into_http(),
                    }
                };
            }
            Ok(route! {
                "GetMetadata" => metadata,
                "GetProviderSchema" => schema,
                "ValidateProviderConfig" => validate_provider,
                "ValidateResourceConfig" => validate_resource,
                "ValidateDataResourceConfig" => validate_other,
                "ValidateEphemeralResourceConfig" => validate_other,
                "ConfigureProvider" => configure,
                "StopProvider" => stop,
                "UpgradeResourceState" => upgrade,
                "ReadResource" => read,
                "PlanResourceChange" => plan,
                "ApplyResourceChange" => apply,
                "ImportResourceState" => import,
                "MoveResourceState" => move_state,
                "ReadDataSource" => read_data,
                "OpenEphemeralResource" => open,
                "CloseEphemeralResource" => close,
            })
        })
    }
}

async fn unary<Ask, Answer, F, Fut>(request: http::Request<Body>, answer: F) -> http::Response<Body>
where
    Ask: Message + Default + Send + 'static,
    Answer: Message + Default + Send + 'static,
    F: FnOnce(Ask) -> Fut,
    Fut: Future<Output = Answer> + Send + 'static,
{
    let mut answer = Some(answer);
    let service = tower::service_fn(move |ask: tonic::Request<Ask>| {
        let task = answer.take().map(|answer| tokio::spawn(answer(ask.into_inner())));
        async move {
            match task {
                Some(task) => match task.await {
                    Ok(answer) => Ok(Response::new(answer)),
                    Err(_) => Err(Status::internal("the provider failed; its log says where")),
                },
                None => Err(Status::internal("a call was made twice")),
            }
        }
    });
    let grpc = Grpc::new(ProstCodec::<Answer, Ask>::default());
    let mut grpc = grpc.max_decoding_message_size(usize::MAX).max_encoding_message_size(usize::MAX);
    grpc.unary(service, request).await
}
