//! Secrets are put wherever a user can put them, and come out of terraform in every way that a careless program has; they stand in nothing
//! that is shown or stored. Only a state has what the code itself writes into it, for those who may read the state.
//!
//! The control is the same code with the same values that nobody called sensitive: then they stand everywhere, so that whoever looks for them
//! here can find them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use serde_json::{Value, json};

use crate::harness::child;
use crate::harness::http;
use crate::harness::page::Person;
use crate::harness::server::{Server, multispace};

/// The secret of a kind: no two have six bytes in common but for their beginning, and all need escapes.
fn canary(kind: &str) -> String {
    let digest = kind
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{digest:016x}-<{kind}>&\"q/é+")
}

/// Ways out of a program, with `V` as the variable of the environment that has the secret.
const PRINTED: [(&str, &str); 13] = [
    ("raw", "printf '%s\\n' \"$V\""),
    ("in_a_text", "echo \"password=$V;\""),
    ("base64", "printf '%s' \"$V\" | base64 -w0"),
    ("base64_one", "printf 'u%s' \"$V\" | base64 -w0"),
    ("base64_two", "printf 'us%s' \"$V\" | base64 -w0"),
    (
        "base64_url",
        "python3 -c 'import base64, os; print(base64.urlsafe_b64encode((\"user:\"+os.environ[\"V\"]+\"@\").encode()).decode())'",
    ),
    (
        "percent",
        "python3 -c 'import os, urllib.parse; print(\"https://u:\" + urllib.parse.quote(os.environ[\"V\"], safe=\"\") + \"@h/\")'",
    ),
    ("form", "python3 -c 'import os, urllib.parse; print(urllib.parse.urlencode({\"p\": os.environ[\"V\"]}))'"),
    ("json", "python3 -c 'import json, os; print(json.dumps({\"p\": os.environ[\"V\"]}, ensure_ascii=False))'"),
    ("json_of_python", "python3 -c 'import json, os; print(json.dumps({\"p\": os.environ[\"V\"]}))'"),
    (
        "json_in_json",
        "python3 -c 'import json, os; print(json.dumps(json.dumps(os.environ[\"V\"], ensure_ascii=False), ensure_ascii=False))'",
    ),
    (
        "in_two_pieces",
        "python3 -c 'import os, sys, time; v = os.environ[\"V\"].encode(); out = sys.stdout.buffer; out.write(b\"x\" + v[:9]); out.flush(); time.sleep(0.3); out.write(v[9:] + b\"\\n\")'",
    ),
    ("on_standard_error", "printf '%s\\n' \"$V\" >&2"),
];

/// Ways out of the code itself.
const SHOWN: [(&str, &str); 6] = [
    ("output", "output \"output\" {\n  value = nonsensitive(var.output)\n}\n"),
    ("attribute", "resource \"terraform_data\" \"attribute\" {\n  input = { here = nonsensitive(var.attribute) }\n}\n"),
    (
        "key_of_for_each",
        "resource \"terraform_data\" \"each\" {\n  for_each = toset([nonsensitive(var.key_of_for_each)])\n}\n",
    ),
    ("jsonencode", "output \"jsonencode\" {\n  value = nonsensitive(jsonencode({ p = var.jsonencode }))\n}\n"),
    ("base64encode", "output \"base64encode\" {\n  value = nonsensitive(base64encode(\"u:${var.base64encode}\"))\n}\n"),
    ("urlencode", "output \"urlencode\" {\n  value = nonsensitive(urlencode(var.urlencode))\n}\n"),
];

/// Ways out of what goes wrong, each in a run that fails of it.
const WRONG: [(&str, &str); 2] = [
    (
        "error",
        "resource \"terraform_data\" \"error\" {\n  lifecycle {\n    precondition {\n      condition     = nonsensitive(var.error) == \"\"\n      error_message = \"not ${nonsensitive(var.error)}\"\n    }\n  }\n}\n",
    ),
    ("error_of_a_function", "output \"wrong\" {\n  value = tonumber(nonsensitive(var.error_of_a_function))\n}\n"),
];

/// What is given and never comes out of terraform: to the values of others, the server, and an output that is sensitive.
const KEPT: [&str; 4] = ["token_of_a_connection", "refused", "sensitive_output", "changed"];
/// The token of the owner, which is looked for as well.
const OWNER: &str = "token_of_the_owner";
/// The files in which that token is, by design, for the one user of this machine who may read them.
const OWNERS: [&str; 2] = ["data/owner-token", "data/cli.tfrc"];

/// Everything that was shown or stored, by where.
struct Sinks {
    all: BTreeMap<String, Vec<u8>>,
    owner: String,
}

/// Runs all of it on a server of its own.
fn sinks(sensitive: bool) -> Sinks {
    let mut server = Server::start();
    let mut sinks = Sinks { all: BTreeMap::new(), owner: server.token().to_owned() };
    give(&server, sensitive, &mut sinks);
    let declared = |kind: &str| format!("variable \"{kind}\" {{\n  sensitive = true\n}}\n");
    let mut code = declared("sensitive_output");
    code.push_str("output \"sensitive_output\" {\n  value     = var.sensitive_output\n  sensitive = true\n}\n");
    for (kind, _) in PRINTED {
        code.push_str(&format!(
            "resource \"terraform_data\" \"{kind}\" {{\n  provisioner \"local-exec\" {{\n    command = \"sh {kind}.sh\"\n  }}\n}}\n"
        ));
    }
    let commands = server.shared().join("commands");
    code.push_str(&format!(
        "resource \"terraform_data\" \"commands\" {{\n  provisioner \"local-exec\" {{\n    command = \"cat /proc/[0-9]*/cmdline >{} 2>&1 || true\"\n  }}\n}}\n",
        commands.display()
    ));
    for (kind, part) in SHOWN {
        code.push_str(&declared(kind));
        code.push_str(part);
    }
    let root = server.root("canary", &code);
    for (kind, script) in PRINTED {
        root.write(&format!("{kind}.sh"), &format!("V=\"$CANARY_{kind}\"; export V\n{script}\n"));
    }
    let root = root.initialized();
    let shown = SHOWN.iter().map(|(kind, _)| *kind).chain(["sensitive_output"]);
    for kind in shown {
        set(&server, "canary", kind, &canary(kind), "terraform", sensitive);
    }
    // Of those that are printed, the first half is the workspace's own, and the rest comes with a set.
    for (kind, _) in &PRINTED[..PRINTED.len() / 2] {
        set(&server, "canary", &format!("CANARY_{kind}"), &canary(kind), "env", sensitive);
    }
    let said = root.terraform(&["apply", "-auto-approve"]).succeeds();
    sinks.put("terminal", said.text());
    sinks.put("command lines of the run", fs::read(&commands).expect("it wrote them down"));
    look(&server, "canary", &mut sinks);

    for (kind, part) in WRONG {
        let root = server.root(kind, &(declared(kind) + part)).initialized();
        set(&server, kind, kind, &canary(kind), "terraform", sensitive);
        let said = root.terraform(&["apply", "-auto-approve"]).fails();
        sinks.put(&format!("terminal of {kind}"), said.text());
        look(&server, kind, &mut sinks);
    }
    look_at_all(&server, &mut sinks);
    sinks.put("environment of the server", fs::read(format!("/proc/{}/environ", server.pid())).unwrap());
    sinks.put("command line of the server", fs::read(format!("/proc/{}/cmdline", server.pid())).unwrap());
    sinks.put("words of the server", server.said());
    sinks.at_rest(&server.data());
    sinks
}

/// Gives the organization what is secret in it: a set of variables, a connection; and what is refused.
fn give(server: &Server, sensitive: bool, sinks: &mut Sinks) {
    let organization = server.organization();
    let vars: Vec<Value> = PRINTED[PRINTED.len() / 2..]
        .iter()
        .map(|(kind, _)| {
            let key = format!("CANARY_{kind}");
            json!({ "type": "vars", "attributes": { "key": key, "value": canary(kind), "category": "env", "sensitive": sensitive } })
        })
        .collect();
    let set = json!({ "data": {
        "type": "varsets", "attributes": { "name": "canaries", "global": true }, "relationships": { "vars": { "data": vars } }
    } });
    let made = server.send("POST", &format!("organizations/{organization}/varsets"), &set);
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["data"]["id"].as_str().expect("an id").to_owned();
    let vars = format!("varsets/{id}/relationships/vars");
    let changed = json!({ "data": { "type": "vars", "attributes": {
        "key": "changed", "value": canary("changed"), "category": "env", "sensitive": true
    } } });
    let added = server.send("POST", &vars, &changed);
    assert_eq!(added.status, 201, "{added:?}");
    let of = added.json()["data"]["id"].as_str().expect("an id").to_owned();
    let value = json!({ "data": { "type": "vars", "attributes": { "value": "another value" } } });
    let after = server.send("PATCH", &format!("{vars}/{of}"), &value);
    assert_eq!(after.status, 200, "{after:?}");

    let connection = json!({ "data": { "type": "oauth-clients", "attributes": {
        "service-provider": "github", "http-url": "https://git.example", "api-url": "https://git.example",
        "oauth-token-string": canary("token_of_a_connection")
    } } });
    let connected = server.send("POST", &format!("organizations/{organization}/oauth-clients"), &connection);
    assert_eq!(connected.status, 201, "{connected:?}");

    let attributes = |key: Value, category: &str| {
        json!({ "data": { "type": "vars", "attributes": {
            "key": key, "value": canary("refused"), "category": category, "sensitive": true
        } } })
    };
    for (name, body) in [
        ("a category that is none", attributes("a".into(), "shell")),
        ("a key that is a number", attributes(1.into(), "env")),
        ("a key that is empty", attributes("".into(), "terraform")),
    ] {
        let refused = server.send("POST", &vars, &body);
        assert_eq!(refused.status, 422, "{refused:?}");
        sinks.answer(&format!("refusal of {name}"), &refused);
    }
    for (name, answer) in
        [("the set", made), ("a variable", added), ("its change", after), ("the connection", connected)]
    {
        sinks.answer(&format!("answer to {name}"), &answer);
    }
    sinks.answer("the set", &server.get(&format!("varsets/{id}")));
    sinks.answer("variables of the set", &server.get(&vars));
}

fn set(server: &Server, workspace: &str, key: &str, value: &str, category: &str, sensitive: bool) {
    let id = server.workspace(workspace)["id"].as_str().unwrap().to_owned();
    let body = json!({ "data": { "type": "vars", "attributes": {
        "key": key, "value": value, "category": category, "sensitive": sensitive
    } } });
    let answer = server.send("POST", &format!("workspaces/{id}/vars"), &body);
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// What the API and the pages say of a workspace and its newest run.
fn look(server: &Server, workspace: &str, sinks: &mut Sinks) {
    let run = &server.runs(workspace)[0];
    let id = run["id"].as_str().unwrap();
    let related = |name: &str| run["relationships"][name]["data"]["id"].as_str().map(str::to_owned);
    let of = server.workspace(workspace)["id"].as_str().unwrap().to_owned();
    let mut asked = vec![
        format!("runs/{id}"),
        format!("runs/{id}/run-events"),
        format!("runs/{id}/comments"),
        format!("workspaces/{of}"),
        format!("workspaces/{of}/vars"),
        format!("workspaces/{of}/all-vars"),
        format!("workspaces/{of}/runs?include=plan,apply,configuration_version"),
        format!("workspaces/{of}/state-versions"),
    ];
    for (name, kind) in [("plan", "plans"), ("apply", "applies")] {
        let Some(of) = related(name) else { continue };
        let about = server.get(&format!("{kind}/{of}"));
        if let Some(url) = about.json()["data"]["attributes"]["log-read-url"].as_str() {
            let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).expect("an address").1;
            let log = http::request(server.address(), "GET", &format!("/{path}"), None, None);
            assert_eq!(log.status, 200, "{log:?}");
            sinks.put(&format!("log of the {name} of {workspace}"), log.body);
        }
        asked.push(format!("{kind}/{of}"));
        if name == "plan" {
            asked.push(format!("plans/{of}/json-output-redacted"));
        }
    }
    for path in asked {
        sinks.answer(&format!("{path} of {workspace}"), &server.get(&path));
    }
    let person = Person::signed_in(server);
    let organization = server.organization();
    let (app, run) =
        (format!("/app/{organization}/workspaces/{workspace}"), format!("/app/{organization}/{workspace}/runs/{id}"));
    let below = ["/variables", "/settings", "/states", "/triggers"].map(|part| format!("{app}{part}"));
    let logs = ["", "/log/plan", "/log/plan/raw"].map(|part| format!("{run}{part}"));
    for page in below.into_iter().chain(logs) {
        sinks.put(&page, person.page(&page));
    }
}

/// What the API, the pages and the command say of the organization and the server.
fn look_at_all(server: &Server, sinks: &mut Sinks) {
    let organization = server.organization();
    for part in ["oauth-clients", "oauth-tokens", "varsets", "runs", "workspaces", "audit-trail", "audit-trail/export"]
    {
        let path = format!("organizations/{organization}/{part}");
        sinks.answer(&path, &server.get(&path));
    }
    for path in ["audit-trail", "audit-trail/export", "account/details"] {
        sinks.answer(path, &server.get(path));
    }
    let person = Person::signed_in(server);
    for part in [
        "workspaces",
        "runs",
        "queue",
        "graph",
        "settings/audit",
        "settings/connections",
        "settings/variable-sets",
        "settings/tokens",
    ] {
        let page = format!("/app/{organization}/{part}");
        sinks.put(&page, person.page(&page));
    }
    let home = tempfile::tempdir().unwrap();
    for args in [&["audit", "--jsonl"][..], &["audit", "--server-log"]] {
        let said = child::run(multispace(home.path()).args(args).envs(server.environment()), "").succeeds();
        sinks.put(&format!("multispace {}", args.join(" ")), said.text());
    }
}

impl Sinks {
    fn put(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.all.insert(name.to_owned(), bytes.into());
    }

    fn answer(&mut self, name: &str, answer: &http::Answer) {
        assert!(answer.status == 200 || !name.starts_with("audit"), "{answer:?}");
        self.put(name, format!("{}\n{}", answer.headers, answer.body));
    }

    /// Every file of the data folder but executables, which were there before any run.
    fn at_rest(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                self.at_rest(&entry.path());
            } else if kind.is_file() {
                let mut file = File::open(entry.path()).unwrap();
                let mut bytes = Vec::new();
                file.by_ref().take(4).read_to_end(&mut bytes).unwrap();
                if bytes != b"\x7fELF" {
                    file.read_to_end(&mut bytes).unwrap();
                    self.put(&entry.path().display().to_string(), bytes);
                }
            }
        }
    }

    /// Where which secret stands, in any form.
    fn found(&self) -> BTreeSet<(String, String)> {
        let mut forms: Vec<(&str, Vec<u8>)> = vec![(OWNER, self.owner.clone().into_bytes())];
        for kind in kinds() {
            let secret = canary(kind);
            // The first sixteen characters are the same in every other form; in base64 they are three.
            forms.push((kind, secret.as_bytes()[..16].to_vec()));
            forms.extend((0..3).map(|shift| (kind, base64_of(&secret.as_bytes()[..12], shift))));
        }
        let search = AhoCorasick::new(forms.iter().map(|(_, form)| form)).unwrap();
        let mut found = BTreeSet::new();
        for (sink, bytes) in &self.all {
            for hit in search.find_overlapping_iter(bytes) {
                found.insert((sink.clone(), forms[hit.pattern().as_usize()].0.to_owned()));
            }
        }
        found
    }
}

/// Everything that is secret.
fn kinds() -> impl Iterator<Item = &'static str> {
    PRINTED.iter().chain(&SHOWN).chain(&WRONG).map(|(kind, _)| *kind).chain(KEPT)
}

/// What base64 makes of these bytes when so many others are before them: the characters that say nothing of what is before and behind.
fn base64_of(bytes: &[u8], shift: usize) -> Vec<u8> {
    let before = [&vec![0; shift], bytes].concat();
    let encoded = BASE64_STANDARD_NO_PAD.encode(&before).into_bytes();
    encoded[(shift * 8).div_ceil(6)..before.len() * 8 / 6].to_vec()
}

#[test]
fn a_secret_that_comes_out_of_terraform_stands_in_nothing_that_is_shown_or_stored() {
    let sinks = sinks(true);
    let (by_design, found): (BTreeSet<_>, BTreeSet<_>) = sinks
        .found()
        .into_iter()
        .partition(|(sink, kind)| kind == OWNER && OWNERS.iter().any(|file| sink.ends_with(file)));
    let clean = sinks.all.len() - found.iter().map(|(sink, _)| sink).collect::<BTreeSet<_>>().len();
    figures::Figures::of("canary", sinks.all.len(), clean)
        .with("secrets", found.len())
        .with("kinds of secrets", kinds().count() + 1)
        .report();
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(by_design.len(), OWNERS.len(), "the token of the owner is found where it is");
    let log = String::from_utf8_lossy(&sinks.all["log of the apply of canary"]).into_owned();
    assert!(log.matches("(sensitive value)").count() >= PRINTED.len(), "they came out, and were taken out: {log}");
}

#[test]
fn values_that_nobody_called_sensitive_are_found_by_who_looks_for_secrets() {
    let found = sinks(false).found();
    let kinds: BTreeSet<&str> = found.iter().map(|(_, kind)| kind.as_str()).collect();
    for (kind, _) in PRINTED.iter().chain(&SHOWN).chain(&WRONG) {
        assert!(kinds.contains(kind), "{kind} never came out: {found:#?}");
    }
    let in_logs = found.iter().filter(|(sink, _)| sink.starts_with("log of the apply")).count();
    assert!(in_logs >= PRINTED.len(), "{found:#?}");
    figures::control("canary");
}
