//! The life of the process: start, serve, and end when Terraform is gone.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService};
use tonic_prost::ProstCodec;

use super::{handshake, listen, tls};
use crate::protocol::messages::Empty;
use crate::provider::Provider;
use crate::rpc::Rpc;

/// How long Terraform is given to close the connection after it asked for the end.
const FAREWELL: Duration = Duration::from_millis(500);

/// Serves a provider until Terraform is gone. `name` makes the socket's folder different from all others.
///
/// # Errors
/// When nobody but a person started the process, or the socket or the keys cannot be made.
pub async fn serve(provider: Arc<Provider>, name: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if !handshake::is_terraform() {
        return Err("This is a plugin: Terraform starts it. Name it in required_providers.".into());
    }
    let identity = handshake::client_certificate().map(|pem| tls::identity(&pem)).transpose()?;
    let (socket, listener) = listen::Socket::bind(name)?;
    handshake::announce(socket.path(), identity.as_ref().map(|identity| identity.certificate.as_slice()))?;

    let reattached = handshake::is_reattached();
    let (count, counted) = watch::channel(0);
    let (asked, shutdown) = watch::channel(false);
    let acceptor = identity.map(|identity| TlsAcceptor::from(identity.config));
    let (kept, given) = if reattached { (Some(socket), None) } else { (None, Some(socket)) };
    let connections = listen::accept(listener, given, acceptor, count);
    let router = tonic::transport::Server::builder().add_service(Rpc::new(provider)).add_service(Controller(asked));
    tokio::select! {
        served = router.serve_with_incoming(ReceiverStream::new(connections)) => served?,
        () = terraform_is_gone(counted, shutdown), if !reattached => {}
        _ = tokio::signal::ctrl_c(), if reattached => {}
    }
    drop(kept);
    Ok(())
}

/// Waits until the last connection is closed, or Terraform asked for the end and was given time to close.
async fn terraform_is_gone(mut count: watch::Receiver<usize>, mut shutdown: watch::Receiver<bool>) {
    let closed = async {
        let _ = count.wait_for(|count| *count > 0).await;
        let _ = count.wait_for(|count| *count == 0).await;
    };
    let farewell = async {
        let _ = shutdown.wait_for(|asked| *asked).await;
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        () = closed => {}
        () = farewell => {}
    }
}

/// go-plugin's own service, of which Terraform calls `Shutdown`.
#[derive(Clone)]
struct Controller(watch::Sender<bool>);

impl NamedService for Controller {
    const NAME: &'static str = "plugin.GRPCController";
}

impl Service<http::Request<Body>> for Controller {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let asked = self.0.clone();
        Box::pin(async move {
            let shutdown = tower::service_fn(move |_: tonic::Request<Empty>| {
                let _ = asked.send(true);
                async { Ok::<_, tonic::Status>(tonic::Response::new(Empty {})) }
            });
            Ok(Grpc::new(ProstCodec::<Empty, Empty>::default()).unary(shutdown, request).await)
        })
    }
}
