//! The dependency lock file: which providers it selects, with the checksums of their packages.
//!
//! Source: Terraform's `depsfile`. Terraform compares a package with the checksums that its provider has there, if it has any.

use hcl_edit::structure::Body;

use crate::module::literal_text;

/// A provider in a lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// Host, namespace and name (`registry.terraform.io/hashicorp/aws`).
    pub address: [String; 3],
    /// The version that was selected.
    pub version: String,
    /// Checksums of packages of this version, each with its scheme (`h1:...`, `zh:...`); empty when nothing is compared.
    pub hashes: Vec<String>,
}

/// The providers of a lock file, in its order; `None` when it is not as Terraform writes it.
pub fn locked(text: &str) -> Option<Vec<Locked>> {
    let body: Body = hcl_edit::parser::parse_body(text).ok()?;
    body.get_blocks("provider")
        .map(|block| {
            let [label] = block.labels.as_slice() else { return None };
            let parts: Vec<String> = label.as_str().split('/').map(str::to_owned).collect();
            let address: [String; 3] = parts.try_into().ok()?;
            let version = literal_text(&block.body, "version")?;
            let hashes = match block.body.get_attribute("hashes") {
                Some(hashes) => {
                    let texts = hashes.value.as_array()?.iter().map(|hash| hash.as_str().map(str::to_owned));
                    texts.collect::<Option<Vec<_>>>()?
                }
                None => Vec::new(),
            };
            let is_a_name = |part: &String| is_plain(part);
            (address.iter().all(is_a_name) && is_plain(&version)).then_some(Locked { address, version, hashes })
        })
        .collect()
}

/// The same lock file without checksums; `None` when it cannot be read.
pub fn without_hashes(text: &str) -> Option<String> {
    let mut body: Body = hcl_edit::parser::parse_body(text).ok()?;
    for block in body.get_blocks_mut("provider") {
        block.body.remove_attribute("hashes");
    }
    Some(body.to_string())
}

/// Whether it may be the name of a folder, and of nothing but one.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"# This file is maintained automatically by "terraform init".

provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.100.0"
  constraints = "~> 5.0"
  hashes = [
    "h1:Ijt7pOlB7Tr7maGQIqtsLFbl7pSMIj06TVdkoSBcYOw=",
    "zh:054b8dd49f0549c9a7cc27d159e45327b7b65cf404da5e5a20da154b90b8a644",
  ]
}

provider "example.com/acme/bare" {
  version = "1.0.0"
}
"#;

    #[test]
    fn a_lock_file_says_which_packages_are_right() {
        let [aws, bare] = locked(LOCK).unwrap().try_into().unwrap();
        assert_eq!(aws.address.join("/"), "registry.terraform.io/hashicorp/aws");
        assert_eq!((aws.version.as_str(), aws.hashes.len()), ("5.100.0", 2));
        assert!(aws.hashes[0].starts_with("h1:"));
        assert_eq!((bare.address[2].as_str(), bare.hashes.len()), ("bare", 0));
        assert_eq!(locked("").unwrap(), []);
    }

    #[test]
    fn what_leads_to_another_folder_or_is_not_as_terraform_writes_it_is_no_lock_file() {
        let provider = |label: &str, rest: &str| format!("provider \"{label}\" {{\n{rest}\n}}\n");
        let version = "version = \"1.0.0\"";
        assert!(locked(&provider("a/b/c", version)).is_some());
        for text in [
            provider("a/b", version),
            provider("a/b/c/d", version),
            provider("a/../c", version),
            provider("a//c", version),
            provider("a/b/c", "version = \"../1\""),
            provider("a/b/c", "version = var.x"),
            provider("a/b/c", ""),
            provider("a/b/c", "version = \"1\"\nhashes = \"h1:x\""),
            provider("a/b/c", "version = \"1\"\nhashes = [1]"),
            "provider {".to_owned(),
        ] {
            assert_eq!(locked(&text), None, "{text}");
        }
    }

    #[test]
    fn only_the_checksums_are_taken_out() {
        let without = without_hashes(LOCK).unwrap();
        let expected = "# This file is maintained automatically by \"terraform init\".\n\nprovider \"registry.terraform.io/hashicorp/aws\" {\n  version     = \"5.100.0\"\n  constraints = \"~> 5.0\"\n}\n\nprovider \"example.com/acme/bare\" {\n  version = \"1.0.0\"\n}\n";
        assert_eq!(without, expected);
        let before = locked(LOCK).unwrap().into_iter().map(|it| Locked { hashes: Vec::new(), ..it });
        assert_eq!(locked(&without).unwrap(), before.collect::<Vec<_>>());
        assert_eq!(without_hashes(&without).unwrap(), without);
        assert_eq!(without_hashes("provider {"), None);
    }
}
