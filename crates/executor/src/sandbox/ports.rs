//! Ports that no run may connect to: a thread that has closed them to itself starts every process of a run, and what it starts inherits
//! that. Closing one port means to name all others, which takes a tenth of a second: once for a server, not for each process.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use landlock::{AccessNet, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;

use crate::batch;

/// The port where every cloud hands out the credentials of the machine to whoever asks on it.
pub const METADATA: u16 = 80;

type Work = Box<dyn FnOnce() + Send>;

/// Starts processes to which some ports are closed.
#[derive(Debug, Clone)]
pub(super) struct Starter(Arc<Sender<Work>>);

impl Starter {
    /// A thread to which these ports are closed; `None` where the kernel cannot do that (before 6.7).
    pub(super) fn new(closed: &[u16]) -> io::Result<Option<Self>> {
        let (sender, work) = channel::<Work>();
        let (tell, told) = channel();
        let closed = closed.to_vec();
        std::thread::Builder::new().name("starts-runs".to_owned()).spawn(move || {
            let has_closed = close(&closed);
            let go_on = has_closed.is_ok();
            let _ = tell.send(has_closed);
            if go_on {
                work.into_iter().for_each(|work| work());
            }
        })?;
        match told.recv().map_err(io::Error::other)? {
            Ok(()) => Ok(Some(Self(Arc::new(sender)))),
            Err(problem) => {
                tracing::debug!(%problem, "ports cannot be closed");
                Ok(None)
            }
        }
    }

    /// Starts a command as [`Command::spawn`] does.
    pub(super) fn start(&self, mut command: Command) -> io::Result<Child> {
        let (tell, told) = channel();
        let runtime = Handle::current();
        let work = Box::new(move || {
            let _inside = runtime.enter();
            let _ = tell.send(batch::started(|| command.spawn()));
        });
        self.0.send(work).map_err(|_| io::Error::other("the thread that starts runs has ended"))?;
        told.recv().map_err(io::Error::other)?
    }
}

fn close(closed: &[u16]) -> Result<(), RulesetError> {
    let open = (0..=u16::MAX).filter(|port| !closed.contains(port));
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessNet::ConnectTcp)?
        .create()?
        .add_rules(open.map(|port| Ok::<_, RulesetError>(NetPort::new(port, AccessNet::ConnectTcp))))?
        .restrict_self()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closed_port_is_closed_for_who_is_started_and_not_for_us() {
        let [closed, open] = [0, 0].map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let port = |listener: &std::net::TcpListener| listener.local_addr().unwrap().port();
        let starter = Starter::new(&[port(&closed)]).unwrap().expect("a kernel with Landlock for ports (6.7)");
        for (listener, is_open) in [(&closed, false), (&open, true)] {
            let mut command = Command::new("bash");
            command.args(["-c", &format!("exec 3<>/dev/tcp/127.0.0.1/{}", port(listener))]);
            let mut child = starter.start(command).unwrap();
            assert_eq!(child.wait().await.unwrap().success(), is_open);
            assert!(std::net::TcpStream::connect(listener.local_addr().unwrap()).is_ok());
        }
    }
}
