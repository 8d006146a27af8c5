//! The log: lines on stderr in the form from which Terraform takes a level (`[INFO] …`), and panics so that Terraform
//! recognises them.

use std::fmt::Write as _;
use std::io::Write as _;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Sends the log of this process to stderr.
pub fn install() {
    let _ = tracing::subscriber::set_global_default(Stderr);
    std::panic::set_hook(Box::new(|panic| {
        let _ = writeln!(std::io::stderr(), "panic: {panic}");
    }));
}

/// Tells a person who started the plugin by hand why it ended.
pub fn say(words: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

struct Stderr;

impl Subscriber for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = ["client", "terraform_provider_multispace"].iter().any(|name| metadata.target().starts_with(name));
        *metadata.level() <= if ours { Level::DEBUG } else { Level::WARN }
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}
    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
    fn enter(&self, _span: &Id) {}
    fn exit(&self, _span: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let _ = writeln!(std::io::stderr(), "[{}] {}", event.metadata().level(), line.0);
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
