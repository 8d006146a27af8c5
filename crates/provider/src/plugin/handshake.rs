//! The cookie by which Terraform is known, and the line that tells it where to connect.

use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

const COOKIE: &str = "TF_PLUGIN_MAGIC_COOKIE";
const COOKIE_VALUE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// Whether Terraform started this process, rather than a person.
pub(super) fn is_terraform() -> bool {
    std::env::var(COOKIE).is_ok_and(|value| value == COOKIE_VALUE)
}

/// Terraform's certificate in PEM; `None` when it asks for no TLS.
pub(super) fn client_certificate() -> Option<String> {
    std::env::var("PLUGIN_CLIENT_CERT").ok().filter(|pem| !pem.is_empty())
}

/// Whether a debugger rather than Terraform keeps the process: no client certificate, and no wish to go without TLS.
/// Such a process outlives its connections, so that `TF_REATTACH_PROVIDERS` finds it again.
pub(super) fn is_reattached() -> bool {
    client_certificate().is_none() && std::env::var_os("TF_DISABLE_PLUGIN_TLS").is_none()
}

/// Says where to connect. Nothing may stand on stdout before this line.
///
/// # Errors
/// When stdout is closed.
pub(super) fn announce(socket: &Path, certificate: Option<&[u8]>) -> std::io::Result<()> {
    let certificate = certificate.map(|der| STANDARD_NO_PAD.encode(der)).unwrap_or_default();
    let multiplexed = if std::env::var_os("PLUGIN_MULTIPLEX_GRPC").is_some() { "|false" } else { "" };
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "1|6|unix|{}|grpc|{certificate}{multiplexed}", socket.display())?;
    stdout.flush()
}
