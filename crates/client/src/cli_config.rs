//! The files of the Terraform CLI that name hosts and tokens: the CLI configuration and what `terraform login` wrote.
//!
//! Source of the file names and of their order: the CLI's documentation. A file that is not there says nothing; one
//! that cannot be read is skipped as well, because Terraform has already complained about it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Block, Body};
use serde_json::Value;

/// What the files say.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct CliConfig {
    /// Tokens by host.
    pub(crate) tokens: BTreeMap<String, String>,
    /// Addresses of services by host, as `host` blocks override them.
    pub(crate) services: BTreeMap<String, BTreeMap<String, String>>,
}

impl CliConfig {
    /// Reads the files that the environment leads to.
    pub(crate) fn load(var: &dyn Fn(&str) -> Option<String>) -> Self {
        let home = var("HOME").map(PathBuf::from);
        let named = var("TF_CLI_CONFIG_FILE").or_else(|| var("TERRAFORM_CONFIG")).filter(|path| !path.is_empty());
        let main = named.map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".terraformrc")));
        let login = home.map(|home| home.join(".terraform.d/credentials.tfrc.json"));
        let mut found = Self::default();
        for path in [login, main].into_iter().flatten() {
            if let Ok(text) = std::fs::read_to_string(&path) {
                found.read(&text);
            }
        }
        found
    }

    /// Adds what a file says; later files win.
    fn read(&mut self, text: &str) {
        if text.trim_start().starts_with('{') {
            if let Ok(value) = serde_json::from_str(text) {
                self.read_json(&value);
            }
        } else if let Ok(body) = text.parse::<Body>() {
            for block in body.get_blocks("credentials") {
                if let (Some(host), Some(token)) = (label(block), attribute(block, "token").and_then(text_of)) {
                    self.tokens.insert(host, token);
                }
            }
            for block in body.get_blocks("host") {
                if let (Some(host), Some(Expression::Object(services))) = (label(block), attribute(block, "services")) {
                    let pairs = services.iter().filter_map(|(key, value)| Some((key_of(key)?, text_of(value.expr())?)));
                    self.services.insert(host, pairs.collect());
                }
            }
        }
    }

    fn read_json(&mut self, value: &Value) {
        for (host, said) in value["credentials"].as_object().into_iter().flatten() {
            if let Some(token) = said["token"].as_str() {
                self.tokens.insert(host.to_lowercase(), token.to_owned());
            }
        }
        for (host, said) in value["host"].as_object().into_iter().flatten() {
            let pairs = said["services"].as_object().into_iter().flatten();
            let pairs = pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
            self.services.insert(host.to_lowercase(), pairs.collect());
        }
    }
}

fn label(block: &Block) -> Option<String> {
    block.labels.first().map(|label| label.as_str().to_lowercase())
}

fn attribute<'a>(block: &'a Block, name: &str) -> Option<&'a Expression> {
    block.body.get_attribute(name).map(|attribute| &attribute.value)
}

fn text_of(expression: &Expression) -> Option<String> {
    expression.as_str().map(str::to_owned)
}

fn key_of(key: &ObjectKey) -> Option<String> {
    match key {
        ObjectKey::Ident(name) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(expression) => text_of(expression),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_tokens_are_read_from_hcl() {
        let mut found = CliConfig::default();
        found.read(
            r#"
            credentials "Localhost:18080" { token = "secret" }
            host "localhost:18080" { services = { "tfe.v2" = "http://127.0.0.1:18080/api/v2/" } }
            provider_installation { direct {} }
            "#,
        );
        assert_eq!(found.tokens["localhost:18080"], "secret");
        assert_eq!(found.services["localhost:18080"]["tfe.v2"], "http://127.0.0.1:18080/api/v2/");
    }

    #[test]
    fn what_login_wrote_is_read_from_json() {
        let mut found = CliConfig::default();
        found.read(r#"{"credentials": {"app.terraform.io": {"token": "secret"}}}"#);
        assert_eq!(found.tokens["app.terraform.io"], "secret");
    }
}
