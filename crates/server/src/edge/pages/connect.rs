//! [`Connect`]: the lines that connect a terminal to this server.

use askama::Template;

use crate::edge::Here;

/// The lines for an organization: the shell's, the code's, and the first command.
#[derive(Debug, Clone, Template)]
#[template(path = "edge/pages/connect.html")]
pub struct Connect {
    /// Name and port, as terraform writes a host.
    host: String,
    organization: String,
    /// Terraform speaks TLS alone to a host that it is told by name.
    tls: bool,
}

impl Connect {
    /// For the server that was asked and one of its organizations.
    pub fn to(here: &Here, organization: &str) -> Self {
        let (scheme, host) = here.origin.split_once("://").unwrap_or(("http", &here.origin));
        Self { host: host.to_owned(), organization: organization.to_owned(), tls: scheme == "https" }
    }

    /// The variable in which terraform looks for the host's token; none for a host with a port or other letters, which
    /// no variable can name.
    fn variable(&self) -> Option<String> {
        let plain = self.host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
        plain.then(|| format!("TF_TOKEN_{}", self.host.replace('-', "__").replace('.', "_")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_of_a_token_is_named_as_terraform_looks_for_it() {
        let connect = |origin: &str| Connect::to(&Here::at(origin), "acme");
        let variable = |origin: &str| connect(origin).variable();
        assert_eq!(variable("https://tf.my-site.example").as_deref(), Some("TF_TOKEN_tf_my__site_example"));
        assert_eq!(variable("https://tf.example:8443"), None);
        assert!(connect("https://tf.example").tls && !connect("http://localhost:8080").tls);
    }
}
