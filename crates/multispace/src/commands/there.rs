//! `--host`: the same walk over workspaces of HCP Terraform, Terraform Enterprise or another `multispace serve`.

use bytes::Bytes;
use clap::Args;
use client::Settings;
use client::settings::Given;
use configuration::Limits;
use domain::{Fault, Problem};

use super::walk::{self, Asked, Prepared, Walked};
use crate::console::Console;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::stack::code::Code;
use crate::stack::drive::command;
use crate::stack::host::Host;
use crate::stack::host::remote::Remote;
use crate::stack::record::{Outcome, Record};
use crate::stack::{elsewhere, environment, inputs, leftovers, prepare};

/// Where the workspaces live, when not here.
#[derive(Args)]
pub(super) struct There {
    /// Walk the stack whose workspaces live on this server: HCP Terraform, Terraform Enterprise or another multispace serve
    #[arg(long, value_name = "HOST[:PORT]", help_heading = "Workspaces on a server")]
    host: Option<String>,

    /// Organization on that server [default: TF_CLOUD_ORGANIZATION or TFE_ORGANIZATION]
    #[arg(long, value_name = "NAME", requires = "host", help_heading = "Workspaces on a server")]
    organization: Option<String>,

    /// Project of the workspaces that have to be made [default: the organization's own]
    #[arg(long, value_name = "NAME", requires = "host", help_heading = "Workspaces on a server")]
    project: Option<String>,
}

impl There {
    /// Whether a server is named.
    pub(super) fn is_given(&self) -> bool {
        self.host.is_some()
    }
}

/// `None` when a person said no.
pub(super) async fn walk(
    console: &Console,
    asked: &Asked<'_>,
    there: &There,
    interrupts: &mut Interrupts,
) -> Result<Option<Walked>, Failure> {
    let Asked { direction, loaded, selected, wanted, .. } = *asked;
    let (settings, organization) = connect(there, &|name| std::env::var(name).ok())?;
    let hostname = settings.hostname.clone();
    elsewhere::check(loaded, selected, &hostname, &organization)?;
    let archive = Bytes::from(configuration::pack(&loaded.stack, &Limits::default())?);

    let remote = Remote::new(settings, organization, there.project.clone(), loaded, selected)?;
    let host = Host::Remote(Box::new(remote));
    let ready = interrupts.unless(prepare::prepare(&host, console, loaded, selected, &wanted.variables)).await?;
    let environment = environment::for_terraform(std::env::vars_os());
    let own = inputs::own(&host, loaded, &wanted.variables, &environment)?;
    let Host::Remote(remote) = &host else { return Ok(None) };
    say_prepared(console, remote, &hostname);
    interrupts.unless(remote.share()).await?;
    if let Some(begun_at) = remote.begin(command(direction), archive.clone())? {
        console.say(&format!("going on with the {} that began at {begun_at}", command(direction)));
    }
    interrupts.unless(leftovers::settle(&host, console)).await?;
    let walked =
        walk::over(&host, console, asked, Prepared { code: Code::whole(archive), ready, own }, interrupts).await?;
    if walked.as_ref().is_some_and(|walked| walked.records.iter().all(ended_well)) {
        remote.finish()?;
    }
    Ok(walked)
}

fn ended_well(record: &Record) -> bool {
    matches!(record.outcome, Outcome::Applied | Outcome::Destroyed | Outcome::Planned | Outcome::Unchanged)
}

fn say_prepared(console: &Console, remote: &Remote<'_>, hostname: &str) {
    let (made, of_repositories) = remote.told();
    if !made.is_empty() {
        console.say(&format!("made on {hostname}: {}", made.join(", ")));
    }
    for name in of_repositories {
        console.notice(&format!(
            "\"{name}\" is connected to a repository: its runs are of the newest commit there, not of the code here"
        ));
    }
}

/// Who to talk to and as whom, found where terraform finds it. A token in `TFE_TOKEN` is for the host that `TFE_ADDRESS`
/// or `TFE_HOSTNAME` names, and is sent to no other.
fn connect(there: &There, var: &dyn Fn(&str) -> Option<String>) -> Result<(Settings, String), Problem> {
    let hostname = there.host.clone().unwrap_or_default().to_lowercase();
    let address = var("TFE_ADDRESS").unwrap_or_default().to_lowercase();
    let of_address = address.split_once("://").map_or(address.as_str(), |(_, host)| host).trim_end_matches('/');
    let is_of_this_host = of_address == hostname || var("TFE_HOSTNAME").is_some_and(|it| it.to_lowercase() == hostname);
    let known = |name: &str| match name {
        "TFE_TOKEN" if !is_of_this_host => None,
        _ => var(name),
    };
    let given =
        Given { hostname: Some(hostname.clone()), organization: there.organization.clone(), ..Given::default() };
    let settings = Settings::resolve(given, &known).map_err(|problem| match problem.fault {
        Fault::Unauthorized => Problem::new(problem.fault, problem.code, format!("There is no token for {hostname}."))
            .advice(format!("Run terraform login {hostname}, or set TF_TOKEN_… for it.")),
        _ => problem,
    })?;
    let organization = there.organization.clone().or_else(|| var("TF_CLOUD_ORGANIZATION"));
    let organization = organization.or_else(|| settings.organization.clone()).filter(|name| !name.is_empty());
    let organization = organization.ok_or_else(|| {
        Problem::invalid("remote/organization", "No organization is named.")
            .advice("Give --organization, or set TF_CLOUD_ORGANIZATION.")
    })?;
    Ok((settings, organization))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connected(vars: &[(&str, &str)]) -> Result<(Settings, String), Problem> {
        let there = There { host: Some("TFE.example.com".into()), organization: None, project: None };
        connect(&there, &|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_token_of_another_host_is_not_sent() {
        let vars = [("TFE_TOKEN", "t"), ("TFE_HOSTNAME", "other.example.com"), ("TF_CLOUD_ORGANIZATION", "acme")];
        let problem = connected(&vars).unwrap_err();
        assert_eq!(problem.code, "client/no-token");
        assert!(problem.advice.contains("terraform login tfe.example.com"), "{problem}");
    }

    #[test]
    fn the_token_and_the_organization_are_those_that_terraform_would_take() {
        let vars = [("TF_TOKEN_tfe_example_com", "t"), ("TF_CLOUD_ORGANIZATION", "acme"), ("TFE_ORGANIZATION", "x")];
        let (settings, organization) = connected(&vars).unwrap();
        assert_eq!((settings.token.as_str(), settings.hostname.as_str()), ("t", "tfe.example.com"));
        assert_eq!(organization, "acme");
        let vars = [("TFE_TOKEN", "t"), ("TFE_ADDRESS", "https://tfe.example.com/"), ("TFE_ORGANIZATION", "x")];
        assert_eq!(connected(&vars).unwrap().1, "x");
        assert_eq!(connected(&vars[..2]).unwrap_err().code, "remote/organization");
    }
}
