//! `terraform-provider-multispace`: the Terraform provider for multispace, HCP Terraform and Terraform Enterprise.
//!
//! - `plugin`: how Terraform starts and reaches this process.
//! - `protocol`: messages, values, schemas, plans and diagnostics.
//! - `rpc` and `provider`: which resource answers which call.
//! - `resources`: one file for each type.

mod log;
mod plugin;
mod protocol;
mod provider;
mod resources;
mod rpc;

use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // A terminal signals the whole process group. Terraform also says so by StopProvider, but not while an apply still
    // plans; and the end comes from Terraform alone.
    let interrupts = signal(SignalKind::interrupt());
    log::install();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let provider = Arc::new(provider::Provider::new());
    let stopped = provider.clone();
    let listening = tokio::spawn(async move {
        let Ok(mut interrupts) = interrupts else { return };
        while interrupts.recv().await.is_some() {
            stopped.interrupt();
        }
    });
    let served = plugin::serve(provider, &client::random::hex(8)).await;
    listening.abort();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::say(&error);
            ExitCode::FAILURE
        }
    }
}
