//! [`Head`]: what stands at the top of every page of a workspace: its name, its lock, and the way to its other pages.

use askama::Template;
use domain::Problem;

use super::super::{Holder, Workspace, service};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::Name;
use crate::edge::pages::{Frame, Tabs, Viewer};
use crate::resources::organizations::{self, Organization};
use crate::resources::users;
use crate::storage::Tx;

/// A page of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// How it stands.
    Overview,
    /// What its runs are given.
    Variables,
    /// What it manages, and has managed.
    States,
    /// What starts it.
    Triggers,
    /// How it is set up.
    Settings,
}

impl Tab {
    /// Every page, with its name and the end of its address.
    const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Overview, "Overview", ""),
        (Self::Variables, "Variables", "/variables"),
        (Self::States, "States", "/states"),
        (Self::Triggers, "Run triggers", "/triggers"),
        (Self::Settings, "Settings", "/settings"),
    ];

    /// One of these is enough to see the page.
    fn needs(self) -> &'static [Action] {
        match self {
            Self::Overview => &[Action::ReadWorkspace],
            Self::Variables => &[Action::ReadVariables],
            Self::States => &[Action::ReadState],
            Self::Triggers => &[Action::ReadRun],
            Self::Settings => {
                &[Action::ManageWorkspace, Action::LockWorkspace, Action::ForceUnlockWorkspace, Action::DeleteWorkspace]
            }
        }
    }
}

/// The top of a page of a workspace, and the workspace.
#[derive(Template)]
#[template(path = "resources/workspaces/page/head.html")]
pub struct Head {
    /// The organization.
    pub organization: Organization,
    /// The workspace.
    pub workspace: Workspace,
    /// Who holds the lock, in words, and the run if it is one.
    lock: Option<(String, Option<String>)>,
    tabs: Tabs,
}

impl Head {
    /// The workspace at an address, for one of its pages.
    ///
    /// # Errors
    /// `organization/not-found`, `workspace/not-found`, also for who may not see that page.
    pub async fn of(
        tx: &Tx,
        actor: &Actor,
        (organization, workspace): (&Name, &Name),
        here: Tab,
    ) -> Result<Self, Problem> {
        let organization = organizations::service::read(tx, actor, &organization.0).await?;
        let workspace = service::read_named(tx, actor, &organization, &workspace.0).await?;
        let may = |tab: Tab| tab.needs().iter().any(|action| actor.can(*action, service::on(&workspace)));
        if !may(here) {
            actor.may(here.needs()[0], service::on(&workspace))?;
        }
        let address = address(&organization, &workspace);
        let tab = |(tab, name, end): (Tab, &'static str, &str)| (name, format!("{address}{end}"), tab == here);
        let tabs = Tab::ALL.into_iter().filter(|(tab, ..)| may(*tab)).map(tab).collect();
        let lock = lock(tx, &workspace).await?;
        Ok(Self { organization, lock, tabs: Tabs::new("Pages of the workspace", tabs), workspace })
    }

    /// Address of the workspace's first page; those of the others begin with it.
    pub fn address(&self) -> String {
        address(&self.organization, &self.workspace)
    }

    /// The frame of one of its pages.
    pub fn frame(&self, app: &App, viewer: &Viewer, title: &str) -> Frame {
        let title = match title {
            "" => self.workspace.name.clone(),
            title => format!("{}: {title}", self.workspace.name),
        };
        viewer
            .frame(app, &title)
            .within(&self.organization.name, "workspaces")
            .below(&self.workspace.name, self.address())
    }

    /// Whether somebody may do this to the workspace.
    pub fn can(&self, viewer: &Viewer, action: Action) -> bool {
        viewer.actor.can(action, service::on(&self.workspace))
    }
}

/// Who holds the lock, in words, and the run if it is one.
pub(super) async fn lock(tx: &Tx, workspace: &Workspace) -> Result<Option<(String, Option<String>)>, Problem> {
    Ok(match workspace.holder() {
        None => None,
        Some(Holder::Run(run)) => Some(("by a run".to_owned(), Some(run))),
        Some(Holder::User(user)) => {
            let name = users::service::user(tx, &user).await.map(|it| it.username).unwrap_or(user);
            let reason = workspace.locked_reason.as_deref().filter(|reason| !reason.is_empty());
            Some((reason.map_or_else(|| format!("by {name}"), |reason| format!("by {name}: {reason}")), None))
        }
    })
}

fn address(organization: &Organization, workspace: &Workspace) -> String {
    format!("/app/{}/workspaces/{}", organization.name, workspace.name)
}
