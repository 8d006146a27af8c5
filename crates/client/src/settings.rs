//! Which host to talk to, and as whom.
//!
//! Order for the token, as the `hashicorp/tfe` provider has it: argument, `TFE_TOKEN`, `TF_TOKEN_<host>`, CLI
//! configuration, what `terraform login` wrote.

use domain::{Fault, Problem};

use crate::cli_config::CliConfig;

/// Host when nobody names one.
pub const USUAL_HOST: &str = "app.terraform.io";

/// Arguments of the `provider` block; what is `None` comes from elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// `host` or `host:port`.
    pub hostname: Option<String>,
    /// An API token.
    pub token: Option<String>,
    /// Organization of resources that name none.
    pub organization: Option<String>,
    /// Whether certificates go unchecked.
    pub ssl_skip_verify: Option<bool>,
}

/// What a [`crate::Client`] needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `host` or `host:port`, in lower case.
    pub hostname: String,
    /// The API token.
    pub token: String,
    /// Organization of resources that name none.
    pub organization: Option<String>,
    /// Whether certificates go unchecked.
    pub ssl_skip_verify: bool,
    /// Scheme, host and port, where they are known without asking the host (`http://127.0.0.1:18080`).
    pub origin: Option<String>,
    /// The token of the run of this host in which the process runs, whoever `token` is.
    pub run_token: Option<String>,
}

impl Settings {
    /// Completes the arguments from the environment and the files it leads to. `var` reads an environment variable.
    ///
    /// # Errors
    /// `client/no-token` when no token is found anywhere; `client/address` when an address cannot be read.
    pub fn resolve(given: Given, var: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problem> {
        let var = |name: &str| var(name).filter(|value| !value.is_empty());
        let files = CliConfig::load(&var);
        let address = var("TFE_ADDRESS").filter(|_| given.hostname.is_none()).map(|url| origin_of(&url)).transpose()?;
        let host_of = |origin: &String| origin.split_once("://").map(|(_, host)| host.to_owned());
        let hostname = given.hostname.or_else(|| address.as_ref().and_then(host_of));
        let hostname = hostname.or_else(|| var("TFE_HOSTNAME")).unwrap_or_else(|| USUAL_HOST.to_owned()).to_lowercase();
        if hostname.contains('/') || hostname.contains(char::is_whitespace) {
            return Err(Problem::invalid("client/address", format!("\"{hostname}\" is not a hostname."))
                .advice("Give a host, and a port where there is one, without a scheme and a path."));
        }
        let services = files.services.get(&hostname);
        let service = ["tfe.v2.2", "tfe.v2.1", "tfe.v2"].iter().find_map(|name| services?.get(*name));
        let origin = match (address, service) {
            (Some(address), _) => Some(address),
            (None, Some(url)) => Some(origin_of(url)?),
            (None, None) => None,
        };
        let token = given.token.filter(|token| !token.is_empty()).or_else(|| var("TFE_TOKEN"));
        let token = token.or_else(|| var(&token_variable(&hostname))).or_else(|| files.tokens.get(&hostname).cloned());
        let token = token.ok_or_else(|| {
            Problem::new(
                Fault::Unauthorized,
                "client/no-token",
                format!("required token could not be found for {hostname}."),
            )
            .advice("Set the token argument of the provider, TFE_TOKEN, or run terraform login.")
        })?;
        let skip = || {
            var("TFE_SSL_SKIP_VERIFY")
                .is_some_and(|value| matches!(value.as_str(), "1" | "t" | "true" | "TRUE" | "True"))
        };
        // Another host must not learn it, whichever provider block names that host.
        let is_of_this_host =
            |_: &String| var("MULTISPACE_RUN_HOST").is_some_and(|host| host.to_lowercase() == hostname);
        let run_token = var("MULTISPACE_RUN_TOKEN").filter(is_of_this_host);
        Ok(Self {
            hostname,
            token,
            organization: given.organization.filter(|name| !name.is_empty()).or_else(|| var("TFE_ORGANIZATION")),
            ssl_skip_verify: given.ssl_skip_verify.unwrap_or_else(skip),
            origin,
            run_token,
        })
    }
}

/// Name of the variable that holds a host's token: dots are underscores and dashes two of them.
fn token_variable(hostname: &str) -> String {
    format!("TF_TOKEN_{}", hostname.replace('-', "__").replace('.', "_"))
}

/// Scheme, host and port of an address.
pub(crate) fn origin_of(url: &str) -> Result<String, Problem> {
    let parsed = reqwest::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let parsed = parsed.ok_or_else(|| {
        Problem::invalid("client/address", format!("\"{}\" is not an address of an API.", url.escape_debug()))
            .advice("Give an address that begins with https:// or http://.")
    })?;
    Ok(parsed.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(given: Given, vars: &[(&str, &str)]) -> Result<Settings, Problem> {
        Settings::resolve(given, &|name| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_argument_wins_over_the_environment() {
        let given =
            Given { hostname: Some("tfe.example.com".into()), token: Some("argument".into()), ..Given::default() };
        let settings = resolve(given, &[("TFE_HOSTNAME", "other"), ("TFE_TOKEN", "variable")]).unwrap();
        assert_eq!((settings.hostname.as_str(), settings.token.as_str()), ("tfe.example.com", "argument"));
        assert_eq!(settings.origin, None);
    }

    #[test]
    fn without_a_token_the_problem_says_where_one_is_looked_for() {
        let problem = resolve(Given::default(), &[]).unwrap_err();
        assert!(problem.message.contains("required token could not be found for app.terraform.io"), "{problem}");
        assert!(problem.advice.contains("terraform login"), "{problem}");
    }

    #[test]
    fn a_host_override_of_the_cli_configuration_allows_plain_http() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rc");
        let text = "host \"localhost:8\" {\n services = { \"tfe.v2\" = \"http://127.0.0.1:8/api/v2/\" }\n}\n\
                    credentials \"localhost:8\" {\n token = \"t\"\n}\n";
        std::fs::write(&file, text).unwrap();
        let vars = [("TF_CLI_CONFIG_FILE", file.to_str().unwrap()), ("TFE_HOSTNAME", "localhost:8")];
        let settings = resolve(Given::default(), &vars).unwrap();
        assert_eq!(settings.origin.as_deref(), Some("http://127.0.0.1:8"));
        assert_eq!(settings.token, "t");
    }

    #[test]
    fn a_token_variable_spells_dots_and_dashes_as_the_cli_does() {
        assert_eq!(token_variable("my-tfe.example.com"), "TF_TOKEN_my__tfe_example_com");
        let settings = resolve(Given::default(), &[("TF_TOKEN_app_terraform_io", "t")]).unwrap();
        assert_eq!(settings.token, "t");
    }

    #[test]
    fn the_token_of_a_run_is_for_the_host_of_that_run_alone() {
        let vars = [("TFE_TOKEN", "t"), ("MULTISPACE_RUN_TOKEN", "of the run"), ("MULTISPACE_RUN_HOST", "Here:8080")];
        let at = |host: &str| {
            resolve(Given { hostname: Some(host.to_owned()), ..Given::default() }, &vars).unwrap().run_token
        };
        assert_eq!(at("here:8080").as_deref(), Some("of the run"));
        assert_eq!(at("here"), None);
        assert_eq!(at("elsewhere:8080"), None);
        let unnamed = resolve(Given::default(), &vars[..2]).unwrap();
        assert_eq!(unnamed.run_token, None);
    }

    #[test]
    fn an_address_says_host_and_scheme_at_once() {
        let settings =
            resolve(Given::default(), &[("TFE_ADDRESS", "http://127.0.0.1:9/"), ("TFE_TOKEN", "t")]).unwrap();
        assert_eq!(
            (settings.hostname.as_str(), settings.origin.as_deref()),
            ("127.0.0.1:9", Some("http://127.0.0.1:9"))
        );
    }
}
