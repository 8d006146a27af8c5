//! How long the provider needs from its start to the line that tells Terraform where it listens, and how large it is.
//! Terraform starts a provider several times in each command.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{process, stopwatch, tree};

/// How often it is started.
const STARTS: usize = 40;
/// A certificate as Terraform gives one; nobody connects, so nobody has its key.
const CLIENT: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBfzCCASWgAwIBAgIUcQi/0S8kquLJD8u2oElSz4KPaNEwCgYIKoZIzj0EAwIw\n\
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDE4MTgyMFoYDzIxMjYxMDMx\n\
MTgxODIwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n\
PQMBBwNCAARPriG8+GjI1DV1v6UvtGrcpzr0LHMI06j5A4C+3VWG+wOastlXV9ZA\n\
9aeWFnkowYzAk+QKDb01nMxirkCFU2f+o1MwUTAdBgNVHQ4EFgQUaW8mz093G2Gw\n\
pf0taFR2NqYQpc8wHwYDVR0jBBgwFoAUaW8mz093G2Gwpf0taFR2NqYQpc8wDwYD\n\
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiABPoAooVbuGq1+5bW0zkR4\n\
3ssud2+RBykGj4y8zA/SpQIhANpAD7GJF/YuBejFOwxkiGzXXP98Vt3SKgx5+Hnh\n\
qJ8j\n\
-----END CERTIFICATE-----\n";

/// Measures and prints.
pub(crate) fn measure(quick: bool) -> Result<()> {
    let binary = built(quick)?;
    let mut times = (0..STARTS).map(|_| start(&binary)).collect::<Result<Vec<_>>>()?;
    times.sort();
    let shown = |at: usize| format!("{:.1} ms", times[at].as_secs_f64() * 1000.0);
    let size = std::fs::metadata(&binary)?.len() as f64 / 1e6;
    println!("\nthe provider, {STARTS} starts until it says where it listens");
    println!("  median   {:>10}", shown(STARTS / 2));
    println!("  slowest  {:>10}", shown(STARTS - 1));
    println!("  size     {size:>7.1} MB");
    Ok(())
}

fn built(quick: bool) -> Result<PathBuf> {
    let (profile, folder) = if quick { ("dev", "debug") } else { ("dist", "dist") };
    process::run(process::cargo().args(["build", "--quiet", "--profile", profile, "--package", "provider"]))?;
    Ok(tree::target().join(folder).join("terraform-provider-multispace"))
}

fn start(binary: &PathBuf) -> Result<std::time::Duration> {
    let mut command = Command::new(binary);
    command.env("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");
    command.env("PLUGIN_CLIENT_CERT", CLIENT).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut line = String::new();
    let (started, took) = stopwatch::time(|| -> Result<_> {
        let mut provider = command.spawn()?;
        let stdout = provider.stdout.take().context("the provider has a standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(provider)
    });
    let mut provider = started?;
    provider.kill()?;
    provider.wait()?;
    if !line.starts_with("1|6|unix|") {
        bail!("the provider did not say where it listens: {line:?}");
    }
    Ok(took)
}
