//! How long a page takes, as the page itself sees it.

use serde_json::{Value, json};

use crate::tab::Tab;

/// Notes when the page was drawn: two frames after everything was loaded, so that one with all of it has been shown.
const NOTE: &str = "addEventListener('load', () => requestAnimationFrame(() => requestAnimationFrame(() => { window.drawn = performance.now(); })))";

/// Scrolls through an element by a part of its height a frame, and returns how long each frame took.
const SCROLL: &str = "(async (box, frames) => {
    const step = Math.max(1, (box.scrollHeight - box.clientHeight) / frames);
    const next = () => new Promise((done) => requestAnimationFrame(done));
    const took = [];
    box.scrollTop = 0;
    let before = await next();
    for (let frame = 0; frame < frames; frame++) {
        box.scrollTop += step;
        const now = await next();
        took.push(now - before);
        before = now;
    }
    return took;
})";

impl Tab {
    /// Milliseconds from the request for the page until all of it is drawn.
    pub async fn drawn(&self, url: &str) -> f64 {
        let note = self.must("Page.addScriptToEvaluateOnNewDocument", json!({ "source": NOTE })).await;
        // From the page itself, an address with a line would only scroll.
        self.goto("about:blank").await;
        self.goto(url).await;
        self.until("window.drawn").await;
        self.must("Page.removeScriptToEvaluateOnNewDocument", json!({ "identifier": note["identifier"] })).await;
        self.eval("window.drawn").await.as_f64().unwrap_or(f64::NAN)
    }

    /// Milliseconds of each of so many frames in which an element, named by an expression, is scrolled from its beginning to its
    /// end.
    pub async fn scrolled(&self, element: &str, frames: u32) -> Vec<f64> {
        let took = self.eval(&format!("{SCROLL}({element}, {frames})")).await;
        took.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
    }
}
