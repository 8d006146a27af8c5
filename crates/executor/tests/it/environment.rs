use std::collections::BTreeSet;

use crate::setting::{outputs, run};

#[tokio::test]
async fn nothing_of_our_own_environment_is_visible_to_terraform() {
    // The test runner's own variables are the canary: there are dozens of them, and cargo always sets this one.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let text = "output \"seen\" {\n  value = split(\"\\u0000\", file(\"/proc/self/environ\"))\n}\n";
    let setting = run(&[("main.tf", text)]);
    let (_, applied, _) = setting.done().await;
    let seen = outputs(&applied.state.unwrap())["seen"]["value"].clone();
    let names: BTreeSet<&str> = seen
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry.as_str()?.split_once('=').map(|(name, _)| name))
        .collect();
    let expected = BTreeSet::from([
        "CHECKPOINT_DISABLE",
        "GIT_TERMINAL_PROMPT",
        "GOGC",
        "HOME",
        "PATH",
        "TFC_PROJECT_NAME",
        "TFC_RUN_ID",
        "TFC_WORKSPACE_NAME",
        "TFC_WORKSPACE_SLUG",
        "TF_CLI_CONFIG_FILE",
        "TF_INPUT",
        "TF_IN_AUTOMATION",
        "TF_WORKSPACE",
        "TMPDIR",
    ]);
    assert_eq!(names, expected);
}

#[tokio::test]
async fn the_folder_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mut setting = run(&[("main.tf", "")]);
    setting.work.cli_config = "# nothing\n".to_owned();
    setting.done().await;
    let mode = |name: &str| std::fs::metadata(setting.work.folder.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(""), 0o700);
    for file in ["cli.tfrc", "variables.tfvars", "plan.json", "phase.json", "log/plan"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}
