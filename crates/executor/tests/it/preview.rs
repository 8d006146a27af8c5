//! Plans on outputs that are only planned, against the plans that are made when those outputs are there.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::planned::{PlannedOutputs, PlannedValue};
use executor::{Answer, FailureKind, Operation, Planned, ReadBlock, UpstreamOutputs};
use serde_json::Value;

use crate::setting::{Setting, bad, good, plain, run};

/// An upstream as it is and as it will be, and what reads it.
struct Case {
    name: &'static str,
    /// The upstream when it was last applied; empty when it never was.
    was: &'static str,
    /// The upstream that is planned.
    up: &'static str,
    /// Files of the downstream.
    down: &'static [(&'static str, &'static str)],
    /// Folder, name and instance of the blocks that read it.
    blocks: &'static [(&'static str, &'static str, Option<&'static str>)],
}

const READ: &str =
    "data \"terraform_remote_state\" \"up\" {\n  backend = \"local\"\n  config  = { path = \"../up\" }\n}\n";
const ROOT: &[(&str, &str, Option<&str>)] = &[("", "up", None)];

fn answers(case: &Case, answer: &Answer) -> Vec<UpstreamOutputs> {
    let of = |(module, name, instance): &(&str, &str, Option<&str>)| UpstreamOutputs {
        module: (*module).to_owned(),
        block: ReadBlock::RemoteState,
        name: (*name).to_owned(),
        instance: instance.map(str::to_owned),
        answer: answer.clone(),
    };
    case.blocks.iter().map(of).collect()
}

fn scratch() -> Operation {
    Operation { refresh: true, scratch: true, ..Operation::default() }
}

/// What a plan does, by address: actions, and what is known of the value after.
fn changes(planned: &Planned) -> BTreeMap<String, (Value, Value, Value)> {
    let json: Value = serde_json::from_slice(&planned.description.as_ref().unwrap().json).unwrap();
    let changes = json["resource_changes"].as_array().cloned().unwrap_or_default();
    changes
        .into_iter()
        .filter(|change| change["mode"] == "managed")
        .map(|change| {
            let at = &change["change"];
            let address = change["address"].as_str().unwrap().to_owned();
            (address, (at["actions"].clone(), at["after"].clone(), at["after_unknown"].clone()))
        })
        .collect()
}

/// Whether what the preview knows is what came.
fn agrees(after: &Value, unknown: &Value, real: &Value) -> bool {
    match (unknown, after, real) {
        (Value::Bool(true), ..) => true,
        (Value::Array(marks), Value::Array(after), Value::Array(real)) => {
            after.len() == real.len()
                && after
                    .iter()
                    .zip(real)
                    .enumerate()
                    .all(|(at, (after, real))| agrees(after, marks.get(at).unwrap_or(&Value::Null), real))
        }
        (Value::Object(marks), Value::Object(after), Value::Object(real)) => real.iter().all(|(key, real)| {
            agrees(after.get(key).unwrap_or(&Value::Null), marks.get(key).unwrap_or(&Value::Null), real)
        }),
        _ => after == real,
    }
}

/// The upstream's planned outputs, and its state when it was applied; and the downstream's state before.
async fn upstream(case: &Case) -> (PlannedOutputs, Bytes, Option<Bytes>) {
    let mut up = run(&[("main.tf", case.up)]);
    let mut before = None;
    if !case.was.is_empty() {
        let (_, applied, _) = run(&[("main.tf", case.was)]).done().await;
        let mut down = run(case.down);
        down.work.upstream_outputs = answers(case, &Answer::State(applied.state.clone().unwrap()));
        before = down.done().await.1.state;
        up.work.state = applied.state;
    }
    up.work.operation = scratch();
    let (planned, log) = up.plan().await;
    let outputs = good(planned, &log).outputs;
    up.work.operation = Operation { refresh: true, described: true, ..Operation::default() };
    let (_, applied, _) = up.done().await;
    (outputs, applied.state.unwrap(), before)
}

fn downstream(case: &Case, answer: &Answer, before: Option<Bytes>, operation: Operation) -> Setting {
    let mut down = run(case.down);
    down.work.upstream_outputs = answers(case, answer);
    down.work.state = before;
    down.work.operation = operation;
    down
}

async fn check(case: &Case) {
    let (outputs, state, before) = upstream(case).await;
    let preview = downstream(case, &Answer::Planned(outputs), before.clone(), scratch());
    let (planned, log) = preview.plan().await;
    let planned = good(planned, &format!("{}\n{log}", case.name));
    assert!(planned.plan_file.is_none() && !preview.work.folder.join("scratch").exists(), "{}", case.name);
    assert!(!log.contains("multispace_remote_state"), "{}: {log}", case.name);

    let real = downstream(
        case,
        &Answer::State(state),
        before,
        Operation { refresh: true, described: true, ..Operation::default() },
    );
    let (real, real_log) = real.plan().await;
    let real = changes(&good(real, &format!("{}\n{real_log}", case.name)));
    let preview = changes(&planned);
    let actions = |changes: &BTreeMap<String, (Value, Value, Value)>| -> Vec<(String, Value)> {
        changes.iter().map(|(address, (actions, ..))| (address.clone(), actions.clone())).collect()
    };
    assert_eq!(actions(&preview), actions(&real), "{}\n{log}\n{real_log}", case.name);
    for (address, (_, after, unknown)) in &preview {
        let (_, real, _) = &real[address];
        assert!(agrees(after, unknown, real), "{}, {address}: {after} is not {real}", case.name);
    }
}

#[tokio::test]
async fn a_preview_says_what_the_plan_says_when_the_upstream_is_applied() {
    for case in CASES {
        check(case).await;
    }
}

const CASES: &[Case] = &[
    Case {
        name: "known and unknown",
        was: "",
        up: "resource \"terraform_data\" \"a\" {}\noutput \"id\" {\n  value = terraform_data.a.id\n}\noutput \"region\" {\n  value = \"eu\"\n}\n",
        down: &[
            ("read.tf", READ),
            (
                "main.tf",
                "resource \"terraform_data\" \"x\" {\n  input      = [data.terraform_remote_state.up.outputs.id, data.terraform_remote_state.up.outputs[\"region\"]]\n  depends_on = [data.terraform_remote_state.up]\n}\nresource \"terraform_data\" \"y\" {\n  count = data.terraform_remote_state.up.outputs.id == null ? 0 : 1\n  input = <<-EOT\n    ${data.terraform_remote_state.up.outputs.region}\n    ${data.terraform_remote_state.up.outputs.id}\n    %{for x in [data.terraform_remote_state.up.outputs.region]~}\n    ${x}\n    %{endfor~}\n  EOT\n}\n",
            ),
        ],
        blocks: ROOT,
    },
    Case {
        name: "a replaced upstream reaches an applied downstream",
        was: "resource \"terraform_data\" \"a\" {\n  triggers_replace = 1\n}\noutput \"id\" {\n  value = terraform_data.a.id\n}\noutput \"n\" {\n  value = 1\n}\n",
        up: "resource \"terraform_data\" \"a\" {\n  triggers_replace = 2\n}\noutput \"id\" {\n  value = terraform_data.a.id\n}\noutput \"n\" {\n  value = 1\n}\n",
        down: &[
            ("read.tf", READ),
            (
                "main.tf",
                "resource \"terraform_data\" \"same\" {\n  input = data.terraform_remote_state.up.outputs.n\n}\nresource \"terraform_data\" \"update\" {\n  input = data.terraform_remote_state.up.outputs.id\n}\nresource \"terraform_data\" \"replace\" {\n  triggers_replace = data.terraform_remote_state.up.outputs.id\n}\noutput \"id\" {\n  value = data.terraform_remote_state.up.outputs.id\n}\n",
            ),
        ],
        blocks: ROOT,
    },
    Case {
        name: "objects and lists with unknown parts",
        was: "",
        up: "resource \"terraform_data\" \"a\" {\n  count = 2\n}\noutput \"net\" {\n  value = {\n    id    = terraform_data.a[0].id\n    cidr  = \"10.0.0.0/8\"\n    zones = tolist([\"a\", \"b\"])\n    empty = tolist([])\n  }\n}\noutput \"ids\" {\n  value = terraform_data.a[*].id\n}\noutput \"by_name\" {\n  value = { for n, it in terraform_data.a : \"n${n}\" => it.id }\n}\noutput \"map\" {\n  value = tomap({ a = terraform_data.a[0].id, b = \"known\" })\n}\noutput \"set\" {\n  value = toset([\"x\", \"y\"])\n}\noutput \"name\" {\n  value = \"pre-${terraform_data.a[0].id}\"\n}\n",
        down: &[
            ("read.tf", READ),
            (
                "main.tf",
                "locals {\n  up = data.terraform_remote_state.up.outputs\n}\nresource \"terraform_data\" \"zone\" {\n  for_each = toset(local.up.net.zones)\n  input    = \"${each.key} ${local.up.net.id}\"\n}\nresource \"terraform_data\" \"id\" {\n  count = length(local.up.ids)\n  input = local.up.ids[count.index]\n}\nresource \"terraform_data\" \"by_name\" {\n  for_each = local.up.by_name\n  input    = each.value\n}\nresource \"terraform_data\" \"set\" {\n  for_each = local.up.set\n  input    = merge(local.up.map, { k = each.key, more = keys(local.up.map) })\n}\nresource \"terraform_data\" \"prefix\" {\n  count = startswith(local.up.name, \"pre-\") ? 2 : 1\n  input = [for x in local.up.ids : lookup(local.up.net, \"nothing\", x)]\n}\nresource \"terraform_data\" \"all\" {\n  input = [local.up, try(local.up.none, 1), local.up.net[*].cidr, values(local.up.map)]\n}\nresource \"terraform_data\" \"is_null\" {\n  count = local.up.net == null ? 0 : 1\n}\n",
            ),
        ],
        blocks: ROOT,
    },
    Case {
        name: "a module that is called twice",
        was: "",
        up: "resource \"terraform_data\" \"a\" {}\noutput \"id\" {\n  value = terraform_data.a.id\n}\noutput \"n\" {\n  value = [1, 2]\n}\n",
        down: &[
            (
                "main.tf",
                "module \"one\" {\n  source = \"./m\"\n}\nmodule \"many\" {\n  source   = \"./m\"\n  for_each = toset([\"a\", \"b\"])\n}\nresource \"terraform_data\" \"x\" {\n  count = length(module.one.n)\n  input = [module.one.id, module.many[\"a\"].id]\n}\n",
            ),
            ("m/read.tf", READ),
            (
                "m/main.tf",
                "resource \"terraform_data\" \"x\" {\n  count = length(data.terraform_remote_state.up.outputs.n)\n  input = data.terraform_remote_state.up.outputs.id\n}\noutput \"id\" {\n  value = terraform_data.x[0].output\n}\noutput \"n\" {\n  value = data.terraform_remote_state.up.outputs.n\n}\n",
            ),
        ],
        blocks: &[("m", "up", None)],
    },
    Case {
        name: "sensitive outputs",
        was: "output \"s\" {\n  value     = \"hush-old\"\n  sensitive = true\n}\noutput \"same\" {\n  value     = \"hush-same\"\n  sensitive = true\n}\n",
        up: "output \"s\" {\n  value     = \"hush-new\"\n  sensitive = true\n}\noutput \"same\" {\n  value     = \"hush-same\"\n  sensitive = true\n}\n",
        down: &[
            ("read.tf", READ),
            (
                "main.tf",
                "resource \"terraform_data\" \"x\" {\n  for_each = toset([data.terraform_remote_state.up.outputs.same])\n  input    = data.terraform_remote_state.up.outputs.s\n}\nresource \"terraform_data\" \"y\" {\n  input = data.terraform_remote_state.up.outputs.same\n}\n",
            ),
        ],
        blocks: ROOT,
    },
    Case {
        name: "defaults stand in for what the upstream lacks",
        was: "output \"a\" {\n  value = 1\n}\noutput \"b\" {\n  value = 2\n}\n",
        up: "resource \"terraform_data\" \"a\" {}\noutput \"a\" {\n  value = terraform_data.a.id\n}\noutput \"nothing\" {\n  value = null\n}\n",
        down: &[(
            "main.tf",
            "data \"terraform_remote_state\" \"up\" {\n  backend  = \"local\"\n  config   = { path = \"x\" }\n  defaults = { a = 7, b = 8, nothing = 9 }\n}\nresource \"terraform_data\" \"x\" {\n  for_each = data.terraform_remote_state.up.outputs\n  input    = each.value\n}\n",
        )],
        blocks: ROOT,
    },
    Case {
        name: "instances by key, all alike, and counted",
        was: "",
        up: "resource \"terraform_data\" \"a\" {}\noutput \"id\" {\n  value = terraform_data.a.id\n}\noutput \"on\" {\n  value = true\n}\n",
        down: &[(
            "main.tf",
            "data \"terraform_remote_state\" \"keyed\" {\n  for_each = toset([\"u1\", \"u2\"])\n  backend  = \"local\"\n  config   = { path = each.key }\n}\ndata \"terraform_remote_state\" \"alike\" {\n  for_each = { p = 1, q = 2 }\n  backend  = \"local\"\n  config   = { path = \"x\" }\n}\ndata \"terraform_remote_state\" \"some\" {\n  count   = data.terraform_remote_state.alike[\"p\"].outputs.on ? 1 : 0\n  backend = \"local\"\n  config  = { path = \"x\" }\n}\nresource \"terraform_data\" \"keyed\" {\n  for_each = data.terraform_remote_state.keyed\n  input    = each.value.outputs.id\n}\nresource \"terraform_data\" \"alike\" {\n  for_each = toset(keys(data.terraform_remote_state.alike))\n  input    = data.terraform_remote_state.alike[each.key].outputs.id\n}\nresource \"terraform_data\" \"some\" {\n  count = length(data.terraform_remote_state.some)\n  input = one(data.terraform_remote_state.some[*].outputs.id)\n}\n",
        )],
        blocks: &[("", "keyed", Some("u1")), ("", "keyed", Some("u2")), ("", "alike", None), ("", "some", None)],
    },
    Case {
        name: "JSON syntax",
        was: "",
        up: "resource \"terraform_data\" \"a\" {}\noutput \"id\" {\n  value = terraform_data.a.id\n}\noutput \"l\" {\n  value = [\"a\", \"b\"]\n}\n",
        down: &[(
            "main.tf.json",
            r#"{"data": {"terraform_remote_state": {"up": {"backend": "local", "config": {"path": "x"}}}},
                "resource": {"terraform_data": {"x": {"for_each": "${toset(data.terraform_remote_state.up.outputs.l)}",
                "input": "id ${data.terraform_remote_state.up.outputs.id}", "depends_on": ["data.terraform_remote_state.up"]}}}}"#,
        )],
        blocks: ROOT,
    },
];

const DEFERRED: Case = Case {
    name: "deferred",
    was: "",
    up: "resource \"terraform_data\" \"a\" {\n  input = tolist([\"a\"])\n}\noutput \"l\" {\n  value = terraform_data.a.output\n}\noutput \"other\" {\n  value = terraform_data.a.id\n}\n",
    down: &[
        ("read.tf", READ),
        (
            "main.tf",
            "resource \"terraform_data\" \"x\" {\n  for_each = toset(data.terraform_remote_state.up.outputs.l)\n  input = data.terraform_remote_state.up.outputs.other\n}\n",
        ),
    ],
    blocks: ROOT,
};

#[tokio::test]
async fn a_plan_that_terraform_cannot_make_with_an_unknown_is_deferred() {
    for text in [
        "resource \"terraform_data\" \"x\" {\n  for_each = toset(data.terraform_remote_state.up.outputs.l)\n}\n",
        "locals {\n  l = data.terraform_remote_state.up.outputs.l\n}\nresource \"terraform_data\" \"x\" {\n  count = length(local.l)\n}\n",
    ] {
        let (outputs, ..) = upstream(&DEFERRED).await;
        assert!(outputs["l"].has_unknown());
        let mut preview = downstream(&DEFERRED, &Answer::Planned(outputs), None, scratch());
        preview.work.source =
            executor::Source::Archive(crate::setting::archive(&[("read.tf", READ), ("main.tf", text)]));
        let (planned, log) = preview.plan().await;
        let failure = bad(planned);
        let FailureKind::Deferred(deferred) = &failure.kind else { panic!("{:?}\n{log}", failure.kind) };
        assert!(
            deferred.reason.contains(" in resource \"terraform_data\" \"x\", main.tf line "),
            "{}",
            deferred.reason
        );
        let mut names: Vec<_> = deferred.unknowns.iter().filter_map(|it| it.output.as_deref()).collect();
        names.retain(|name| *name != "other");
        assert_eq!(names, ["l"]);
        assert!(!log.contains("multispace_"), "{log}");
    }
}

#[tokio::test]
async fn an_output_that_the_upstream_removes_fails_as_it_will() {
    let case = Case {
        name: "removed",
        was: "output \"gone\" {\n  value = 1\n}\n",
        up: "resource \"terraform_data\" \"a\" {}\noutput \"id\" {\n  value = terraform_data.a.id\n}\n",
        down: &[
            ("read.tf", READ),
            ("main.tf", "output \"x\" {\n  value = data.terraform_remote_state.up.outputs.gone\n}\n"),
        ],
        blocks: ROOT,
    };
    let (outputs, state, before) = upstream(&case).await;
    let preview = downstream(&case, &Answer::Planned(outputs), before.clone(), scratch());
    let (planned, log) = preview.plan().await;
    assert_eq!(bad(planned).kind, FailureKind::Terraform, "{log}");
    let real = downstream(
        &case,
        &Answer::State(state),
        before,
        Operation { refresh: true, described: true, ..Operation::default() },
    );
    let (planned, real_log) = real.plan().await;
    assert_eq!(bad(planned).kind, FailureKind::Terraform);
    for log in [&log, &real_log] {
        assert!(plain(log).contains("Error: Unsupported attribute"), "{log}");
        assert!(plain(log).contains("value = data.terraform_remote_state.up.outputs.gone"), "{log}");
    }
}

#[tokio::test]
async fn a_sensitive_output_is_not_shown() {
    let case = Case {
        name: "hidden",
        was: "",
        up: "output \"s\" {\n  value     = \"hush \\\"now\\\"\"\n  sensitive = true\n}\n",
        down: &[
            ("read.tf", READ),
            ("main.tf", "resource \"terraform_data\" \"x\" {\n  input = data.terraform_remote_state.up.outputs.s\n}\n"),
        ],
        blocks: ROOT,
    };
    let (outputs, ..) = upstream(&case).await;
    let preview = downstream(&case, &Answer::Planned(outputs), None, scratch());
    let (planned, log) = preview.plan().await;
    let planned = good(planned, &log);
    assert!(!log.contains("hush") && log.contains("(sensitive value)"), "{log}");
    assert!(!String::from_utf8_lossy(&planned.description.unwrap().redacted).contains("hush"));
}

#[tokio::test]
async fn a_variable_that_is_planned_and_tfe_outputs_are_answered() {
    let value = |value| domain::planned::PlannedOutput { value, sensitive: false, ty: None };
    let outputs = PlannedOutputs::from([
        ("id".to_owned(), value(PlannedValue::unknown())),
        ("zones".to_owned(), value(PlannedValue::List(vec![PlannedValue::Text("a".into())]))),
    ]);
    let text = "terraform {\n  required_providers {\n    tfe = { source = \"hashicorp/tfe\" }\n  }\n}\nprovider \"tfe\" {}\nvariable \"ids\" {\n  type = map(string)\n}\ndata \"tfe_outputs\" \"net\" {\n  organization = \"acme\"\n  workspace    = \"net\"\n}\nresource \"terraform_data\" \"x\" {\n  for_each = var.ids\n  input    = \"${each.value} ${data.tfe_outputs.net.values.id}\"\n}\nresource \"terraform_data\" \"y\" {\n  count = length(data.tfe_outputs.net.nonsensitive_values.zones)\n  input = data.tfe_outputs.net.values\n}\n";
    let mut preview = run(&[("main.tf", text)]);
    preview.work.operation = scratch();
    preview.work.planned_variables = BTreeMap::from([(
        "ids".to_owned(),
        value(PlannedValue::Object(BTreeMap::from([("k".to_owned(), PlannedValue::unknown())]))),
    )]);
    preview.work.upstream_outputs = vec![UpstreamOutputs {
        module: String::new(),
        block: ReadBlock::TfeOutputs,
        name: "net".into(),
        instance: None,
        answer: Answer::Planned(outputs),
    }];
    let (planned, log) = preview.plan().await;
    let changes = changes(&good(planned, &log));
    assert_eq!(changes.keys().collect::<Vec<_>>(), ["terraform_data.x[\"k\"]", "terraform_data.y[0]"]);
    assert!(log.contains("(sensitive value)"), "{log}");

    preview.work.operation = Operation { refresh: true, described: true, ..Operation::default() };
    let failure = bad(preview.plan().await.0);
    assert_eq!(failure.kind, FailureKind::Executor);
    assert!(failure.message.contains("only planned"), "{}", failure.message);
}
