//! A real Chromium without a window, for tests, pictures and measurements of the server's pages. No part of the product.
//!
//! It is spoken to in its own protocol over a pipe: no driver, no port, no crate of generated messages. Why it is so stands in
//! `docs/design/0004-chromium-over-a-pipe.md`. Whatever is not as it should be is a panic that says what the page looked like.
//! Absent: anything that waits a fixed time. What is waited for is an event, or a condition in the page, with a
//! deadline that only a failure reaches.

mod axe;
mod measure;
mod pipe;
mod process;
mod tab;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use pipe::Pipe;
use process::Process;
pub use tab::Tab;

/// How long anything may take before it counts as stuck.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// A running Chromium with a profile of its own. Dropped, it is ended and its profile removed; it ends as well when the
/// process that started it is killed, because the pipe closes.
pub struct Chromium {
    pipe: Arc<Pipe>,
    _process: Process,
}

impl Chromium {
    /// Starts the Chromium that `cargo xtask test` has found, and waits until it answers.
    pub async fn start() -> Self {
        let (process, input, output) = Process::start();
        let chromium = Self { pipe: Pipe::open(input, output), _process: process };
        chromium.pipe.must(None, "Browser.getVersion", json!({})).await;
        chromium
    }

    /// A new tab that shares nothing with any other: no cookie, no cache.
    pub async fn tab(&self) -> Tab {
        Tab::open(Arc::clone(&self.pipe)).await
    }
}
