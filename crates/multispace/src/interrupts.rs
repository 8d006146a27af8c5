//! Ctrl-C and requests to terminate: the first one is asked to be handled, a second one ends the process.

use std::future::Future;

use domain::Problem;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// Hears SIGINT and SIGTERM from its making on.
#[derive(Clone)]
pub(crate) struct Interrupts {
    count: watch::Receiver<u32>,
}

impl Interrupts {
    /// Begins to listen. From here on neither signal ends the process by itself; the second one does it through this.
    pub(crate) fn listen(console: &Console) -> Result<Self, Problem> {
        let failed = |error| Problem::ours("console/signals", "Signals cannot be listened to.", error);
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let (sender, count) = watch::channel(0);
        let console = console.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                sender.send_modify(|count| *count += 1);
                if *sender.borrow() > 1 {
                    console.say("\nStopped at once. Terraform may still be at work; the same command looks after it and goes on.");
                    std::process::exit(i32::from(Exit::Interrupted.code()));
                }
            }
        });
        Ok(Self { count })
    }

    /// Waits for the first signal; at once when it has come already.
    pub(crate) async fn first(&mut self) {
        if self.count.wait_for(|count| *count > 0).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Does `work` unless a signal comes first.
    pub(crate) async fn unless<T>(&mut self, work: impl Future<Output = Result<T, Problem>>) -> Result<T, Failure> {
        tokio::select! {
            done = work => Ok(done?),
            () = self.first() => Err(Failure::Interrupted),
        }
    }
}
