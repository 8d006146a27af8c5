//! A tab: pages are opened, looked at, typed into and pressed there as a person does it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::DEADLINE;
use crate::pipe::{Pipe, Seen, locked};

/// Between two looks at a condition in a page.
const PACE: Duration = Duration::from_millis(15);

/// A tab with cookies of its own.
pub struct Tab {
    pipe: Arc<Pipe>,
    session: String,
    context: String,
    seen: Arc<Seen>,
}

/// Where something is in a page: a selector, and after ` >> ` the text that it has as a whole, as in
/// `button >> Discard`.
fn found(place: &str) -> String {
    let (selector, text) = place.split_once(" >> ").unwrap_or((place, ""));
    let (selector, text) = (json!(selector), json!(text));
    format!(
        "[...document.querySelectorAll({selector})].find((it) => {text} === '' || it.textContent.trim() === {text})"
    )
}

impl Tab {
    pub(crate) async fn open(pipe: Arc<Pipe>) -> Self {
        let context = pipe.must(None, "Target.createBrowserContext", json!({})).await;
        let context = text(&context["browserContextId"]);
        let target = json!({ "url": "about:blank", "browserContextId": context });
        let target = pipe.must(None, "Target.createTarget", target).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = pipe.must(None, "Target.attachToTarget", attach).await;
        let session = text(&attached["sessionId"]);
        let seen = pipe.attend(&session);
        let tab = Self { pipe, session, context, seen };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            tab.must(domain, json!({})).await;
        }
        tab.size(1200, 900).await;
        tab.dark(false).await;
        tab
    }

    /// Opens a page and waits until it has been loaded.
    pub async fn goto(&self, url: &str) {
        let before = *self.seen.loads.borrow();
        let answer = self.must("Page.navigate", json!({ "url": url })).await;
        assert!(answer["errorText"].is_null(), "{url}: {}", answer["errorText"]);
        // Another place on the same page has nothing to load.
        if !answer["loaderId"].is_null() {
            self.loaded(before).await;
        }
    }

    /// Presses something with the mouse.
    pub async fn press(&self, place: &str) {
        self.until(&format!("{} !== undefined", found(place))).await;
        let found = found(place);
        let script = format!(
            "(() => {{ const it = {found};
            it.scrollIntoView({{ block: 'center', behavior: 'instant' }});
            const box = it.getClientRects()[0];
            if (!box) return 'is not drawn';
            const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
            const top = document.elementFromPoint(x, y);
            return top === it || it.contains(top) ? [x, y] : 'is covered by ' + (top && top.outerHTML.slice(0, 200)); }})()"
        );
        let at = self.eval(&script).await;
        let (Some(x), Some(y)) = (at[0].as_f64(), at[1].as_f64()) else {
            panic!("{place} {at}: {}", self.state().await);
        };
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event = json!({ "type": kind, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": 1 });
            self.must("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Presses something that leads to another page, and waits until that has been loaded.
    pub async fn follow(&self, place: &str) {
        let before = *self.seen.loads.borrow();
        self.press(place).await;
        self.loaded(before).await;
    }

    /// Types into a field, in place of what is there.
    pub async fn fill(&self, place: &str, content: &str) {
        self.until(&format!("{} !== undefined", found(place))).await;
        self.eval(&format!("(() => {{ const it = {}; it.focus(); it.select(); }})()", found(place))).await;
        self.must("Input.insertText", json!({ "text": content })).await;
    }

    /// Presses a key by its name, `Tab` or `Enter`.
    pub async fn key(&self, name: &str) {
        let (code, content) = match name {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            other => panic!("there is no key {other}"),
        };
        let event = |kind: &str, content: &str| json!({ "type": kind, "key": name, "code": name, "windowsVirtualKeyCode": code, "text": content });
        self.must("Input.dispatchKeyEvent", event("keyDown", content)).await;
        self.must("Input.dispatchKeyEvent", event("keyUp", "")).await;
    }

    /// What an expression in the page is; a promise is waited for.
    pub async fn eval(&self, script: &str) -> Value {
        match self.try_eval(script).await {
            Ok(value) => value,
            Err(error) => panic!("{error} in {}: {}", &script[..script.len().min(400)], self.state().await),
        }
    }

    /// What an expression in the page is, as text.
    pub async fn text(&self, script: &str) -> String {
        match self.eval(script).await {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    /// Waits until an expression in the page is true, over whatever pages follow each other.
    pub async fn until(&self, condition: &str) {
        let begun = Instant::now();
        let script = format!("!!({condition})");
        loop {
            // A page that goes away while it is asked is followed by another.
            let last = self.try_eval(&script).await;
            if last.as_ref().is_ok_and(|value| *value == true) {
                return;
            }
            if begun.elapsed() > DEADLINE {
                panic!("{condition} did not come true ({last:?}): {}", self.state().await);
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// Waits until the page shows a text.
    pub async fn until_shown(&self, content: &str) {
        self.until(&format!("document.body.innerText.includes({})", json!(content))).await;
    }

    /// Everything that the page shows as text.
    pub async fn shown(&self) -> String {
        self.text("document.body.innerText").await
    }

    /// The address that the tab was led to last, also where what is shown is that nobody answered there.
    pub async fn address(&self) -> String {
        let history = self.must("Page.getNavigationHistory", json!({})).await;
        let current = usize::try_from(history["currentIndex"].as_u64().unwrap_or(0)).unwrap_or(0);
        text(&history["entries"][current]["url"])
    }

    /// What the page has complained about since this was last asked: errors and warnings of its console, exceptions,
    /// dialogs.
    pub fn complaints(&self) -> Vec<String> {
        std::mem::take(&mut locked(&self.seen.complaints))
    }

    /// Takes whatever certificate a server has, one that signs itself among them.
    pub async fn trust_any_certificate(&self) {
        self.must("Security.setIgnoreCertificateErrors", json!({ "ignore": true })).await;
    }

    /// Whether the pages that are opened from now on may run scripts. What [`Tab::eval`] asks is answered either way.
    pub async fn scripts(&self, on: bool) {
        self.must("Emulation.setScriptExecutionDisabled", json!({ "value": !on })).await;
    }

    /// Whether the person likes it dark.
    pub async fn dark(&self, on: bool) {
        let scheme = if on { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.must("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// How large the page is shown, in CSS pixels.
    pub async fn size(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.must("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Writes a picture of the page from its top, at most so many CSS pixels high. The ending of the file, `png` or `webp`, says
    /// of which kind.
    pub async fn picture(&self, file: &Path, most: u32) {
        let size = self.eval("[innerWidth, Math.max(innerHeight, document.documentElement.scrollHeight)]").await;
        let (width, height) = (size[0].as_u64().unwrap_or(0), size[1].as_u64().unwrap_or(0).min(most.into()));
        let format = file.extension().and_then(|ending| ending.to_str()).unwrap_or("png");
        let mut shot = json!({
            "format": format,
            "captureBeyondViewport": true,
            "clip": { "x": 0, "y": 0, "width": width, "height": height, "scale": 1 },
        });
        if format == "webp" {
            shot["quality"] = 80.into();
        }
        let answer = self.must("Page.captureScreenshot", shot).await;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text(&answer["data"])).expect("base64");
        std::fs::write(file, bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    async fn try_eval(&self, script: &str) -> Result<Value, String> {
        let params = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.pipe.ask(Some(&self.session), "Runtime.evaluate", params).await?;
        match &answer["exceptionDetails"] {
            Value::Null => Ok(answer["result"]["value"].take()),
            details => Err(format!("{} {}", details["text"], details["exception"]["description"])),
        }
    }

    /// What somebody who mends a failure wants to see.
    async fn state(&self) -> String {
        let script = "location.href + '\\n' + document.title + '\\n' + document.body.innerText.slice(0, 1500)";
        let page = self.try_eval(script).await.unwrap_or_default();
        let complaints = self.complaints().join("\n");
        format!("the page is\n{}\nand complains of\n{complaints}", page.as_str().unwrap_or("not there"))
    }

    async fn loaded(&self, before: u64) {
        let mut loads = self.seen.loads.subscribe();
        let more = loads.wait_for(|loads| *loads > before);
        if tokio::time::timeout(DEADLINE, more).await.is_err() {
            panic!("no page was loaded: {}", self.state().await);
        }
    }

    pub(crate) async fn must(&self, method: &str, params: Value) -> Value {
        self.pipe.must(Some(&self.session), method, params).await
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        self.pipe.tell(None, "Target.disposeBrowserContext", json!({ "browserContextId": self.context }));
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
