//! A folder with a configuration, and the real `terraform` in it.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::double::Double;

/// The built provider.
pub const PROVIDER: &str = env!("CARGO_BIN_EXE_terraform-provider-multispace");

pub struct Ground {
    folder: tempfile::TempDir,
    pub double: Double,
}

impl Ground {
    /// A folder with this configuration, in which `hashicorp/tfe` is our provider and `acme` the organization.
    pub fn new(configuration: &str) -> Self {
        let ground = Self { folder: tempfile::tempdir().unwrap(), double: Double::start() };
        let plugins = ground.path().join("plugins");
        std::fs::create_dir(&plugins).unwrap();
        symlink(PROVIDER, plugins.join("terraform-provider-tfe")).unwrap();
        ground.install(&format!("dev_overrides {{ \"hashicorp/tfe\" = \"{}\" }}\n direct {{}}", plugins.display()));
        ground.write(configuration);
        ground
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn root(&self) -> PathBuf {
        self.path().join("root")
    }

    /// Sets how Terraform finds providers.
    pub fn install(&self, how: &str) {
        let port = self.double.port;
        let text = format!(
            "provider_installation {{\n {how}\n}}\n\
             host \"localhost:{port}\" {{\n services = {{ \"tfe.v2\" = \"http://127.0.0.1:{port}/api/v2/\" }}\n}}\n\
             credentials \"localhost:{port}\" {{\n token = \"secret\"\n}}\n"
        );
        std::fs::write(self.path().join("rc"), text).unwrap();
    }

    /// Writes the configuration.
    pub fn write(&self, configuration: &str) {
        std::fs::create_dir_all(self.root()).unwrap();
        std::fs::write(self.root().join("main.tf"), configuration).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("terraform");
        command.args(arguments).current_dir(self.root()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.path()).env("TMPDIR", self.path());
        command.env("TF_CLI_CONFIG_FILE", self.path().join("rc")).env("CHECKPOINT_DISABLE", "1");
        command.env("TFE_HOSTNAME", format!("localhost:{}", self.double.port)).env("TFE_ORGANIZATION", "acme");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> (bool, String) {
        said(&self.command(arguments).output().unwrap())
    }

    /// What Terraform says when it succeeds.
    pub fn succeeds(&self, arguments: &[&str]) -> String {
        let (ok, text) = self.run(arguments);
        assert!(ok, "{arguments:?} failed: {text}\ncalls: {:#?}", self.double.world().calls);
        text
    }

    /// What Terraform says when it fails.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let (ok, text) = self.run(arguments);
        assert!(!ok, "{arguments:?} succeeded: {text}");
        text
    }

    pub fn apply(&self) -> String {
        self.succeeds(&APPLY)
    }

    pub fn destroy(&self) -> String {
        self.succeeds(&["destroy", "-auto-approve", "-no-color", "-input=false"])
    }

    /// A state that was written by somebody else.
    pub fn put_state(&self, kind: &str, version: u64, attributes: &serde_json::Value) {
        let provider = "provider[\"registry.terraform.io/hashicorp/tfe\"]";
        let state = serde_json::json!({ "version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "other", "outputs": {},
            "resources": [{ "mode": "managed", "type": kind, "name": "x", "provider": provider,
                "instances": [{ "schema_version": version, "attributes": attributes }] }] });
        std::fs::write(self.root().join("terraform.tfstate"), state.to_string()).unwrap();
    }

    /// Starts an apply and does not wait for it.
    pub fn start_apply(&self) -> Child {
        self.command(&APPLY).spawn().unwrap()
    }

    /// The attributes of the one resource in the state; null when there is none.
    pub fn state(&self) -> serde_json::Value {
        let text = std::fs::read_to_string(self.root().join("terraform.tfstate")).unwrap_or_default();
        let state: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        state["resources"][0]["instances"][0].clone()
    }
}

/// A plan that fails when there is anything to do.
pub const PLAN: [&str; 3] = ["plan", "-no-color", "-detailed-exitcode"];
pub const APPLY: [&str; 4] = ["apply", "-auto-approve", "-no-color", "-input=false"];

/// What Ctrl-C sends.
pub fn interrupt(process: u32) {
    assert!(Command::new("kill").args(["-INT", &process.to_string()]).status().unwrap().success());
}

/// What Ctrl-C in a terminal sends to a process and all it started.
pub fn interrupt_group(leader: u32) {
    assert!(Command::new("kill").args(["-INT", "--", &format!("-{leader}")]).status().unwrap().success());
}

/// Whether it succeeded, and all it said on one line, without the frame of diagnostics.
pub fn said(output: &Output) -> (bool, String) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&text).replace(['│', '╷', '╵'], " ");
    (output.status.success(), text.split_whitespace().collect::<Vec<_>>().join(" "))
}
