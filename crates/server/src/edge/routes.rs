//! [`Routes`]: a router that remembers what is in it, so that a test can hold the list against the table of permissions.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodRouter, delete, get, patch, post, put};

use crate::app::App;

/// Routes of a room. Paths are below `/api/v2`, but for those that begin with `/signed/` or
/// `/webhooks/`.
#[derive(Default)]
pub struct Routes {
    router: Router<App>,
    listed: Vec<(&'static str, String)>,
}

macro_rules! methods {
    ($($name:ident = $text:literal, $make:ident;)*) => {$(
        #[doc = concat!("Adds a `", $text, "`.")]
        #[must_use]
        pub fn $name<H, T>(self, path: &str, handler: H) -> Self
        where
            H: Handler<T, App>,
            T: 'static,
        {
            self.add($text, path, $make(handler))
        }
    )*};
}

impl Routes {
    methods! {
        get = "GET", get;
        post = "POST", post;
        put = "PUT", put;
        patch = "PATCH", patch;
        delete = "DELETE", delete;
    }

    /// Adds a `GET` whose path is below nothing.
    #[must_use]
    pub fn get_at_root<H, T>(self, path: &str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add_whole("GET", path, get(handler))
    }

    /// Adds a `POST` whose path is below nothing.
    #[must_use]
    pub fn post_at_root<H, T>(self, path: &str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add_whole("POST", path, post(handler))
    }

    /// Adds those of another room.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.listed.extend(other.listed);
        self
    }

    pub(super) fn into_parts(self) -> (Router<App>, Vec<(&'static str, String)>) {
        (self.router, self.listed)
    }

    fn add(self, method: &'static str, path: &str, handler: MethodRouter<App>) -> Self {
        let is_whole = path.starts_with("/signed/") || path.starts_with("/webhooks/");
        let path = if is_whole { path.to_owned() } else { format!("/api/v2{path}") };
        self.add_whole(method, &path, handler)
    }

    fn add_whole(mut self, method: &'static str, path: &str, handler: MethodRouter<App>) -> Self {
        self.router = self.router.route(path, handler);
        self.listed.push((method, path.to_owned()));
        self
    }
}
