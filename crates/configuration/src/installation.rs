//! Where Terraform finds providers: the `provider_installation` block of its CLI configuration.
//!
//! Source of the rules: the CLI's documentation. There may be one such block; every method in it that covers a provider is
//! asked, and the newest version found wins. So a mirror is only sure to be used if the other methods leave its providers
//! out. Absent: reading or writing the file.

use std::path::{Path, PathBuf};

use domain::Problem;
use hcl_edit::expr::{Array, Expression};
use hcl_edit::structure::{Attribute, Block, Body, Structure};
use hcl_edit::{Decorate, Ident};

/// Name of the block.
const INSTALLATION: &str = "provider_installation";

/// Whether a CLI configuration says for itself where providers come from, so that folders that Terraform would look
/// through by default are not looked through.
pub fn says_where_providers_are(cli_config: &str) -> bool {
    parse(cli_config).is_ok_and(|body| body.get_blocks(INSTALLATION).next().is_some())
}

/// The CLI configuration with the providers of these addresses (`registry.terraform.io/multispace/tfe`) taken from the
/// folder `mirror`, and from nowhere else. What else it says stays as it is.
///
/// # Errors
/// `configuration/cli` when the text is not HCL.
pub fn with_mirror(cli_config: &str, mirror: &Path, addresses: &[String]) -> Result<String, Problem> {
    let mut body = parse(cli_config)?;
    if body.get_blocks(INSTALLATION).next().is_none() {
        let mut installation = Block::new(Ident::new(INSTALLATION));
        installation.body = Body::builder().block(multiline("direct", Body::new())).build();
        body.push(installation);
    }
    let Some(installation) = body.get_blocks_mut(INSTALLATION).next() else { return Ok(body.to_string()) };
    let mut methods = Body::new();
    methods.push(from_folder(mirror, addresses));
    for method in installation.body.iter() {
        let mut method = method.clone();
        if let Structure::Block(block) = &mut method {
            leave_out(block, addresses);
        }
        methods.push(method);
    }
    installation.body = methods;
    Ok(body.to_string())
}

/// The folders of this machine that a CLI configuration names: mirrors, caches, providers that somebody builds.
///
/// Read as words and not as a document, because Terraform reads an older form of HCL here, in which names may be in quotes, and JSON.
pub fn folders_of_providers(cli_config: &str) -> Vec<PathBuf> {
    quoted(cli_config).filter(|(_, text)| text.starts_with('/')).map(|(_, text)| PathBuf::from(text)).collect()
}

/// The tokens that a CLI configuration has for hosts; read as [`folders_of_providers`] does.
pub fn tokens(cli_config: &str) -> Vec<String> {
    let is_token = |before: &str| before.trim_end_matches([' ', '\t', '=', ':', '"']).ends_with("token");
    quoted(cli_config).filter(|(before, _)| is_token(before)).map(|(_, text)| text.to_owned()).collect()
}

/// Texts in quotes, each with what is before it in its line.
fn quoted(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with(['#', '/']));
    lines.flat_map(|line| {
        let quotes: Vec<usize> = line.match_indices('"').map(|(at, _)| at).collect();
        let texts = quotes.chunks_exact(2).map(|pair| (&line[..pair[0]], &line[pair[0] + 1..pair[1]]));
        texts.collect::<Vec<_>>()
    })
}

fn parse(cli_config: &str) -> Result<Body, Problem> {
    hcl_edit::parser::parse_body(cli_config).map_err(|error| {
        Problem::invalid("configuration/cli", format!("The CLI configuration is not HCL: {}.", error.message()))
            .advice("Write it in HCL: providers for runs cannot be added to anything else.")
    })
}

fn from_folder(mirror: &Path, addresses: &[String]) -> Block {
    let mut body = Body::new();
    body.push(attribute("path", Expression::from(mirror.to_string_lossy().into_owned())));
    body.push(attribute("include", list(addresses)));
    multiline("filesystem_mirror", body)
}

/// Makes a method leave the addresses out, whatever it includes: what it excludes is stronger.
fn leave_out(method: &mut Block, addresses: &[String]) {
    // Development overrides are no method: they have nothing but addresses in them.
    if method.ident.as_str() == "dev_overrides" {
        return;
    }
    let mut body = Body::new();
    let mut excluded = None;
    for structure in method.body.iter() {
        match structure {
            Structure::Attribute(attribute) if attribute.key.as_str() == "exclude" => {
                excluded = attribute.value.as_array().cloned();
            }
            other => body.push(other.clone()),
        }
    }
    let mut excluded = excluded.unwrap_or_default();
    for address in addresses {
        excluded.push(Expression::from(address.as_str()));
    }
    body.push(attribute("exclude", Expression::Array(excluded)));
    body.decor_mut().set_suffix("  ");
    method.body = body;
}

fn list(addresses: &[String]) -> Expression {
    let mut list = Array::new();
    for address in addresses {
        list.push(Expression::from(address.as_str()));
    }
    Expression::Array(list)
}

fn attribute(name: &str, value: Expression) -> Attribute {
    let mut attribute = Attribute::new(Ident::new(name), value);
    attribute.decor_mut().set_prefix("    ");
    attribute
}

fn multiline(name: &str, body: Body) -> Block {
    let mut block = Block::new(Ident::new(name));
    block.body = body;
    block.body.decor_mut().set_suffix("  ");
    block.decor_mut().set_prefix("  ");
    block
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(cli_config: &str, expected: Expect) {
        let addresses = ["registry.terraform.io/multispace/tfe".to_owned()];
        expected.assert_eq(&with_mirror(cli_config, Path::new("/data/providers"), &addresses).unwrap());
    }

    #[test]
    fn every_folder_that_providers_come_from_is_named() {
        let text = "plugin_cache_dir = \"/cache\"\nprovider_installation {\n  dev_overrides {\n    \"a/b\" = \"/built\"\n  }\n  \
                    filesystem_mirror {\n    path = \"/mirror\"\n  }\n  network_mirror {\n    url = \"https://x/\"\n  }\n  direct {}\n}\n";
        assert_eq!(folders_of_providers(text), ["/cache", "/built", "/mirror"].map(PathBuf::from));
        assert!(folders_of_providers("# \"/not\"\n").is_empty());
    }

    #[test]
    fn every_token_is_found_in_either_form() {
        let text = "credentials \"a.example\" {\n  token = \"secret\"\n}\ndisable_checkpoint = true\n";
        assert_eq!(tokens(text), ["secret"]);
        assert_eq!(tokens(r#"{"credentials":{"a.example":{"token": "secret"}}}"#), ["secret"]);
    }

    #[test]
    fn without_a_block_there_is_one_that_takes_all_else_from_the_registry() {
        check(
            "disable_checkpoint = true\n",
            expect![[r#"
                disable_checkpoint = true
                provider_installation {
                  filesystem_mirror {
                    path = "/data/providers"
                    include = ["registry.terraform.io/multispace/tfe"]
                  }
                  direct {
                    exclude = ["registry.terraform.io/multispace/tfe"]
                  }
                }
            "#]],
        );
    }

    #[test]
    fn a_block_that_is_there_keeps_its_methods_and_they_leave_ours_out() {
        check(
            r#"
provider_installation {
  filesystem_mirror { path = "/opt/mirror" }
  network_mirror {
    url     = "https://mirror.example/"
    exclude = ["example.com/*/*"]
  }
  direct {
    include = ["registry.terraform.io/hashicorp/*"]
  }
}
credentials "app.terraform.io" { token = "x" }
"#,
            expect![[r#"

                provider_installation {
                  filesystem_mirror {
                    path = "/data/providers"
                    include = ["registry.terraform.io/multispace/tfe"]
                  }
                  filesystem_mirror {
                 path = "/opt/mirror" 
                    exclude = ["registry.terraform.io/multispace/tfe"]
                  }
                  network_mirror {
                    url     = "https://mirror.example/"
                    exclude = ["example.com/*/*", "registry.terraform.io/multispace/tfe"]
                  }
                  direct {
                    include = ["registry.terraform.io/hashicorp/*"]
                    exclude = ["registry.terraform.io/multispace/tfe"]
                  }
                }
                credentials "app.terraform.io" { token = "x" }
            "#]],
        );
    }

    #[test]
    fn what_is_not_hcl_is_refused_with_words() {
        let problem = with_mirror("{ \"a\": 1 }", Path::new("/p"), &[]).unwrap_err();
        assert_eq!(problem.code, "configuration/cli");
        assert!(!says_where_providers_are("plugin_cache_dir = \"/c\""));
        assert!(says_where_providers_are("provider_installation {\n}\n"));
    }
}
