//! Shared HTTP furniture.

use crate::app::App;

/// The whole API.
pub fn router(app: App) -> axum::Router {
    let _ = app;
    axum::Router::new()
}
