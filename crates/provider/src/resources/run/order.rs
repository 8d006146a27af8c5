//! [`Order`]: what a resource wants of a run.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

/// What is wanted, and how long and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// Whether everything is to be destroyed.
    pub(crate) is_destroy: bool,
    /// Whether a person confirms; otherwise we do, or the server when nobody waits.
    pub(crate) manual_confirm: bool,
    /// Whether to wait for the end.
    pub(crate) wait: bool,
    /// What stands on the run.
    pub(crate) message: Option<String>,
    /// How often a failure is tried again; `None` for never.
    pub(crate) retry: Option<Retry>,
    /// After how long to stop waiting; `None` for never.
    pub(crate) timeout: Option<Duration>,
    /// What becomes of the run when the person interrupts.
    pub(crate) on_interrupt: Interrupt,
    /// The run that an interrupted apply noted in the state.
    pub(crate) resumes: Option<String>,
}

/// How often a failure is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retry {
    /// Runs after the first.
    pub(crate) attempts: u32,
    /// Seconds before the first of them.
    pub(crate) min: u64,
    /// The most seconds before any of them.
    pub(crate) max: u64,
}

/// What becomes of a run when the person interrupts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// It goes on; the next apply takes it up.
    #[default]
    Leave,
    /// It is discarded or cancelled.
    Cancel,
}

impl Order {
    /// The mark by which a run is known to be this order's, also to another process that has the same order later: a
    /// killed Terraform leaves no other trace. The same for the same wish in the same workspace.
    pub(crate) fn mark(&self, workspace_id: &str) -> String {
        let wish = (self.is_destroy, self.manual_confirm, self.wait, self.message.as_deref());
        let hash = digest(&SHA256, format!("{workspace_id} {wish:?}").as_bytes());
        format!("[terraform {}]", hex::encode(&hash.as_ref()[..6]))
    }

    /// What stands on the run: the person's words, if there are any, and the mark.
    pub(crate) fn words(&self, workspace_id: &str) -> String {
        let usual = if self.is_destroy { "Destroyed by Terraform" } else { "Applied by Terraform" };
        format!("{} {}", self.message.as_deref().unwrap_or(usual), self.mark(workspace_id))
    }
}

/// Reads a duration as Terraform's `timeouts` have it: `90s`, `15m`, `1h30m`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let unit = rest[number..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |next| number + next);
        let factor = match &rest[number..unit] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += rest[..number].parse::<f64>().ok()? * factor;
        rest = &rest[unit..];
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            is_destroy: false,
            manual_confirm: false,
            wait: true,
            message: None,
            retry: None,
            timeout: None,
            on_interrupt: Interrupt::Leave,
            resumes: None,
        }
    }

    #[test]
    fn the_same_wish_has_the_same_mark_and_another_wish_another() {
        assert_eq!(order().mark("ws-1"), order().mark("ws-1"));
        assert_ne!(order().mark("ws-1"), order().mark("ws-2"));
        assert_ne!(order().mark("ws-1"), Order { is_destroy: true, ..order() }.mark("ws-1"));
        let said = Order { message: Some("hello".into()), ..order() };
        assert!(said.words("ws-1").starts_with("hello [terraform "));
    }

    #[test]
    fn durations_are_read_as_terraform_writes_them() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("1h30m", 5400), ("1.5h", 5400), ("0s", 0)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "m", "5d", "-5m"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
