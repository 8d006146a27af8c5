//! [`Top`]: what stands at the top of every page on which an organization is set up.

use askama::Template;
use domain::Problem;

use super::super::Organization;
use super::super::service;
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::edge::Name;
use crate::edge::pages::{Frame, Tabs, Viewer};
use crate::storage::Tx;

/// A page of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its name and who answers for it.
    General,
    /// Who is in it.
    Members,
    /// Who may do what.
    Teams,
    /// What programs sign in with.
    Tokens,
    /// Where code comes from.
    Connections,
    /// Variables that many workspaces share.
    VariableSets,
    /// How many runs at a time.
    Limits,
    /// Who has done what.
    Audit,
}

impl Part {
    /// Every page, with its name and the end of its address.
    const ALL: [(Self, &'static str, &'static str); 8] = [
        (Self::General, "General", ""),
        (Self::Members, "Members", "/members"),
        (Self::Teams, "Teams", "/teams"),
        (Self::Tokens, "Tokens", "/tokens"),
        (Self::Connections, "Git connections", "/connections"),
        (Self::VariableSets, "Variable sets", "/variable-sets"),
        (Self::Limits, "Limits", "/limits"),
        (Self::Audit, "Audit log", "/audit"),
    ];

    /// What is needed to see the page.
    fn needs(self) -> Action {
        match self {
            Self::Members => Action::ManageMembership,
            Self::Tokens => Action::ManageOrganizationToken,
            Self::Audit => Action::ManageOrganization,
            Self::General | Self::Teams | Self::Connections | Self::VariableSets | Self::Limits => {
                Action::ReadOrganization
            }
        }
    }
}

/// The top of a page of an organization's settings, and the organization.
#[derive(Template)]
#[template(path = "resources/organizations/page/top.html")]
pub struct Top {
    /// The organization.
    pub organization: Organization,
    tabs: Tabs,
}

impl Top {
    /// The organization at an address, for one of its pages.
    ///
    /// # Errors
    /// `organization/not-found`, also for who may not see that page.
    pub async fn of(tx: &Tx, actor: &Actor, name: &Name, here: Part) -> Result<Self, Problem> {
        let organization = service::read(tx, actor, &name.0).await?;
        let may = |part: Part| actor.can(part.needs(), On::Organization(&organization.id));
        actor.may(here.needs(), On::Organization(&organization.id))?;
        let address = format!("/app/{}/settings", organization.name);
        let tab = |(part, name, end): (Part, &'static str, &str)| (name, format!("{address}{end}"), part == here);
        let tabs = Part::ALL.into_iter().filter(|(part, ..)| may(*part)).map(tab).collect();
        Ok(Self { organization, tabs: Tabs::new("Settings of the organization", tabs) })
    }

    /// Address of the settings' first page; those of the others begin with it.
    pub fn address(&self) -> String {
        format!("/app/{}/settings", self.organization.name)
    }

    /// The frame of one of the pages.
    pub fn frame(&self, app: &App, viewer: &Viewer, title: &str) -> Frame {
        viewer.frame(app, &format!("{}: {title}", self.organization.name)).within(&self.organization.name, "settings")
    }

    /// Whether somebody may do this to the organization.
    pub fn can(&self, viewer: &Viewer, action: Action) -> bool {
        viewer.actor.can(action, On::Organization(&self.organization.id))
    }
}
