//! The files of the Terraform CLI that name hosts and tokens: the CLI configuration and what `terraform login` wrote.
//!
//! Source of the file names and of their order: the CLI's documentation. A file that is not there says nothing; one
//! that cannot be read is skipped as well, because Terraform has already complained about it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::hcl1;

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
        let read = if text.trim_start().starts_with('{') { serde_json::from_str(text).ok() } else { hcl1::parse(text) };
        self.add(&read.unwrap_or_default());
    }

    fn add(&mut self, value: &Value) {
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
