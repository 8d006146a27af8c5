//! Work on files, beside the runtime where it may take long. What is small, and was written or is read again soon, is in the system's memory:
//! that takes less time than to wake a thread for it.

use tokio::task::{JoinError, spawn_blocking};

/// Most bytes that are read or written where one is.
const SMALL: u64 = 64 * 1024;

/// Does work that reads or writes so many bytes.
///
/// # Errors
/// When it panics beside the runtime.
pub(crate) async fn done<T: Send + 'static>(
    bytes: u64,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    if bytes <= SMALL { Ok(work()) } else { spawn_blocking(work).await }
}
