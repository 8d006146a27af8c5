//! A `multispace serve` to measure, on a free port.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::place::Bench;
use crate::process;

/// How long a server may take until it answers.
const DEADLINE: Duration = Duration::from_secs(60);

/// The server; killed when dropped.
pub(super) struct Server {
    process: Child,
    address: String,
}

impl Server {
    /// Starts it on a data folder and waits until it listens.
    pub(super) fn start(bench: &Bench, data: &Path) -> Result<Self> {
        let mut command = bench.clean(&bench.multispace);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().context("`multispace serve` could not be started")?;
        let errors = process.stderr.take().context("its errors are a pipe")?;
        let mut server = Self { process, address: String::new() };
        let mut lines = BufReader::new(errors);
        let mut said = String::new();
        while server.address.is_empty() {
            let before = said.len();
            if lines.read_line(&mut said)? == 0 {
                bail!("`multispace serve` ended before it listened:\n{}", said.trim_end());
            }
            if let Some((_, url)) = said[before..].split_once("listening on http://") {
                server.address = url.trim().trim_end_matches('/').to_owned();
            }
        }
        // What it says later must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Ok(server)
    }

    /// Where it listens: `127.0.0.1:PORT`.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Asks for a page, which must be there.
    pub(super) fn get(&self, path: &str) -> Result<String> {
        self.asked(path, "")
    }

    /// The same with more headers, each with its end of line.
    pub(super) fn asked(&self, path: &str, headers: &str) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n", self.address)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if !answer.starts_with("HTTP/1.1 200") {
            bail!("{path} was answered with {}", answer.lines().next().unwrap_or("nothing"));
        }
        Ok(answer)
    }

    /// What `multispace env` puts into a shell.
    pub(super) fn environment(&self, bench: &Bench, data: &Path) -> Result<BTreeMap<String, String>> {
        let printed = process::output(bench.clean(&bench.multispace).args(["env", "--data-dir"]).arg(data))?;
        let line = |line: &str| {
            let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
            Some((name.to_owned(), value.trim_matches('\'').to_owned()))
        };
        Ok(printed.lines().filter_map(line).collect())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
