//! `terraform login` and `logout`, the stock ones, with a real browser between them and a server with TLS.

use std::path::Path;
use std::process::Command;

use chromium::Chromium;
use rcgen::CertifiedKey;

use crate::harness::child::{self, Running};
use crate::harness::path;
use crate::harness::server::multispace;

const PASSWORD: &str = "correct horse battery";

/// Terraform in a folder, with a home of its own and no configuration but its own.
fn terraform(home: &Path, folder: &Path, certificate: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("terraform");
    command.env_clear().current_dir(folder).args(args);
    command.env("PATH", path()).env("HOME", home).env("SSL_CERT_FILE", certificate).env("CHECKPOINT_DISABLE", "1");
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stock_terraform_login_in_a_real_headless_chromium_ends_with_a_working_token() {
    let home = tempfile::tempdir().unwrap();
    let (certificate, key) = (home.path().join("cert.pem"), home.path().join("key.pem"));
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&certificate, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    let data = home.path().join("data");
    let mut server = Running::start(
        multispace(home.path())
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data)
            .arg("--tls-cert")
            .arg(&certificate)
            .arg("--tls-key")
            .arg(&key),
    );
    let line = server.wait_for("listening on https://127.0.0.1:");
    let port = line.trim_end().rsplit(':').next().unwrap().to_owned();
    let host = format!("localhost:{port}");
    let token = std::fs::read_to_string(data.join("owner-token")).unwrap();

    // The owner sets a password, and signs out.
    let chromium = Chromium::start().await;
    let tab = chromium.tab().await;
    tab.trust_any_certificate().await;
    tab.goto(&format!("https://{host}/app/settings/account")).await;
    tab.fill("#token", token.trim()).await;
    tab.follow("button >> Sign in with a token").await;
    tab.fill("#password", PASSWORD).await;
    tab.fill("#again", PASSWORD).await;
    tab.follow("button >> Set the password").await;
    tab.follow("button >> Sign out").await;

    let folder = tempfile::tempdir().unwrap();
    // Terraform makes this folder when it asks for newer versions, and saves no token where it is not there.
    std::fs::create_dir(home.path().join(".terraform.d")).unwrap();
    let run = |args: &[&str]| terraform(home.path(), folder.path(), &certificate, args);
    let mut login = Running::start(&mut run(&["login", &host]));
    login.write("yes\n");
    let line = login.wait_for("/app/settings/authorize?");
    // Terraform prints the address by itself; what it starts to open a browser may say it too, in quotes.
    let start = line.find("https://").expect("an address");
    let address = line[start..].split(['\'', '"', ' ', '\n']).next().unwrap_or_default();
    tab.goto(address).await;
    tab.fill("#username", "owner").await;
    tab.fill("#password", PASSWORD).await;
    tab.follow("button >> Sign in").await;
    assert!(tab.shown().await.contains("Give terraform a token?"));
    tab.follow("button >> Give it a token").await;
    // Terraform closes its listener as soon as it has the code, at times before the browser has read what it says there.
    let led = tab.address().await;
    assert!(led.starts_with("http://localhost:") && led.contains("/login?code="), "{led}");
    login.finish().succeeds().says("Terraform has obtained and saved an API token");

    let stored = home.path().join(".terraform.d/credentials.tfrc.json");
    let credentials = std::fs::read_to_string(&stored).unwrap();
    assert!(credentials.contains(&host) && !credentials.contains(token.trim()), "a token of its own");
    let code = format!(
        "terraform {{\n  cloud {{\n    hostname = \"{host}\"\n    organization = \"main\"\n    \
         workspaces {{\n      name = \"logged-in\"\n    }}\n  }}\n}}\nresource \"terraform_data\" \"it\" {{}}\n"
    );
    std::fs::write(folder.path().join("main.tf"), code).unwrap();
    child::run(&mut run(&["init", "-no-color"]), "").succeeds();
    child::run(&mut run(&["apply", "-auto-approve", "-no-color"]), "").succeeds().says("Apply complete!");
    // The server says whose it is and when it ends.
    tab.goto(&format!("https://{host}/app/settings/tokens")).await;
    let shown = tab.shown().await;
    assert!(shown.contains("terraform login"), "{shown}");

    child::run(&mut run(&["logout", &host]), "").succeeds();
    assert!(!std::fs::read_to_string(&stored).unwrap_or_default().contains(&host));
    child::run(&mut run(&["plan", "-no-color"]), "").fails();
}
