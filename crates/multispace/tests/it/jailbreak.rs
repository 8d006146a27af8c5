//! Code of a run tries to get out: each probe is a program that a plan or an apply starts, and says whether it got something. Behind the
//! walls of a server nothing is got; without them the same probes get a lot, or they would prove nothing.

mod probes;

use std::collections::BTreeSet;
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use self::probes::{PROBES, Probe};
use crate::harness::processes::alive;
use crate::harness::root::Root;
use crate::harness::server::Server;

/// What no probe may find.
const SECRET: &str = "swordfish-behind-the-wall";

/// What a probe could get at: sockets of the host, files in a home folder and in the folder of another run.
struct Ground {
    server: Server,
    _sockets: [UnixListener; 2],
}

impl Ground {
    fn start(arguments: &[&str]) -> Self {
        let server = Server::start_with(arguments);
        let other = server.data().join("runs/run-another");
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("cli.tfrc"), SECRET).unwrap();
        fs::create_dir_all(server.data().join("initialised/kept")).unwrap();
        fs::write(server.data().join("initialised/kept/provider"), SECRET).unwrap();
        fs::write(server.home().join("credentials"), SECRET).unwrap();
        let name = format!("multispace-jailbreak-{}", std::process::id());
        let abstracted = SocketAddr::from_abstract_name(&name).unwrap();
        let sockets = [
            UnixListener::bind(server.home().join("host.sock")).unwrap(),
            UnixListener::bind_addr(&abstracted).unwrap(),
        ];
        Self { server, _sockets: sockets }
    }

    /// A root that tries these, each in a resource of its own, and what files it can read while it plans.
    fn root(&self, probes: &[&Probe]) -> Root {
        let root = self.server.root("jail", "");
        let prelude = format!(
            "export DATA='{}' SERVER='{}' NEARBY='{}' SOCKET='multispace-jailbreak-{}'\n",
            self.server.data().display(),
            self.server.pid(),
            self.server.home().display(),
            std::process::id()
        );
        let mut code = String::new();
        for Probe { name, script } in probes {
            fs::write(root.file(&format!("{name}.sh")), format!("{prelude}{script}\n")).unwrap();
            code.push_str(&format!(
                "resource \"terraform_data\" \"{name}\" {{\n  provisioner \"local-exec\" {{\n    quiet   = true\n    command = \"if sh ./{name}.sh >got-{name} \
                 2>&1; then echo PROBE-GOT {name}; else echo PROBE-DENIED {name}; fi\"\n  }}\n}}\n"
            ));
        }
        let data = self.server.data().display().to_string();
        let home = self.server.home().display().to_string();
        code.push_str(&format!(
            "output \"plan_environ\" {{\n  value = strcontains(try(file(\"/proc/{}/environ\"), \"\"), \"HOME\") ? \"PLAN-GOT environ\" : \"PLAN-DENIED\"\n}}\n",
            self.server.pid()
        ));
        for (name, file) in [
            ("key", format!("{data}/key")),
            ("database", format!("{data}/multispace.db")),
            ("owner", format!("{data}/connection.json")),
            ("other", format!("{data}/runs/run-another/cli.tfrc")),
            ("home", format!("{home}/credentials")),
            ("shadow", "/etc/shadow".to_owned()),
        ] {
            code.push_str(&format!(
                "output \"plan_{name}\" {{\n  value = fileexists(\"{file}\") && try(filebase64(\"{file}\"), \"\") != \"\" ? \"PLAN-GOT {name}\" : \"PLAN-DENIED\"\n}}\n"
            ));
        }
        code.push_str(&format!(
            "output \"plan_set\" {{\n  value = length(fileset(\"{data}\", \"*\")) > 0 ? \"PLAN-GOT set\" : \"PLAN-DENIED\"\n}}\n"
        ));
        root.write("main.tf", &code);
        root.initialized()
    }
}

/// Names of probes that got something.
fn got(said: &str, mark: &str) -> BTreeSet<String> {
    let after = said.split(mark).skip(1);
    after.filter_map(|rest| rest.split_whitespace().next()).map(|name| name.trim_matches('"').to_owned()).collect()
}

#[test]
fn code_that_tries_to_get_out_of_a_run_gets_nothing_and_leaves_nothing_running() {
    let ground = Ground::start(&[]);
    let probes: Vec<&Probe> = PROBES.iter().collect();
    let root = ground.root(&probes);
    let said = root.terraform(&["apply", "-auto-approve", "-no-color"]).succeeds().text();
    let (denied, escaped) = (got(&said, "PROBE-DENIED "), got(&said, "PROBE-GOT "));
    let planned = got(&said, "PLAN-GOT ");
    assert_eq!(denied.len() + escaped.len(), PROBES.len(), "each says something: {said}");
    let survivors = alive(&format!("TMPDIR={}/data/runs/", ground.server.home().display()));
    let unexpected = escaped.len() + planned.len() + survivors.len();
    figures::Figures::of("jailbreak", PROBES.len() + 8, denied.len() + 8 - planned.len())
        .with("unexpected", unexpected)
        .report();
    assert!(escaped.is_empty(), "{escaped:?} got out: {said}");
    assert!(planned.is_empty(), "{planned:?} was read while it planned: {said}");
    assert!(survivors.is_empty(), "{survivors:?} lives on");
    assert_eq!(ground.server.get("ping").status, 204);
}

#[test]
fn without_walls_the_same_probes_get_a_lot() {
    let ground = Ground::start(&["--no-sandbox"]);
    let probes: Vec<&Probe> = PROBES.iter().filter(|probe| !probes::ONLY_INSIDE.contains(&probe.name)).collect();
    let root = ground.root(&probes);
    let said = root.terraform(&["apply", "-auto-approve", "-no-color"]).succeeds().text();
    let (escaped, planned) = (got(&said, "PROBE-GOT "), got(&said, "PLAN-GOT "));
    for name in [
        "database",
        "key",
        "owner_token",
        "another_run",
        "home",
        "host_socket",
        "abstract_socket",
        "sees_the_server",
        "symlink_out",
    ] {
        assert!(escaped.contains(name), "{name} is denied without walls: it proves nothing: {said}");
    }
    for name in ["key", "database", "other", "home", "set"] {
        assert!(planned.contains(name), "{name} is denied without walls: it proves nothing: {said}");
    }
    figures::control("jailbreak");
}

#[test]
fn code_that_uses_up_the_machine_comes_to_its_limits_and_the_server_answers_meanwhile() {
    let ground = Ground::start(&["--run-memory", "512", "--run-processes", "200", "--run-file", "64"]);
    let mut escaped = Vec::new();
    for probe in probes::HEAVY {
        let root = ground.root(&[probe]);
        let mut apply = root.start(&["apply", "-auto-approve", "-no-color"]);
        let mut answered = 0;
        while apply.is_running() {
            assert_eq!(ground.server.get("ping").status, 204, "while {} is at it", probe.name);
            answered += 1;
        }
        assert!(answered > 0);
        // What goes first when memory is gone may be terraform itself.
        if !got(&apply.finish().text(), "PROBE-GOT ").is_empty() {
            escaped.push(probe.name);
        }
    }
    let survivors = alive(&format!("TMPDIR={}/data/runs/", ground.server.home().display()));
    figures::Figures::of("jailbreak", probes::HEAVY.len(), probes::HEAVY.len() - escaped.len())
        .with("unexpected", escaped.len() + survivors.len())
        .report();
    assert!(escaped.is_empty(), "{escaped:?} had no limit");
    assert!(survivors.is_empty(), "{survivors:?} lives on");
}
