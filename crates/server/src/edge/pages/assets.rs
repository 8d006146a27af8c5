//! Styles and scripts of pages. They are in the executable, and named by their content, so that a browser may keep them for ever.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::edge::Routes;

/// One file.
pub(super) struct Asset {
    /// Where browsers find it.
    pub(super) path: String,
    kind: &'static str,
    text: &'static str,
}

impl Asset {
    fn new(name: &str, ending: &str, kind: &'static str, text: &'static str) -> Self {
        let digest = hex::encode(&digest(&SHA256, text.as_bytes()).as_ref()[..8]);
        Self { path: format!("/assets/{name}-{digest}.{ending}"), kind, text }
    }
}

/// The one style sheet.
pub(super) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("style", "css", "text/css; charset=utf-8", include_str!("../../../assets/style.css")));

/// The one script.
pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("script", "js", "text/javascript; charset=utf-8", include_str!("../../../assets/script.js"))
});

/// The script that adds buttons which copy.
pub(super) static COPY: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("copy", "js", "text/javascript; charset=utf-8", include_str!("../../../assets/copy.js"))
});

pub(in crate::edge) fn routes() -> Routes {
    Routes::default().get_at_root("/assets/{file}", file)
}

async fn file(Path(file): Path<String>) -> Response {
    let all = [&*STYLE, &*SCRIPT, &*COPY];
    let Some(asset) = all.iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(&file)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, asset.text).into_response()
}
