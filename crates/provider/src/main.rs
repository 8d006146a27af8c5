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
    // A terminal signals the whole process group. Terraform tells us by StopProvider, so the signal itself is swallowed.
    let interrupts = signal(SignalKind::interrupt());
    log::install();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let served = plugin::serve(Arc::new(provider::Provider::new()), &client::random::hex(8)).await;
    drop(interrupts);
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::say(&error);
            ExitCode::FAILURE
        }
    }
}
