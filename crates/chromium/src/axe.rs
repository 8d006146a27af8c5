//! What axe-core finds in a page. `cargo xtask test` fetches it; it is put into the page as a person's developer tools would put
//! it there, past the page's policy.

use crate::tab::Tab;

/// Says where `axe.min.js` is; `cargo xtask test` sets it.
const FILE: &str = "MULTISPACE_TEST_AXE";

/// The success criteria of WCAG 2.2, level A and AA, and what axe-core recommends besides.
const RUN: &str = "axe.run(document, {
    resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
}).then((found) => found.violations.map((rule) =>
    `${rule.id} (${rule.impact}): ${rule.help}` + rule.nodes.slice(0, 5).map((node) =>
        `\\n    ${node.target.join(' ')}: ${node.html.slice(0, 200)}\\n      ${node.any.concat(node.all, node.none)
            .map((check) => check.message).join('; ')}`).join('')))";

impl Tab {
    /// What axe-core finds wrong in the page as it looks now: a rule and where it is broken.
    pub async fn violations(&self) -> Vec<String> {
        if self.eval("typeof window.axe").await != "object" {
            let file = std::env::var_os(FILE).unwrap_or_else(|| {
                panic!("{FILE} is not set: run the tests with `cargo xtask test`, which fetches axe-core")
            });
            let source = std::fs::read_to_string(&file).expect("axe-core can be read");
            self.eval(&format!("{source}; 1")).await;
        }
        let found = self.eval(RUN).await;
        found.as_array().into_iter().flatten().map(|rule| rule.as_str().unwrap_or_default().to_owned()).collect()
    }
}
