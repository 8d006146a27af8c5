//! What other people's code is taken, from where, and under which licence: what `deny.toml` says, which `cargo deny` reads as well.
//!
//! `cargo deny check bans licenses sources` answers the same questions. It takes longer to build than everything else that a change must
//! pass, so the parts of its file that are used here are checked here. Advisories are left to it: they need a database of their own.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use semver::{Version, VersionReq};
use serde_json::Value;
use spdx::{Expression, Licensee, ParseMode};
use toml_edit::{DocumentMut, TableLike};

use super::Violation;
use crate::{process, tree};

const FILE: &str = "deny.toml";

pub(super) fn check() -> Result<Vec<Violation>> {
    let file = tree::root().join(FILE);
    let rules = Rules::read(&tree::read(&file)?)?;
    let metadata =
        process::output(process::cargo().args(["metadata", "--format-version", "1", "--locked", "--all-features"]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata")?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    if packages.len() < 2 {
        bail!("cargo metadata names {} packages", packages.len());
    }
    let found = packages.iter().map(|package| rules.broken_by(package)).collect::<Result<Vec<_>>>()?;
    let broken = found.into_iter().flatten();
    Ok(broken.map(|(what, advice)| Violation::new(&file, 0, what, advice)).collect())
}

/// What of `deny.toml` is heeded.
struct Rules {
    licenses: Vec<Licensee>,
    banned: Vec<(String, VersionReq)>,
    registry: String,
}

/// What breaks a rule, and what to do about it.
type Broken = (String, String);

impl Rules {
    /// A key that is not understood is an error: it would be a rule that nobody checks.
    fn read(text: &str) -> Result<Self> {
        let document: DocumentMut = text.parse().context(FILE)?;
        let table = |name: &str| -> Result<&dyn TableLike> {
            document.get(name).and_then(|it| it.as_table_like()).with_context(|| format!("{FILE} has no [{name}]"))
        };
        let only = |name: &str, known: &[&str]| -> Result<()> {
            let unknown: Vec<_> = table(name)?.iter().map(|(key, _)| key.to_owned()).collect();
            match unknown.iter().find(|key| !known.contains(&key.as_str())) {
                Some(key) => bail!("{FILE}: nothing checks `{name}.{key}`"),
                None => Ok(()),
            }
        };
        only("licenses", &["allow", "private"])?;
        only("bans", &["multiple-versions", "wildcards", "allow-wildcard-paths", "deny"])?;
        only("sources", &["unknown-registry", "unknown-git"])?;
        let is = |name: &str, key: &str, wanted: &str| -> Result<()> {
            match table(name)?.get(key).and_then(|it| it.as_str()) {
                Some(found) if found == wanted => Ok(()),
                found => bail!("{FILE}: {name}.{key} is {found:?}, and only {wanted:?} is checked"),
            }
        };
        is("bans", "multiple-versions", "allow")?;
        is("bans", "wildcards", "deny")?;
        is("sources", "unknown-registry", "deny")?;
        is("sources", "unknown-git", "deny")?;
        let list = |name: &str, key: &str| {
            table(name)?.get(key).and_then(|it| it.as_array()).with_context(|| format!("{FILE} has no {name}.{key}"))
        };
        let mut licenses = Vec::new();
        for license in list("licenses", "allow")? {
            let license = license.as_str().context("a licence is a text")?;
            licenses.push(Licensee::parse(license).map_err(|error| anyhow::anyhow!("{FILE}: {license}: {error}"))?);
        }
        let mut banned = Vec::new();
        for ban in list("bans", "deny")? {
            let krate = ban.as_inline_table().and_then(|it| it.get("crate")).and_then(|it| it.as_str());
            let krate = krate.context("a ban is { crate = \"NAME:VERSIONS\" }")?;
            let (name, versions) = krate.split_once(':').unwrap_or((krate, "*"));
            banned.push((name.to_owned(), versions.parse().with_context(|| format!("{FILE}: {krate}"))?));
        }
        Ok(Self { licenses, banned, registry: "registry+https://github.com/rust-lang/crates.io-index".to_owned() })
    }

    fn broken_by(&self, package: &Value) -> Result<Vec<Broken>> {
        let name = package["name"].as_str().context("a package has a name")?;
        let version: Version = package["version"].as_str().context("a package has a version")?.parse()?;
        let shown = format!("{name} {version}");
        let mut broken = Vec::new();
        for (banned, versions) in &self.banned {
            if banned == name && versions.matches(&version) {
                broken.push((
                    format!("{shown} is banned"),
                    "take the crate out; `cargo tree -i` says who wants it".into(),
                ));
            }
        }
        match package["source"].as_str() {
            // A crate of this repository, which is never published.
            None => broken.extend(wildcards(name, package)),
            Some(source) if source == self.registry => broken.extend(self.license(&shown, package)),
            Some(source) => broken.push((format!("{shown} comes from {source}"), "take it from crates.io".into())),
        }
        Ok(broken)
    }

    fn license(&self, shown: &str, package: &Value) -> Option<Broken> {
        let Some(license) = package["license"].as_str() else {
            return Some((format!("{shown} names no licence"), "take another crate".into()));
        };
        // Older crates write a slash for "or".
        let expression = match Expression::parse_mode(license, ParseMode::LAX) {
            Ok(expression) => expression,
            Err(error) => {
                return Some((format!("the licence of {shown} cannot be read: {error}"), "take another crate".into()));
            }
        };
        let is_allowed = expression.evaluate(|wanted| self.licenses.iter().any(|license| license.satisfies(wanted)));
        (!is_allowed).then(|| {
            (
                format!("the licence of {shown} is {license}"),
                format!("take another crate, or allow it in {FILE} and say why"),
            )
        })
    }
}

/// Crates that one of ours wants in any version whatever; our own are named by their folders.
fn wildcards(name: &str, package: &Value) -> Vec<Broken> {
    let wanted = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let any: BTreeSet<&str> = wanted
        .iter()
        .filter(|it| it["req"] == "*" && it["path"].is_null())
        .filter_map(|it| it["name"].as_str())
        .collect();
    let advice = || "name the version that the code was written against".to_owned();
    any.into_iter().map(|it| (format!("{name} takes any version of {it}"), advice())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn rules() -> Rules {
        Rules::read(&tree::read(&tree::root().join(FILE)).unwrap()).unwrap()
    }

    fn broken(package: Value) -> Vec<String> {
        rules().broken_by(&package).unwrap().into_iter().map(|(what, _)| what).collect()
    }

    #[test]
    fn a_licence_is_allowed_when_one_of_its_choices_is() {
        let of =
            |license: Value| broken(json!({ "name": "a", "version": "1.0.0", "source": REGISTRY, "license": license }));
        for license in
            ["MIT", "MIT/Apache-2.0", "LGPL-2.1-or-later OR MIT", "Apache-2.0 WITH LLVM-exception", "MIT AND ISC"]
        {
            assert!(of(json!(license)).is_empty(), "{license}");
        }
        for license in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "AGPL-3.0-or-later", "no licence at all"] {
            assert_eq!(of(json!(license)).len(), 1, "{license}");
        }
        assert_eq!(of(Value::Null), ["a 1.0.0 names no licence"]);
    }

    #[test]
    fn a_banned_crate_is_found_by_its_version() {
        let of = |name: &str, version: &str| {
            broken(json!({ "name": name, "version": version, "source": REGISTRY, "license": "MIT" }))
        };
        assert_eq!(of("openssl-sys", "0.9.1"), ["openssl-sys 0.9.1 is banned"]);
        assert_eq!(of("reqwest", "0.12.9"), ["reqwest 0.12.9 is banned"]);
        assert!(of("reqwest", "0.13.0").is_empty() && of("openssl", "1.0.0").is_empty());
    }

    #[test]
    fn code_comes_from_the_registry_and_in_a_version_that_is_named() {
        let git = json!({ "name": "a", "version": "1.0.0", "source": "git+https://example.com/a", "license": "MIT" });
        assert_eq!(broken(git), ["a 1.0.0 comes from git+https://example.com/a"]);
        let wanted =
            json!([{ "name": "x", "req": "*", "path": null }, { "name": "ours", "req": "*", "path": "/ours" }]);
        let own = json!({ "name": "a", "version": "1.0.0", "source": null, "dependencies": wanted });
        assert_eq!(broken(own), ["a takes any version of x"]);
    }

    #[test]
    fn a_rule_that_nobody_checks_is_an_error() {
        let text = tree::read(&tree::root().join(FILE)).unwrap();
        assert!(Rules::read(&text.replace("wildcards = \"deny\"", "wildcards = \"warn\"")).is_err());
        assert!(Rules::read(&text.replace("[sources]", "[sources]\nrequired-git-spec = \"rev\"")).is_err());
    }
}
