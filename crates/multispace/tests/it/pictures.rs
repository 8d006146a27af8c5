//! A picture of every page, light, dark and as on a phone, with real runs of the real terraform behind it. `cargo xtask
//! screenshots` keeps them in `docs/pictures`; among the other tests they are drawn and thrown away.

use std::path::{Path, PathBuf};

use chromium::{Chromium, Tab};
use serde_json::{Value, json};

use crate::harness::child::{self, Running};
use crate::harness::server::Server;
use crate::platform;

/// Most of a page that is in a picture, in CSS pixels: on a desk and on a phone.
const DESK: (u32, u32, u32) = (1200, 800, 1500);
const PHONE: (u32, u32, u32) = (390, 844, 1700);
/// Largest picture, in bytes.
const LARGEST: u64 = 150 * 1024;

/// What a terminal asks for.
const LOGIN: &str = "client_id=terraform-cli&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A10000%2Flogin&state=s\
                     &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

/// The runs that are in the pictures.
struct Scene {
    approve: String,
    failed: String,
    applied: String,
    /// The state of the workspace that waits for approval.
    state: String,
    /// Ids of other things that have pages, by what stands for them in an address.
    things: Vec<(&'static str, String)>,
    /// Path of the page where an apply of the stack asks, and that apply.
    plan: (String, Running),
}

impl Scene {
    fn make(server: &Server) -> Self {
        let stack = platform::stack(server);
        child::run(&mut platform::command(server, &stack, "apply", &["--auto-approve"]), "").succeeds();
        platform::grow(&stack);
        let mut asks = Running::start(&mut platform::command(server, &stack, "apply", &["--approve-in-browser"]));
        let line = asks.wait_for("waits for approval at ");
        let (_, path) = line.trim_end().split_once("/app/").expect("an address");
        let plan = (format!("/app/{path}"), asks);
        platform::set(server, "cluster", "kubernetes_version", "\"1.34.1\"");
        platform::set(server, "cluster", "workers", "[\"worker-2\", \"worker-3\", \"worker-4\"]");
        let message = "Kubernetes 1.34, and worker-4 takes the place of worker-1";
        let approve = platform::run(server, "cluster", json!({ "message": message, "auto-apply": false }));
        platform::until(server, &approve, "planned");
        let comment = json!({ "data": { "attributes": { "body": "worker-1 has been drained since this morning." } } });
        assert_eq!(server.send("POST", &format!("runs/{approve}/comments"), &comment).status, 201);
        platform::run(server, "cluster", json!({ "message": "Certificates of this month" }));

        platform::set(server, "apps", "replicas", "1");
        let failed = platform::run(server, "apps", json!({ "message": "One replica is enough" }));
        platform::until(server, &failed, "errored");
        platform::group(server, "platform");
        let applied = server.runs("network")[0]["id"].as_str().unwrap().to_owned();
        let id = server.workspace("cluster")["id"].as_str().unwrap().to_owned();
        let state = server.get(&format!("workspaces/{id}/current-state-version")).json();
        let state = state["data"]["id"].as_str().unwrap().to_owned();
        Self { approve, failed, applied, state, things: things(server), plan }
    }

    /// The name of its picture and where it is, of each page of a route.
    fn pages(&self, server: &Server, route: &str) -> Vec<(String, String)> {
        let organization = format!("/app/{}", server.organization());
        let one = |name: &str, rest: &str| vec![(name.to_owned(), format!("{organization}/{rest}"))];
        match route {
            "/app" => vec![("organizations".to_owned(), route.to_owned())],
            "/app/start" => vec![("start".to_owned(), route.to_owned())],
            "/app/settings/tokens" => vec![("tokens".to_owned(), route.to_owned())],
            "/app/settings/authorize" => vec![("own-authorize".to_owned(), format!("{route}?{LOGIN}"))],
            "/app/settings/join" => self.thing("{key}", |key| ("join".to_owned(), format!("{route}?key={key}"))),
            "/app/{organization}/workspaces/{workspace}" => one("workspace", "workspaces/cluster"),
            "/app/{organization}/stacks/{stack}" => one("stack", "stacks/platform"),
            "/app/{organization}/stacks/{stack}/destroy" => one("stack-destroy", "stacks/platform/destroy"),
            "/app/{organization}/plans/{id}" => vec![("plan".to_owned(), self.plan.0.clone())],
            "/app/{organization}/{workspace}/runs/{run}" => [
                one("run-approve", &format!("cluster/runs/{}", self.approve)),
                one("run-failed", &format!("apps/runs/{}", self.failed)),
                one("run-applied", &format!("network/runs/{}", self.applied)),
            ]
            .concat(),
            "/app/{organization}/{workspace}/runs/{run}/log/plan" => {
                one("log", &format!("apps/runs/{}/log/plan", self.failed))
            }
            "/app/{organization}/workspaces/{workspace}/states/{state}" => {
                one("workspace-state", &format!("workspaces/cluster/states/{}", self.state))
            }
            "/app/{organization}/workspaces/{workspace}/states/{state}/diff" => {
                one("workspace-state-diff", &format!("workspaces/cluster/states/{}/diff", self.state))
            }
            "/app/{organization}/{workspace}/runs/{run}/log/apply" => {
                one("log-apply", &format!("network/runs/{}/log/apply", self.applied))
            }
            // Led elsewhere, or drawn before anybody has signed in.
            "/" | "/sign-in" | "/app/{organization}" => Vec::new(),
            // A stream, and files that are kept.
            _ if ["/events", "/raw", "/download"].iter().any(|end| route.ends_with(end)) => Vec::new(),
            _ => self.by_its_name(server, route),
        }
    }

    /// A page of a thing whose id stands elsewhere than in its path.
    fn thing(&self, stands: &str, page: impl Fn(&str) -> (String, String)) -> Vec<(String, String)> {
        self.things.iter().filter(|(name, _)| *name == stands).map(|(_, id)| page(id)).collect()
    }

    /// A page whose address says enough: of the organization, of one workspace, or of a thing that there is one of.
    fn by_its_name(&self, server: &Server, route: &str) -> Vec<(String, String)> {
        let (inside, before) = match route.strip_prefix("/app/{organization}/") {
            Some(rest) => (rest, format!("/app/{}/", server.organization())),
            None => (route.trim_start_matches("/app/"), "/app/".to_owned()),
        };
        let name = inside.replace("workspaces/{workspace}", "workspace").replace(['{', '}'], "").replace('/', "-");
        let mut path = inside.replace("{workspace}", "cluster").replace("{state}", &self.state);
        let token = match () {
            () if before == "/app/" => "{token} of the owner",
            () if inside.contains("{team}") => "{token} of the team",
            () => "{token} of the organization",
        };
        path = path.replace("{token}", token);
        for (stands, id) in &self.things {
            path = path.replace(stands, id);
        }
        assert!(!path.contains('{'), "there is no picture of {route}: say which page of it there is to see");
        let name = if before == "/app/" { format!("own-{name}") } else { name };
        vec![(name, before + &path)]
    }
}

/// Makes one of each thing that has pages of its own.
fn things(server: &Server) -> Vec<(&'static str, String)> {
    let organization = server.organization();
    let id = |item: &Value| item["id"].as_str().expect("an id").to_owned();
    let post = |path: &str, data: Value| {
        let answer = server.send("POST", path, &json!({ "data": data }));
        assert_eq!(answer.status, 201, "{path}: {answer:?}");
        answer.json()["data"].clone()
    };
    let first = |path: &str| id(&server.get(path).json()["data"][0]);
    let cluster = id(&server.workspace("cluster"));

    let team = id(&post(
        &format!("organizations/{organization}/teams"),
        json!({ "type": "teams", "attributes": { "name": "platform", "organization-access": { "read-workspaces": true } } }),
    ));
    let described = json!({ "type": "authentication-tokens", "attributes": { "description": "the pipeline" } });
    let of_team = id(&post(&format!("teams/{team}/authentication-tokens"), described));
    let of_organization = id(&post(&format!("organizations/{organization}/authentication-token"), json!({})));
    let invited = post(
        &format!("organizations/{organization}/organization-memberships"),
        json!({
            "type": "organization-memberships",
            "attributes": { "email": "ada@example.com" },
            "relationships": { "teams": { "data": [{ "type": "teams", "id": team }] } },
        }),
    );
    let link = invited["attributes"]["invitation-link"].as_str().expect("a link");
    let (_, key) = link.split_once("key=").expect("a key");
    let connection = id(&post(
        &format!("organizations/{organization}/oauth-clients"),
        json!({ "type": "oauth-clients", "attributes": {
            "name": "Git of the platform team", "service-provider": "gitlab_community_edition",
            "http-url": "https://git.example.com", "api-url": "https://git.example.com/api/v4",
            "oauth-token-string": "not-a-real-token",
        } }),
    ));
    let set = post(
        &format!("organizations/{organization}/varsets"),
        json!({
            "type": "varsets",
            "attributes": { "name": "cloud-credentials", "description": "What every workspace needs", "global": true },
            "relationships": { "vars": { "data": [{ "type": "vars", "attributes": {
                "key": "CLOUD_REGION", "value": "eu-central-1", "category": "env",
            } }] } },
        }),
    );
    let in_set = id(&set["relationships"]["vars"]["data"][0]);
    let upstream =
        json!({ "sourceable": { "data": { "type": "workspaces", "id": id(&server.workspace("database")) } } });
    let trigger = post(&format!("workspaces/{cluster}/run-triggers"), json!({ "relationships": upstream }));
    vec![
        ("{token} of the team", of_team),
        ("{token} of the organization", of_organization),
        ("{team}", team),
        ("{membership}", id(&invited)),
        ("{user}", id(&invited["relationships"]["user"]["data"])),
        ("{key}", key.to_owned()),
        ("{connection}", connection),
        ("{variable_set}", id(&set)),
        ("{set_variable}", in_set),
        ("{trigger}", id(&trigger)),
        ("{variable}", first(&format!("workspaces/{cluster}/vars"))),
    ]
}

/// Where the pictures go.
struct Album {
    folder: PathBuf,
}

impl Album {
    async fn add(&self, tab: &Tab, name: &str, url: &str) {
        for (way, dark, (width, height, most)) in
            [("light", false, DESK), ("dark", true, DESK), ("phone", false, PHONE)]
        {
            tab.dark(dark).await;
            tab.size(width, height).await;
            tab.goto(url).await;
            let file = self.folder.join(format!("{name}-{way}.webp"));
            tab.picture(&file, most).await;
            let size = std::fs::metadata(&file).unwrap().len();
            assert!((1024..LARGEST).contains(&size), "{} has {size} bytes", file.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_drawn_light_dark_and_as_on_a_phone() {
    let thrown_away = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("MULTISPACE_PICTURES").map_or_else(|| thrown_away.path().to_owned(), PathBuf::from);
    let album = Album { folder };
    let server = Server::start();
    let mut scene = Scene::make(&server);
    let chromium = Chromium::start().await;
    let tab = chromium.tab().await;
    let origin = format!("http://{}", server.address());

    album.add(&tab, "sign-in", &format!("{origin}/sign-in")).await;
    tab.fill("#token", server.token()).await;
    tab.follow("button >> Sign in with a token").await;
    tab.goto(&format!("{origin}/app/{}/stacks/platform", server.organization())).await;
    tab.follow("button >> 7 days more").await;
    // The token of the first start is known to its page alone.
    tab.goto(&format!("{origin}/app/settings/tokens")).await;
    let revoke = tab.text("document.querySelector('a[href^=\"/app/settings/tokens/\"]').getAttribute('href')").await;
    let token = revoke.split('/').nth(4).expect("an id").to_owned();
    scene.things.push(("{token} of the owner", token));
    let mut names = vec!["sign-in".to_owned()];
    for (method, route) in server::routes() {
        if method != "GET" || !(matches!(route.as_str(), "/" | "/app" | "/sign-in") || route.starts_with("/app/")) {
            continue;
        }
        for (name, path) in scene.pages(&server, &route) {
            album.add(&tab, &name, &format!("{origin}{path}")).await;
            assert!(!tab.shown().await.contains("Not found"), "{path}");
            names.push(name);
        }
    }
    let complaints = tab.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
    // Nothing is left of a page that is gone.
    let left: Vec<_> = drawn(&album.folder).into_iter().filter(|name| !names.contains(name)).collect();
    assert!(left.is_empty(), "{left:?} are of no page any more");
}

/// Names of the pages that have pictures in a folder.
fn drawn(folder: &Path) -> Vec<String> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    all.filter_map(|file| file.strip_suffix("-light.webp").map(str::to_owned)).collect()
}
