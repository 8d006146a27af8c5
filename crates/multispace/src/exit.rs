//! Exit codes, all of them. Scripts rely on these numbers.

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything that was asked for happened, or there was nothing to do.
    Done,
    /// Something failed, was refused or was declined; stderr says what.
    Failed,
    /// With `--detailed-exitcode`: all went well, and there are changes (`plan`) or there were some (`apply`).
    Changes,
    /// The command line is wrong: nothing was done. `EX_USAGE` of sysexits.h, so that a typing error in a script is never
    /// taken for "there are changes".
    Usage,
    /// Ctrl-C, or a request to terminate: 128 and the number of SIGINT, as shells have it.
    Interrupted,
}

/// The table as `--help` shows it.
pub(crate) const HELP: &str = "\
Exit codes:
    0  done, or there was nothing to do
    1  something failed, was refused or was declined
    2  with --detailed-exitcode: all went well, and there are changes
   64  the command line is wrong
  130  interrupted";

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Changes => 2,
            Self::Usage => 64,
            Self::Interrupted => 130,
        }
    }
}
