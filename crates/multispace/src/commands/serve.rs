//! `multispace serve`: the engine behind the HCP Terraform API v2. Loopback unless told otherwise.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use domain::Problem;
use domain::reach::Allowed;
use server::{Engine, Options, Tls};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::data::GivenKeys;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::mirror::{self, Source};
use crate::new_file::NewFile;
use crate::remote::nearby::{CLI_CONFIGURATION, CONNECTION, Connection, data_dir};
use crate::stack::session;

use super::walls::Walls;

/// What of this process's environment the terraform of a run may see. A server runs other people's code: nothing of its
/// owner's is passed on.
const PASSED_ON: [&str; 13] = [
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "ALL_PROXY",
];

#[derive(Args)]
pub(super) struct Arguments {
    /// Folder for database, state, logs and keys [default: $XDG_DATA_HOME/multispace or ~/.local/share/multispace]
    #[arg(long, value_name = "DIR", env = "MULTISPACE_DATA_DIR")]
    data_dir: Option<PathBuf>,

    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// How clients reach this server, where that is not what it listens on
    #[arg(long, value_name = "URL")]
    address: Option<String>,

    /// Certificate chain, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// Private key, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Listen on other than loopback without TLS: tokens and state travel in clear
    #[arg(long)]
    insecure_http: bool,

    /// Organization that is made at the start, if it is not there
    #[arg(long, value_name = "NAME", default_value = "main")]
    organization: String,

    /// How many runs of an organization may be under way at once, for new organizations
    #[arg(long, value_name = "N", default_value_t = session::CONCURRENCY, value_parser = clap::value_parser!(u32).range(1..=1000))]
    concurrency: u32,

    /// The terraform or tofu to run
    #[arg(long, value_name = "PATH", env = "MULTISPACE_TERRAFORM", default_value = "terraform")]
    terraform: PathBuf,

    /// Folder with one executable per version, for workspaces that ask for a version
    #[arg(long, value_name = "DIR", env = "MULTISPACE_TERRAFORM_VERSIONS")]
    terraform_versions: Option<PathBuf>,

    /// Terraform CLI configuration that every run starts from: provider mirrors, caches
    #[arg(long, value_name = "FILE")]
    cli_config: Option<PathBuf>,

    /// Give runs our Terraform provider also where they ask for this one: hashicorp/tfe
    #[arg(long, value_name = "NAMESPACE/TYPE[@VERSION]")]
    stand_in: Vec<Source>,

    /// The Terraform provider's executable, for runs [default: terraform-provider-multispace beside this one]
    #[arg(long, value_name = "FILE", env = "MULTISPACE_PROVIDER")]
    provider: Option<PathBuf>,

    /// Folder of this machine below which workspaces may read git repositories; may be given more than once
    #[arg(long, value_name = "DIR")]
    git_local: Vec<PathBuf>,

    /// Host or network that is not public and that repositories may be fetched from all the same: `git.corp.example`, `10.0.0.0/8`; may be
    /// given more than once
    #[arg(long, value_name = "HOST|CIDR")]
    allow_fetch: Vec<Allowed>,

    /// Requests a second that one token, or one address without any, may make; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = rate)]
    rate_limit: u32,

    /// PostgreSQL database to use instead of SQLite in the data folder (a URL)
    #[arg(long, value_name = "URL", env = "MULTISPACE_DATABASE", hide_env_values = true)]
    database: Option<String>,

    /// Room in MB that is kept on the disk of the data folder for states, or three times the largest state; without it nothing is applied
    #[arg(long, value_name = "MB", default_value_t = 256)]
    disk_reserve: u32,

    #[command(flatten)]
    keys: GivenKeys,

    #[command(flatten)]
    walls: Walls,
}

/// A limit that leaves terraform and its provider something: they take a part of what they are told.
fn rate(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(rate @ (0 | 10..)) => Ok(rate),
        Ok(_) => Err("terraform needs 10 at least; 0 is no limit".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn run(console: &Console, arguments: Arguments) -> Result<Exit, Failure> {
    // Whatever the server makes is its owner's alone.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    super::start_tracing("warn");
    super::block_on(serve(console, arguments))
}

async fn serve(console: &Console, arguments: Arguments) -> Result<Exit, Failure> {
    refuse_in_clear(&arguments)?;
    domain::names::organization_name(&arguments.organization)?;
    let cli_config = arguments.cli_config.as_deref().map(read).transpose()?.unwrap_or_default();
    session::find_terraform(&arguments.terraform)?;
    let listener = bind(arguments.listen).await?;
    let local = listener.local_addr().unwrap_or(arguments.listen);
    let mut interrupts = Interrupts::listen(console)?;

    let data = data_dir(arguments.data_dir.as_deref())?;
    let cli_config = with_provider(console, &cli_config, &data, &arguments)?;
    let connection = Connection { address: address(&arguments, local), organization: arguments.organization.clone() };
    let sandbox = arguments.walls.sandbox(console, &data, &connection.address, &cli_config).await?;
    let options = Options {
        database: arguments.database,
        keys: Some(arguments.keys.of(&data)),
        terraform: arguments.terraform,
        terraform_versions: arguments.terraform_versions,
        environment: PASSED_ON
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
            .collect(),
        cli_config: cli_config.clone(),
        git_local: arguments.git_local,
        allow_fetch: arguments.allow_fetch,
        run_limit: arguments.concurrency,
        rate_limit: arguments.rate_limit,
        sandbox,
        keeper: std::env::current_exe().ok(),
        disk_reserve: Some(u64::from(arguments.disk_reserve) * 1024 * 1024),
        address: Some(connection.address.clone()),
        ..Options::new(&data)
    };
    let engine = Engine::open(options).await?;
    let tls = arguments.tls_cert.zip(arguments.tls_key).map(|(certificate, key)| Tls { certificate, key });
    let scheme = if tls.is_some() { "https" } else { "http" };
    let served = async {
        engine.ensure_organization(&connection.organization).await?;
        let is_first = !data.join(CONNECTION).exists();
        let blocks = engine.connection().await?;
        write(&data.join(CLI_CONFIGURATION), &format!("{cli_config}\n{blocks}"))?;
        write(&data.join(CONNECTION), &format!("{}\n", serde_json::json!(connection)))?;
        let env = match arguments.data_dir {
            Some(_) => format!("multispace env --data-dir {}", data.display()),
            None => "multispace env".to_owned(),
        };
        console.say(&format!("listening on {scheme}://{local}"));
        console.say(&format!("to use it from a shell: eval \"$({env})\""));
        let page = if is_first { "/app/start" } else { "" };
        console.say(&format!("to look at it in a browser: {}{page}", connection.address));
        let stop = CancellationToken::new();
        let serving = server::serve(&engine, listener, tls, stop.clone());
        tokio::pin!(serving);
        tokio::select! {
            ended = &mut serving => return ended,
            () = interrupts.first() => {}
        }
        console.say("stopping: runs are interrupted and their state saved (Ctrl-C again ends at once)");
        stop.cancel();
        // Clients that follow a log would keep their connection as long as the run lasts.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), serving).await;
        Ok(())
    };
    let served = served.await;
    engine.close().await;
    served?;
    Ok(Exit::Done)
}

/// The CLI configuration with our provider in it, which is put into the data folder: a run needs no set-up to start runs.
fn with_provider(console: &Console, cli_config: &str, data: &Path, arguments: &Arguments) -> Result<String, Problem> {
    let executable = match mirror::executable(arguments.provider.as_deref()) {
        Err(problem) if arguments.provider.is_none() && arguments.stand_in.is_empty() => {
            console.notice(&format!("runs are not given the Terraform provider: {}", problem.message));
            return Ok(cli_config.to_owned());
        }
        found => found?,
    };
    let folder = data.join("providers");
    let sources = [Source::ours(), arguments.stand_in.clone()].concat();
    let addresses = mirror::install(&executable, &folder, &sources)?;
    configuration::with_mirror(cli_config, &folder, &addresses)
}

/// A public address without TLS, unless told otherwise.
fn refuse_in_clear(arguments: &Arguments) -> Result<(), Problem> {
    let is_safe = arguments.listen.ip().is_loopback() || arguments.tls_cert.is_some() || arguments.insecure_http;
    if is_safe {
        return Ok(());
    }
    let message = format!("{} is not a loopback address, and there is no certificate.", arguments.listen);
    Err(Problem::invalid("serve/insecure", message)
        .advice("Give --tls-cert and --tls-key, or --insecure-http if something in front of it does TLS."))
}

async fn bind(listen: SocketAddr) -> Result<TcpListener, Problem> {
    TcpListener::bind(listen).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => Problem::conflict("serve/port", format!("{listen} is in use."))
            .advice("Stop what listens there, or give another port with --listen."),
        _ => Problem::invalid("serve/listen", format!("{listen} cannot be listened on: {error}."))
            .advice("Give an address of this machine and a port that you may use to --listen."),
    })
}

/// Terraform wants a name, not a number: loopback is called `localhost`.
fn address(arguments: &Arguments, local: SocketAddr) -> String {
    let scheme = if arguments.tls_cert.is_some() { "https" } else { "http" };
    match &arguments.address {
        Some(address) => address.trim_end_matches('/').to_owned(),
        None if local.ip().is_loopback() => format!("{scheme}://localhost:{}", local.port()),
        None => format!("{scheme}://{local}"),
    }
}

fn read(file: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(file).map_err(|error| {
        Problem::invalid("serve/cli-config", format!("{} cannot be read: {error}.", file.display()))
            .advice("Give --cli-config a file with terraform's CLI configuration.")
    })
}

fn write(file: &Path, text: &str) -> Result<(), Problem> {
    let failed = |error: std::io::Error| {
        Problem::invalid("serve/data-dir", format!("{} cannot be written: {error}.", file.display()))
            .advice("Give --data-dir a folder that may be written to.")
    };
    NewFile::begin(file, 0o600).map_err(failed)?.finish(text.as_bytes()).map_err(failed)
}
