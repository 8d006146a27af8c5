//! The rights of a team in its whole organization, in words. Those about what does not exist here are kept for clients that set
//! them, and are not told.

use domain::roles::Flag;

use super::Team;

/// The rights that mean something here, each in words.
pub(super) const SHOWN: [(Flag, &str); 9] = [
    (Flag::ReadProjects, "see every project"),
    (Flag::ManageProjects, "make and manage every project"),
    (Flag::ReadWorkspaces, "see every workspace"),
    (Flag::ManageWorkspaces, "make and manage every workspace"),
    (Flag::ManageVcsSettings, "connect git hosts"),
    (Flag::ManageMembership, "say who belongs to the organization"),
    (Flag::ManageTeams, "make and manage teams"),
    (Flag::AccessSecretTeams, "see secret teams"),
    (Flag::ManageOrganizationAccess, "give teams rights such as these"),
];

/// All of a team's in one line.
pub(super) fn sentence(team: &Team) -> String {
    if team.is_owners {
        return "may do everything".to_owned();
    }
    let access = team.access();
    let has: Vec<_> = SHOWN.iter().filter(|(flag, _)| access.has(*flag)).map(|(_, words)| *words).collect();
    if has.is_empty() { "what it is granted on workspaces and projects".to_owned() } else { has.join(", ") }
}
