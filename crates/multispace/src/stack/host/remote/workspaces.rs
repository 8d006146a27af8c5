//! Which workspace of the host is a root's, and those that are not there yet. What is there keeps its settings.

use client::workspaces::find;
use client::{Item, encoded, identifiers};
use configuration::{Root, Value};
use domain::{Fault, Problem};
use serde_json::{Map, json};
use server::local::{Variable, Wanted, WorkspaceView};
use wire::runs::RunVariable;
use wire::{Document, kind};

use super::{Code, PAUSE, Remote, TRIES, Target, view};
use crate::stack::elsewhere::name_of;

/// What workspaces that are made here say of where they come from.
const SOURCE: &str = "multispace";

/// A workspace that is wanted, and what there is of it.
struct Found<'a> {
    root: &'a Root,
    wanted: Wanted,
    /// Its name there.
    name: String,
    item: Option<Item>,
    state: Option<Item>,
}

impl Found<'_> {
    /// Serial and lineage of its state.
    fn stands_at(&self) -> Option<(i64, String)> {
        self.state.as_ref().map(|it| (it.get("serial").as_i64().unwrap_or(0), it.text("lineage").to_owned()))
    }
}

impl Remote<'_> {
    /// Finds the workspaces of roots, and makes those of roots that are walked, once all that is there was looked at: `refused` is told of each that
    /// is wanted, with the serial and the lineage of its state.
    pub(in super::super) async fn prepare(
        &self,
        wanted: Vec<Wanted>,
        refused: impl Fn(&str, Option<(i64, String)>) -> Result<(), Problem>,
    ) -> Result<Vec<WorkspaceView>, Problem> {
        let mut all = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            let found = self.find(wanted).await?;
            refused(&found.wanted.name, found.stands_at())?;
            if let (Some(item), true) = (&found.item, self.selected.contains(&found.wanted.name)) {
                self.code_for(found.root, &found.wanted, item)?;
            }
            all.push(found);
        }
        let mut views = Vec::with_capacity(all.len());
        for found in all {
            views.push(self.made(found).await?);
        }
        Ok(views)
    }

    async fn find(&self, wanted: Wanted) -> Result<Found<'_>, Problem> {
        let Some(root) = self.loaded.root(&wanted.name) else {
            return Err(Problem::ours("stack/engine", "A workspace has no root.", &wanted.name));
        };
        let name = name_of(root);
        let item = match find(&self.client, &self.organization, &name).await {
            Ok(item) => Some(item),
            Err(problem) if problem.fault != Fault::NotFound => return Err(problem),
            Err(_) => None,
        };
        let state = match &item {
            Some(item) => self.state_of(item).await?,
            None => None,
        };
        Ok(Found { root, wanted, name, item, state })
    }

    /// Makes it, if it is walked and is not there.
    async fn made(&self, found: Found<'_>) -> Result<WorkspaceView, Problem> {
        let stands_at = found.stands_at();
        let Found { root, wanted, name, item, state } = found;
        let is_walked = self.selected.contains(&wanted.name);
        let (item, is_new) = match item {
            Some(item) => (item, false),
            // It is read, not walked: that it is not there is as if it was never applied.
            None if !is_walked => (Item::default(), false),
            None => (self.make(&name, &wanted).await?, true),
        };
        let view = WorkspaceView {
            id: item.id.clone(),
            name: wanted.name.clone(),
            resource_count: item.get("resource-count").as_u64().and_then(|it| u32::try_from(it).ok()).unwrap_or(0),
            state: stands_at,
        };
        if !is_walked {
            return Ok(view);
        }
        let code = self.code_for(root, &wanted, &item)?;
        let variables = run_variables(root, wanted.variables);
        let is_ours = is_new || item.text("source-name") == SOURCE;
        let settings = self.settings_of(&item).await?;
        let loose_state =
            state.filter(|it| it.related("run").is_none()).and_then(|it| view::time(it.text("created-at")));
        let target = Target { view: view.clone(), name, is_new, is_ours, code, variables, settings, loose_state };
        self.targets().insert(view.id.clone(), target);
        Ok(view)
    }

    /// The workspaces that were prepared, as they were then.
    pub(in super::super) fn workspaces(&self) -> Vec<WorkspaceView> {
        self.targets().values().map(|target| target.view.clone()).collect()
    }

    /// Names there of the workspaces that were made, and of those that run the code of a repository.
    pub(crate) fn told(&self) -> (Vec<String>, Vec<String>) {
        let targets = self.targets();
        let named = |is: &dyn Fn(&Target) -> bool| -> Vec<String> {
            targets.values().filter(|it| is(it)).map(|it| it.name.clone()).collect()
        };
        (named(&|it| it.is_new), named(&|it| it.code == Code::Repository))
    }

    /// Lets workspaces of the stack read the states of those that were made for it, where the code does.
    ///
    /// # Errors
    /// What the host says.
    pub(crate) async fn share(&self) -> Result<(), Problem> {
        let targets: Vec<Target> = self.targets().values().cloned().collect();
        let id_of = |root: &str| targets.iter().find(|it| it.view.name == root).map(|it| it.view.id.as_str());
        for upstream in targets.iter().filter(|it| it.is_ours) {
            let edges = self.loaded.stack.edges.iter().filter(|edge| edge.upstream == upstream.view.name);
            let readers: Vec<&str> = edges.filter_map(|edge| id_of(&edge.downstream)).collect();
            if !readers.is_empty() {
                let path = format!("workspaces/{}/relationships/remote-state-consumers", encoded(&upstream.view.id));
                let body = identifiers(kind::WORKSPACES, readers);
                self.client.add(&path, &body).await?;
            }
        }
        Ok(())
    }

    async fn make(&self, name: &str, wanted: &Wanted) -> Result<Item, Problem> {
        let mut attributes = json!({
            "name": name, "working-directory": wanted.working_directory, "auto-apply": false, "queue-all-runs": false,
            // Logs are read by people.
            "structured-run-output-enabled": false, "source-name": SOURCE,
        });
        if let Some(version) = &wanted.terraform_version {
            attributes["terraform-version"] = json!(version);
        }
        let attributes = attributes.as_object().cloned().unwrap_or_default();
        let mut relationships = Map::new();
        if let Some(project) = &self.project {
            let id = self.project_id(project).await?;
            relationships.insert("project".into(), json!({ "data": { "type": kind::PROJECTS, "id": id } }));
        }
        let body = client::body(kind::WORKSPACES, attributes, relationships);
        let item = self.make_once(name, &body).await?;
        for variable in wanted.variables.iter().filter(|it| it.category.as_deref() == Some("env")) {
            self.set(&item.id, variable).await?;
        }
        Ok(item)
    }

    /// Asks for a workspace until there is one. That there is one already means that an answer was lost, or that somebody
    /// else was faster.
    async fn make_once(&self, name: &str, body: &serde_json::Value) -> Result<Item, Problem> {
        let path = format!("organizations/{}/workspaces", encoded(&self.organization));
        let mut tries = 1;
        loop {
            let problem = match self.client.post::<Document<Item>>(&path, body).await {
                Ok(document) => return Ok(document.data),
                Err(problem) => problem,
            };
            match find(&self.client, &self.organization, name).await {
                Ok(item) => return Ok(item),
                Err(missing) if missing.fault != Fault::NotFound => return Err(missing),
                Err(_) if problem.fault != Fault::Unavailable || tries == TRIES => return Err(problem),
                Err(_) => self.client.pause(PAUSE).await?,
            }
            tries += 1;
        }
    }

    /// Gives a workspace that was made an environment variable: runs have none of their own.
    async fn set(&self, workspace: &str, variable: &Variable) -> Result<(), Problem> {
        let attributes = json!({ "key": variable.key, "value": variable.value, "category": "env", "sensitive": false });
        let body = json!({ "data": { "type": kind::VARIABLES, "attributes": attributes } });
        let path = format!("workspaces/{}/vars", encoded(workspace));
        let Err(problem) = self.client.add(&path, &body).await else { return Ok(()) };
        // One that is there already says that an answer was lost.
        let there = self.client.get::<Document<Vec<Item>>>(&path).await?.data;
        match there.iter().any(|it| Some(it.text("key")) == variable.key.as_deref()) {
            true => Ok(()),
            false => Err(problem),
        }
    }

    async fn project_id(&self, name: &str) -> Result<String, Problem> {
        let path =
            format!("organizations/{}/projects?filter%5Bnames%5D={}", encoded(&self.organization), encoded(name));
        let found = self.client.list::<Item>(&path).await?.into_iter().find(|it| it.text("name") == name);
        found.map(|it| it.id).ok_or_else(|| {
            let message = format!("There is no project \"{name}\" in {}.", self.organization);
            Problem::not_found("stack/project", message).advice("Make it there, or leave --project out.")
        })
    }

    async fn state_of(&self, workspace: &Item) -> Result<Option<Item>, Problem> {
        let relation = workspace.relationships.get("current-state-version");
        if relation.is_some_and(|it| it.get("data").is_some_and(serde_json::Value::is_null)) {
            return Ok(None);
        }
        let path = format!("workspaces/{}/current-state-version", encoded(&workspace.id));
        match self.client.get::<Document<Item>>(&path).await {
            Err(problem) if problem.fault == Fault::NotFound => Ok(None),
            state => Ok(Some(state?.data)),
        }
    }

    /// What its runs are made of, by the settings that it has.
    fn code_for(&self, root: &Root, wanted: &Wanted, item: &Item) -> Result<Code, Problem> {
        let name = item.text("name");
        let refused =
            |message: String, advice: String| Err(Problem::conflict("stack/remote-workspace", message).advice(advice));
        if item.text("execution-mode") == "local" {
            return refused(
                format!("The workspace \"{name}\" keeps only its state there: its execution mode is local."),
                "Set its execution mode to remote, or walk the stack without --host.".to_owned(),
            );
        }
        if item.get("vcs-repo").is_object() {
            return Ok(Code::Repository);
        }
        let theirs = item.text("working-directory").trim_matches('/');
        let folder = self.loaded.stack.folder(root);
        if theirs == wanted.working_directory {
            Ok(Code::Stack)
        } else if theirs.is_empty() && root.local_modules.iter().all(|module| module.starts_with(&folder)) {
            Ok(Code::Folder)
        } else {
            let here = &wanted.working_directory;
            refused(
                format!("The working directory of \"{name}\" is \"{theirs}\" there, and \"{here}\" in this stack."),
                format!("Set it to \"{here}\" there."),
            )
        }
    }
}

/// The variables of a run: as terraform's own client sends `-var`, they are HCL expressions and change no setting. Those
/// of this process's environment (`TF_VAR_NAME`) are among them.
fn run_variables(root: &Root, wanted: Vec<Variable>) -> Vec<RunVariable> {
    let is_for_terraform = |it: &Variable| it.category.as_deref() == Some("terraform");
    let mut variables: Vec<RunVariable> = wanted
        .into_iter()
        .filter(is_for_terraform)
        .filter_map(|it| Some(expression(it.key?, it.value?, it.hcl.unwrap_or_default())))
        .collect();
    for declared in &root.variables {
        if variables.iter().all(|it| it.key != declared.name)
            && let Ok(value) = std::env::var(format!("TF_VAR_{}", declared.name))
        {
            let is_expression = value.trim_start().starts_with(['[', '{']);
            variables.push(expression(declared.name.clone(), value, is_expression));
        }
    }
    variables
}

fn expression(key: String, value: String, is_expression: bool) -> RunVariable {
    RunVariable { key, value: if is_expression { value } else { Value::String(value).to_hcl() } }
}
