//! From the bytes that terraform wrote to the bytes of the log: as they are, or `-json` lines as text for people.

mod diagnostic;
mod foreseen;
mod line;
mod value;

use serde_json::Value;

use self::foreseen::Plan;
use crate::work::Foreseen;

/// Longest line that is rendered; a longer one is text for people no more, and memory has an end.
const LONGEST: usize = 64 * 1024 * 1024;
/// How much of an unfinished line is held back in a log that passes as it is.
const HELD: usize = 64 * 1024;
/// What terraform says when it could save its state nowhere and prints it instead.
const DUMP: &[u8] = b"\"Emergency state dump\"";
/// That, as the log has it: the state is in the folder, and its secrets stay out of the log.
const DUMP_SENTENCE: &str =
    "Terraform could not write its state and printed it instead; multispace keeps what it printed, out of this log.";

/// What terraform says of a plan that changes nothing.
const NO_CHANGES: &str = "\nNo changes. Your infrastructure matches the configuration.\n";

/// What becomes of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Nothing.
    Raw,
    /// Nothing, but for a state in it.
    Json,
    /// `-json` lines become text.
    Human,
}

/// Turns what was read into what is passed on, a piece at a time.
pub(crate) struct Rendering {
    form: Form,
    /// The line that has no end yet.
    line: Vec<u8>,
    /// Inside a line that is longer than may be held, and what becomes of the rest of it.
    long: Option<Long>,
    /// What is planned, in a log that begins with the plan and goes on with its apply.
    plan: Option<Plan>,
    /// What the apply's own log begins with.
    preamble: String,
    /// Where in what was passed on last the apply begins.
    turn: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Long {
    Pass,
    Drop,
}

impl Rendering {
    pub(crate) fn new(form: Form) -> Self {
        Self { form, line: Vec::new(), long: None, plan: None, preamble: String::new(), turn: None }
    }

    /// Of one process that plans and applies, for people; the apply's log begins with `preamble`.
    pub(crate) fn at_once(preamble: &str) -> Self {
        Self { plan: Some(Plan::default()), preamble: preamble.to_owned(), ..Self::new(Form::Human) }
    }

    /// What was planned, once terraform has gone on from it, or has ended.
    pub(crate) fn foreseen(&self) -> Option<Foreseen> {
        self.plan.as_ref().and_then(Plan::over)
    }

    /// The outputs that will be others, as far as the plan has said so.
    pub(crate) fn outputs(&self) -> &[String] {
        self.plan.as_ref().map(Plan::outputs).unwrap_or_default()
    }

    /// Where in what was added to `out` the plan ends and the apply begins; told once, and only where there is something to do.
    pub(crate) fn turn(&mut self) -> Option<usize> {
        self.turn.take()
    }

    /// Takes the next bytes, adds what can be passed on to `out`.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let (piece, next) = rest.split_at(end + 1);
            rest = next;
            self.piece(piece, true, out);
        }
        if !rest.is_empty() {
            self.piece(rest, false, out);
        }
    }

    /// There is no more: the last line counts as it is.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            self.whole(&line, out);
        }
        self.long = None;
        self.leave_plan(out);
    }

    /// Terraform has nothing more to say of the plan.
    fn leave_plan(&mut self, out: &mut Vec<u8>) {
        let Some(plan) = self.plan.as_mut().filter(|plan| plan.over().is_none()) else { return };
        match plan.ends() {
            Some(foreseen) if foreseen.has_changes => {
                self.turn = Some(out.len());
                out.extend_from_slice(self.preamble.as_bytes());
            }
            Some(_) => out.extend_from_slice(NO_CHANGES.as_bytes()),
            None => {}
        }
    }

    /// A line of the plan, or the one that follows it; `false` where it is shown as in any other log.
    fn of_plan(&mut self, line: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(plan) = &mut self.plan else { return false };
        let over = plan.over();
        if over.is_some_and(|foreseen| foreseen.has_changes) {
            return false;
        }
        let read = serde_json::from_slice::<Value>(line).unwrap_or_default();
        if over.is_some() {
            // Of an apply that has nothing to do only what is wrong is said.
            return matches!(read["type"].as_str(), Some("change_summary" | "outputs"));
        }
        if plan.is_left(&read) {
            self.leave_plan(out);
            return self.of_plan(line, out);
        }
        match plan.text(&read) {
            Some(text) => out.extend_from_slice(text.as_bytes()),
            None => return false,
        }
        true
    }

    fn piece(&mut self, piece: &[u8], ends: bool, out: &mut Vec<u8>) {
        if let Some(long) = self.long {
            if long == Long::Pass {
                out.extend_from_slice(piece);
            }
            if ends {
                self.long = None;
            }
            return;
        }
        if ends && self.line.is_empty() {
            self.whole(piece, out);
            return;
        }
        self.line.extend_from_slice(piece);
        if ends {
            let line = std::mem::take(&mut self.line);
            self.whole(&line, out);
        } else if self.line.len() > self.limit() {
            self.give_up(out);
        }
    }

    fn limit(&self) -> usize {
        match self.form {
            Form::Raw | Form::Json => HELD,
            Form::Human => LONGEST,
        }
    }

    /// The line is too long to be held: passes it on as it comes, or drops it where it may not be seen.
    fn give_up(&mut self, out: &mut Vec<u8>) {
        let line = std::mem::take(&mut self.line);
        self.long = Some(match self.form {
            Form::Raw => Long::Pass,
            Form::Json if !is_dump(&line) => Long::Pass,
            Form::Json => {
                out.extend_from_slice(dump_line().as_bytes());
                Long::Drop
            }
            Form::Human => {
                let sentence =
                    if is_dump(&line) { DUMP_SENTENCE } else { "(A line longer than 64 MiB is left out here.)" };
                out.extend_from_slice(sentence.as_bytes());
                out.push(b'\n');
                Long::Drop
            }
        });
        if self.long == Some(Long::Pass) {
            out.extend_from_slice(&line);
        }
    }

    fn whole(&mut self, line: &[u8], out: &mut Vec<u8>) {
        if self.of_plan(line, out) {
            return;
        }
        match self.form {
            Form::Raw => out.extend_from_slice(line),
            Form::Json if is_dump(line) => out.extend_from_slice(dump_line().as_bytes()),
            Form::Json => out.extend_from_slice(line),
            Form::Human => human(line, out),
        }
    }
}

fn is_dump(line: &[u8]) -> bool {
    let head = &line[..line.len().min(512)];
    head.first() == Some(&b'{') && head.windows(DUMP.len()).any(|window| window == DUMP)
}

fn dump_line() -> String {
    let line = serde_json::json!({
        "@level": "error", "@message": DUMP_SENTENCE, "@module": "terraform.ui", "type": "log",
    });
    format!("{line}\n")
}

/// One line of a log as text for people: a `-json` line becomes what terraform would have said without `-json`, of one
/// line or more; any other stays as it is.
pub fn line_as_text(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    human(line, &mut out);
    out
}

fn human(line: &[u8], out: &mut Vec<u8>) {
    if is_dump(line) {
        out.extend_from_slice(DUMP_SENTENCE.as_bytes());
        out.push(b'\n');
        return;
    }
    match serde_json::from_slice::<Value>(line) {
        Ok(value) if value.get("@message").is_some() => out.extend_from_slice(line::render(&value, line).as_bytes()),
        _ => out.extend_from_slice(line),
    }
}

#[cfg(test)]
mod tests;
