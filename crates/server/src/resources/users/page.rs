//! Pages of users: the own account ([`own`]), all users of the site ([`all`]), and where a link lets somebody in ([`join`]).

mod all;
mod join;
mod own;

use askama::Template;

use super::invitations::HOURS;
use crate::edge::pages::{Frame, page};
use crate::edge::{Here, Reply, Routes};

/// Pages of this room.
pub fn pages() -> Routes {
    const OWN: &str = "/app/settings/account";
    const ALL: &str = "/app/settings/users";
    const JOIN: &str = "/app/settings/join";
    let one = |rest: &str| format!("{ALL}/{{user}}/{rest}");
    Routes::default()
        .get_at_root(OWN, own::show)
        .post_at_root(&format!("{OWN}/save"), own::save)
        .post_at_root(&format!("{OWN}/password"), own::set_password)
        .get_at_root(ALL, all::show)
        .post_at_root(&format!("{ALL}/invite"), all::invite)
        .get_at_root(&one("edit"), all::edit)
        .post_at_root(&one("edit/link"), all::renew)
        .post_at_root(&one("edit/suspend"), all::suspend)
        .post_at_root(&one("edit/unsuspend"), all::unsuspend)
        .post_at_root(&one("edit/grant-admin"), all::grant_admin)
        .post_at_root(&one("edit/revoke-admin"), all::revoke_admin)
        .get_at_root(&one("delete"), all::ask_to_delete)
        .post_at_root(&one("delete"), all::delete)
        .get_at_root(JOIN, join::show)
        .post_at_root(&format!("{JOIN}/accept"), join::accept)
        .post_at_root(&format!("{JOIN}/accept-as"), join::accept_as)
}

/// Where a link leads.
pub fn link(here: &Here, secret: &str) -> String {
    format!("{}/app/settings/join?key={secret}", here.origin)
}

/// The page that has a link that was just made.
#[derive(Template)]
#[template(path = "resources/users/page/link.html")]
pub struct Link {
    /// What stands around it.
    pub frame: Frame,
    /// Whom it is for, and what it does.
    pub says: String,
    /// The link.
    pub link: String,
    /// The page to go back to.
    pub back: String,
}

impl Link {
    /// The page.
    pub fn page(&self) -> Reply {
        page(self)
    }
}
