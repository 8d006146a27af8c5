use executor::{Answer, Counts, FailureKind, Operation, Output, ReadBlock, UpstreamOutputs, Work};

use crate::setting::{Heard, bad, env, good, outputs, plain, run, terraform};
use executor::{Backend, Stop, Variable};

const ONE: &str = "resource \"terraform_data\" \"a\" {\n  input = terraform.workspace\n}\noutput \"name\" {\n  value = terraform_data.a.output\n}\n";

#[tokio::test]
async fn a_resource_comes_stays_and_goes() {
    let first = run(&[("main.tf", ONE)]);
    let (planned, applied, log) = first.done().await;
    assert!(planned.has_changes);
    assert_eq!(planned.counts, Counts { additions: 1, ..Counts::default() });
    assert_eq!(applied.counts, planned.counts);
    let state = applied.state.unwrap();
    assert_eq!(outputs(&state)["name"]["value"], "production");
    let log = plain(&log);
    assert_eq!(log.matches("Initializing plugins and modules...\n").count(), 2);
    assert!(!log.contains("Terraform has been successfully initialized!"), "{log}");
    assert!(log.contains("# terraform_data.a will be created"), "{log}");
    assert!(log.contains(
        "\nApply complete! Resources: 1 added, 0 changed, 0 destroyed.\n\nOutputs:\n\nname = \"production\"\n"
    ));
    assert!(!log.contains("{\"@level\""), "{log}");

    let second = first.next(Some(state.clone()));
    let (planned, log) = second.plan().await;
    let planned = good(planned, &log);
    assert!(!planned.has_changes);
    assert_eq!(planned.counts, Counts::default());

    let mut third = first.next(Some(state));
    third.work.operation.destroy = true;
    let (planned, applied, log) = third.done().await;
    assert_eq!(planned.counts.destructions, 1);
    assert_eq!(applied.counts.destructions, 1);
    assert!(plain(&log).contains("Apply complete! Resources: 0 added, 0 changed, 1 destroyed."), "{log}");
}

#[tokio::test]
async fn a_workspace_named_default_keeps_its_state_too() {
    let mut first = run(&[("main.tf", ONE)]);
    first.work.names.workspace = "default".into();
    let (_, applied, _) = first.done().await;
    let (planned, log) = first.next(applied.state).plan().await;
    assert!(!good(planned, &log).has_changes);
}

#[tokio::test]
async fn cloud_blocks_and_backends_are_replaced_and_strange_states_ignored() {
    for block in [
        "cloud {\n organization = \"x\"\n workspaces {\n tags = [\"a\"]\n }\n }",
        "backend \"s3\" {\n bucket = \"b\"\n key = \"k\"\n region = \"eu-west-1\"\n }",
        "backend \"remote\" {\n organization = \"x\"\n workspaces {\n prefix = \"a-\"\n }\n }",
    ] {
        let text = format!("terraform {{\n {block}\n}}\n{ONE}");
        let strange = r#"{"version":4,"serial":7,"lineage":"strange","outputs":{},"resources":[]}"#;
        let setting = run(&[
            ("main.tf", &text),
            ("terraform.tfstate", strange),
            ("terraform.tfstate.d/production/terraform.tfstate", strange),
            (".terraform/terraform.tfstate", r#"{"version":3,"backend":{"type":"s3","config":{},"hash":1}}"#),
        ]);
        let (_, applied, _) = setting.done().await;
        let state = applied.state.unwrap();
        assert_eq!(outputs(&state)["name"]["value"], "production", "{block}");
        assert!(!String::from_utf8_lossy(&state).contains("strange"));
    }
}

#[tokio::test]
async fn a_backend_of_its_own_keeps_its_state_to_itself() {
    let kept = tempfile::tempdir().unwrap();
    let file = kept.path().join("own.tfstate");
    let text = format!("terraform {{\n backend \"local\" {{\n path = \"{}\"\n }}\n}}\n{ONE}", file.display());
    let mut setting = run(&[("main.tf", &text)]);
    setting.work.backend = Backend::Own;
    let (_, applied, _) = setting.done().await;
    assert!(applied.state.is_none());
    assert_eq!(applied.counts.additions, 1);
    assert!(file.exists());
}

#[tokio::test]
async fn structured_output_keeps_terraforms_lines_as_they_are() {
    let mut setting = run(&[("main.tf", ONE)]);
    setting.work.output = Output::Json;
    let (planned, _, log) = setting.done().await;
    let json_lines = log.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count();
    assert!(json_lines > 8, "{log}");
    let redacted: serde_json::Value = serde_json::from_slice(&planned.description.as_ref().unwrap().redacted).unwrap();
    assert_eq!(redacted["plan_format_version"], "1.2");
    assert!(
        redacted["provider_schemas"]["terraform.io/builtin/terraform"]["resource_schemas"]["terraform_data"]
            .is_object()
    );
}

#[tokio::test]
async fn an_apply_rebuilds_a_folder_that_is_gone() {
    let mut setting = run(&[("main.tf", ONE)]);
    let (planned, log) = setting.plan().await;
    setting.work.plan_file = good(planned, &log).plan_file;
    std::fs::remove_dir_all(&setting.work.folder).unwrap();
    let (applied, log) = setting.apply().await;
    assert_eq!(good(applied, &log).counts.additions, 1);
}

#[tokio::test]
async fn an_apply_is_never_begun_twice() {
    let setting = run(&[("main.tf", ONE)]);
    setting.done().await;
    for outcome in [setting.apply().await.0.err(), setting.plan().await.0.err()] {
        assert_eq!(
            outcome.unwrap().message,
            "The apply of this run was begun before. Start another run; what this one saved is in its folder."
        );
    }
}

#[tokio::test]
async fn a_resource_that_fails_leaves_the_others_saved() {
    let text = "resource \"terraform_data\" \"good\" {}\nresource \"terraform_data\" \"bad\" {\n  depends_on = [terraform_data.good]\n  provisioner \"local-exec\" {\n    command = \"echo words; exit 3\"\n  }\n}\n";
    let setting = run(&[("main.tf", text)]);
    let (planned, log) = setting.plan().await;
    good(planned, &log);
    let (applied, log) = setting.apply().await;
    let failure = bad(applied);
    assert_eq!(failure.kind, FailureKind::Terraform);
    let state = failure.recovery.state.unwrap();
    assert!(String::from_utf8_lossy(&state).contains("\"good\""));
    assert!(failure.recovery.unsaved.is_empty());
    assert!(failure.recovery.in_doubt.is_empty());
    let log = plain(&log);
    assert!(log.contains("terraform_data.bad (local-exec): words"), "{log}");
    assert!(log.contains("│ Error: local-exec provisioner error"), "{log}");
    assert!(log.contains("│   on main.tf line 4, in resource \"terraform_data\" \"bad\":"), "{log}");
}

#[tokio::test]
async fn variables_arrive_by_kind_and_precedence() {
    let text = "variable \"list\" {}\nvariable \"text\" {}\nvariable \"secret\" {\n  sensitive = true\n}\nvariable \"auto\" {}\noutput \"all\" {\n  value = [var.list, var.text, nonsensitive(var.secret), var.auto]\n}\n";
    let mut setting = run(&[("main.tf", text), ("x.auto.tfvars", "auto = \"from the archive\"\ntext = \"x\"\n")]);
    let tricky = "a \"quoted\" ${not} %{a} $${template} \\ \n end";
    setting.work.variables = vec![
        terraform("text", "first"),
        terraform("text", tricky),
        Variable { hcl: true, ..terraform("list", "[\n  1, # one\n  { a = \"b\" },\n] # end") },
        Variable { sensitive: true, ..terraform("secret", "s3cret") },
        terraform("undeclared", "x"),
    ];
    let (_, applied, log) = setting.done().await;
    assert_eq!(
        outputs(&applied.state.unwrap())["all"]["value"],
        serde_json::json!([[1, {"a": "b"}], tricky, "s3cret", "from the archive"])
    );
    assert!(!log.contains("undeclared"), "{log}");
}

#[tokio::test]
async fn upstream_outputs_answer_in_root_and_called_modules() {
    let block = "data \"terraform_remote_state\" \"up\" {\n  backend   = \"s3\"\n  workspace = \"other\"\n  defaults  = { spare = \"d\" }\n  config    = { bucket = \"b\", key = \"k\", region = \"r\" }\n}\n";
    let root = format!(
        "{block}module \"one\" {{\n  source = \"./modules/m\"\n}}\nmodule \"two\" {{\n  source = \"./modules/m\"\n}}\noutput \"all\" {{\n  value = [data.terraform_remote_state.up.outputs.v, data.terraform_remote_state.up.outputs.spare, module.one.v, module.two.v]\n}}\n"
    );
    let module = "data \"terraform_remote_state\" \"far\" {\n  for_each = toset([\"x\"])\n  backend = \"remote\"\n  config = { organization = \"o\", workspaces = { name = each.key } }\n}\noutput \"v\" {\n  value = data.terraform_remote_state.far[\"x\"].outputs.v\n}\n";
    let mut setting = run(&[("root/main.tf", &root), ("root/modules/m/main.tf", module)]);
    setting.work.working_directory = "root".into();
    let state = |value: &str| {
        bytes::Bytes::from(format!(
            r#"{{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"u","outputs":{{"v":{{"value":"{value}","type":"string"}}}},"resources":[]}}"#
        ))
    };
    setting.work.upstream_outputs = vec![
        UpstreamOutputs {
            module: "root".into(),
            block: ReadBlock::RemoteState,
            name: "up".into(),
            instance: None,
            answer: Answer::State(state("near")),
        },
        UpstreamOutputs {
            module: "root/modules/m".into(),
            block: ReadBlock::RemoteState,
            name: "far".into(),
            instance: None,
            answer: Answer::State(state("far")),
        },
    ];
    let (_, applied, _) = setting.done().await;
    assert_eq!(outputs(&applied.state.unwrap())["all"]["value"], serde_json::json!(["near", "d", "far", "far"]));
}

#[tokio::test]
async fn upstream_outputs_answer_a_block_with_for_each_by_key() {
    let text = "data \"terraform_remote_state\" \"up\" {\n  for_each = toset([\"u1\", \"u2\"])\n  backend  = \"local\"\n  config   = { path = \"../${each.key}/terraform.tfstate\" }\n}\noutput \"all\" {\n  value = [for up in data.terraform_remote_state.up : up.outputs.v]\n}\n";
    let mut setting = run(&[("main.tf", text)]);
    let of = |instance: &str| UpstreamOutputs {
        module: String::new(),
        block: ReadBlock::RemoteState,
        name: "up".into(),
        instance: Some(instance.into()),
        answer: Answer::State(bytes::Bytes::from(format!(
            r#"{{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"u","outputs":{{"v":{{"value":"of {instance}","type":"string"}}}},"resources":[]}}"#
        ))),
    };
    setting.work.upstream_outputs = vec![of("u1"), of("u2")];
    let (_, applied, _) = setting.done().await;
    assert_eq!(outputs(&applied.state.unwrap())["all"]["value"], serde_json::json!(["of u1", "of u2"]));
}

#[tokio::test]
async fn an_interrupted_apply_saves_what_it_did() {
    let text = "resource \"terraform_data\" \"first\" {}\nresource \"terraform_data\" \"slow\" {\n  depends_on = [terraform_data.first]\n  provisioner \"local-exec\" {\n    command = \"echo waiting; sleep 1000\"\n  }\n}\n";
    let setting = run(&[("main.tf", text)]);
    let (planned, log) = setting.plan().await;
    good(planned, &log);
    let (heard, stop) = (Heard::new(), Stop::new());
    let work: Work = setting.work.clone();
    let applying = tokio::spawn({
        let (heard, stop) = (heard.clone(), stop.clone());
        async move { executor::apply(&work, heard, stop).await }
    });
    heard.until("(local-exec):\u{1b}[0m waiting").await;
    stop.interrupt();
    stop.interrupt();
    let failure = bad(applying.await.unwrap());
    assert_eq!(failure.kind, FailureKind::Canceled);
    assert_eq!(failure.message, "`apply` was interrupted.");
    assert!(String::from_utf8_lossy(&failure.recovery.state.unwrap()).contains("\"first\""));
    assert!(!heard.snapshots.lock().unwrap().is_empty());
    assert!(executor::leftover(&setting.work.folder).is_none());
}

#[tokio::test]
async fn targets_replacements_and_refreshes_are_passed_on() {
    let text = "resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" {}\n";
    let mut setting = run(&[("main.tf", text)]);
    setting.work.operation =
        Operation { refresh: true, targets: vec!["terraform_data.a".into()], ..Operation::default() };
    let (planned, applied, _) = setting.done().await;
    assert_eq!(planned.counts.additions, 1);
    let mut next = setting.next(applied.state);
    next.work.operation = Operation {
        refresh: false,
        targets: vec!["terraform_data.a".into()],
        replaces: vec!["terraform_data.a".into()],
        ..Operation::default()
    };
    let (planned, log) = next.plan().await;
    let counts = good(planned, &log).counts;
    assert_eq!((counts.additions, counts.destructions), (1, 1));
    next.work.operation = Operation { refresh: true, refresh_only: true, ..Operation::default() };
    let (planned, log) = next.plan().await;
    assert!(!good(planned, &log).has_changes);
}

#[tokio::test]
async fn an_environment_variable_reaches_the_provisioners() {
    let text = "resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {\n    command = \"echo $GREETING from $TFC_WORKSPACE_SLUG\"\n  }\n}\n";
    let mut setting = run(&[("main.tf", text)]);
    setting.work.variables = vec![env("GREETING", "hello")];
    let (_, _, log) = setting.done().await;
    assert!(plain(&log).contains("(local-exec): hello from acme/production"), "{log}");
}

#[tokio::test]
async fn outputs_read_as_terraform_itself_prints_them() {
    let text = r#"
output "text" { value = "a\"b\\c $${x}" }
output "lines" { value = "a\nb\n" }
output "lines_without_end" { value = { inside = ["a\nb"] } }
output "end_only" { value = "a\n" }
output "number" { value = 1.5 }
output "large" { value = 123456789012345678901234567890 }
output "yes" { value = true }
output "nothing" { value = tostring(null) }
output "list" { value = tolist(["a", "b"]) }
output "set" { value = toset([1, 2]) }
output "map" { value = tomap({ "a b" = [], c = ["x"] }) }
output "object" { value = { "a b" = {}, c = null, d_1 = tomap({}) } }
output "tuple" { value = [[], [1, "x", { y = false }]] }
output "secret" {
  value     = "s3cret"
  sensitive = true
}
"#;
    let setting = run(&[("main.tf", text)]);
    let (_, _, log) = setting.done().await;
    let printed = std::process::Command::new("terraform")
        .args(["output", "-no-color"])
        .current_dir(setting.work.folder.join("source"))
        .env("TF_WORKSPACE", "production")
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .output()
        .unwrap();
    let log = plain(&log);
    let (_, shown) = log.split_once("Outputs:\n\n").unwrap();
    assert_eq!(shown, String::from_utf8(printed.stdout).unwrap());
}

#[tokio::test]
async fn a_run_knows_its_own_name_where_it_asks_for_it() {
    let text = "variable \"TFC_WORKSPACE_NAME\" {}\nvariable \"TFC_RUN_ID\" {}\noutput \"all\" {\n  value = [var.TFC_WORKSPACE_NAME, var.TFC_RUN_ID]\n}\n";
    let (_, applied, _) = run(&[("main.tf", text)]).done().await;
    assert_eq!(
        outputs(&applied.state.unwrap())["all"]["value"],
        serde_json::json!(["production", "run-fSX576JZGENVaeMi"])
    );
}

/// Takes nothing before it is let.
struct Slow {
    heard: std::sync::Arc<Heard>,
    open: tokio::sync::Semaphore,
}

#[async_trait::async_trait]
impl executor::Upstream for Slow {
    async fn log(&self, bytes: bytes::Bytes) {
        self.heard.log(bytes).await;
    }

    async fn snapshot(&self, state: bytes::Bytes) {
        let _let = self.open.acquire().await.unwrap();
        self.heard.snapshot(state).await;
    }
}

#[tokio::test]
async fn a_slow_receiver_gets_fewer_states_and_holds_up_nothing() {
    use executor::Upstream;
    let text = "resource \"terraform_data\" \"many\" {\n  count = 30\n}\n";
    let setting = run(&[("main.tf", text)]);
    let (planned, log) = setting.plan().await;
    good(planned, &log);
    let slow = std::sync::Arc::new(Slow { heard: Heard::new(), open: tokio::sync::Semaphore::new(0) });
    let upstream: std::sync::Arc<dyn Upstream> = slow.clone();
    let work = setting.work.clone();
    let applying = tokio::spawn(async move { executor::apply(&work, upstream, Stop::new()).await });
    slow.heard.until("Apply complete!").await;
    slow.open.add_permits(1);
    let applied = good(applying.await.unwrap(), &slow.heard.text());
    assert_eq!(applied.counts.additions, 30);
    assert!(slow.heard.snapshots.lock().unwrap().len() <= 2);
}
