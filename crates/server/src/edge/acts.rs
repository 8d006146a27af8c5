//! What the audit log calls a request: the same word for a form of a page as for the route of the API that does the same.

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use percent_encoding::percent_decode_str;

use crate::storage::audit::Act;

/// Routes whose address does not say it.
const NAMED: &[(&str, &str)] = &[
    ("DELETE /api/v2/organizations/{organization}/authentication-token", "authentication-tokens.delete"),
    ("DELETE /api/v2/teams/{id}/authentication-token", "authentication-tokens.delete"),
    ("DELETE /api/v2/team-projects/{id}", "team-access.delete"),
    ("DELETE /api/v2/team-workspaces/{id}", "team-access.delete"),
    ("PATCH /api/v2/team-projects/{id}", "team-access.update"),
    ("PATCH /api/v2/team-workspaces/{id}", "team-access.update"),
    ("PATCH /api/v2/workspaces/{workspace}/state-versions", "state-versions.roll-back"),
    ("POST /api/v2/organizations/{organization}/authentication-token", "authentication-tokens.create"),
    ("POST /api/v2/team-projects", "team-access.create"),
    ("POST /api/v2/team-workspaces", "team-access.create"),
    ("POST /api/v2/teams/{id}/authentication-token", "authentication-tokens.create"),
    ("POST /api/v2/varsets/{set}/relationships/vars", "vars.create"),
    ("POST /app/settings/tokens/make", "authentication-tokens.create"),
    ("POST /app/settings/tokens/{token}/revoke", "authentication-tokens.delete"),
    ("POST /app/{organization}/plans/{id}/approve", "stack-plans.approve"),
    ("POST /app/{organization}/plans/{id}/discard", "stack-plans.discard"),
    ("POST /app/{organization}/settings/connections/add", "oauth-clients.create"),
    ("POST /app/{organization}/settings/connections/{connection}/change", "oauth-clients.update"),
    ("POST /app/{organization}/settings/connections/{connection}/delete", "oauth-clients.delete"),
    ("POST /app/{organization}/settings/delete", "organizations.delete"),
    ("POST /app/{organization}/settings/limits/remove", "organizations.set-run-limits"),
    ("POST /app/{organization}/settings/limits/set", "organizations.set-run-limits"),
    ("POST /app/{organization}/settings/save", "organizations.update"),
    ("POST /app/{organization}/settings/teams/add", "teams.create"),
    ("POST /app/{organization}/settings/teams/{team}/add-member", "teams.add-users"),
    ("POST /app/{organization}/settings/teams/{team}/delete", "teams.delete"),
    ("POST /app/{organization}/settings/teams/{team}/grant", "team-access.create"),
    ("POST /app/{organization}/settings/teams/{team}/make-token", "authentication-tokens.create"),
    ("POST /app/{organization}/settings/teams/{team}/remove-member", "teams.remove-users"),
    ("POST /app/{organization}/settings/teams/{team}/save", "teams.update"),
    ("POST /app/{organization}/settings/teams/{team}/tokens/{token}/revoke", "authentication-tokens.delete"),
    ("POST /app/{organization}/settings/teams/{team}/withdraw", "team-access.delete"),
    ("POST /app/{organization}/settings/tokens/make", "authentication-tokens.create"),
    ("POST /app/{organization}/settings/tokens/{token}/revoke", "authentication-tokens.delete"),
    ("POST /app/{organization}/settings/variable-sets/add", "varsets.create"),
    ("POST /app/{organization}/settings/variable-sets/{variable_set}/attach", "varsets.add-workspaces"),
    ("POST /app/{organization}/settings/variable-sets/{variable_set}/delete", "varsets.delete"),
    ("POST /app/{organization}/settings/variable-sets/{variable_set}/detach", "varsets.remove-workspaces"),
    ("POST /app/{organization}/settings/variable-sets/{variable_set}/save", "varsets.update"),
    ("POST /app/{organization}/settings/variable-sets/{variable_set}/variables/add", "vars.create"),
    ("POST /app/{organization}/settings/variable-sets/{variable_set}/variables/{set_variable}/change", "vars.update"),
    ("POST /app/{organization}/settings/variable-sets/{variable_set}/variables/{set_variable}/delete", "vars.delete"),
    ("POST /app/{organization}/stacks/{stack}/destroy/start", "stacks.destroy"),
    ("POST /app/{organization}/workspaces/{workspace}/destroy/start", "runs.create"),
    ("POST /app/{organization}/workspaces/{workspace}/run", "runs.create"),
    ("POST /app/{organization}/workspaces/{workspace}/settings/delete", "workspaces.delete"),
    ("POST /app/{organization}/workspaces/{workspace}/settings/force-unlock", "workspaces.force-unlock"),
    ("POST /app/{organization}/workspaces/{workspace}/settings/lock", "workspaces.lock"),
    ("POST /app/{organization}/workspaces/{workspace}/settings/save", "workspaces.update"),
    ("POST /app/{organization}/workspaces/{workspace}/settings/unlock", "workspaces.unlock"),
    ("POST /app/{organization}/workspaces/{workspace}/states/{state}/roll-back", "state-versions.roll-back"),
    ("POST /app/{organization}/workspaces/{workspace}/triggers/add", "run-triggers.create"),
    ("POST /app/{organization}/workspaces/{workspace}/triggers/{trigger}/remove", "run-triggers.delete"),
    ("POST /app/{organization}/workspaces/{workspace}/variables/add", "vars.create"),
    ("POST /app/{organization}/workspaces/{workspace}/variables/{variable}/change", "vars.update"),
    ("POST /app/{organization}/workspaces/{workspace}/variables/{variable}/delete", "vars.delete"),
    ("POST /app/{organization}/{workspace}/runs/{run}/comment", "comments.create"),
    ("POST /app/{organization}/{workspace}/runs/{run}/confirm", "runs.apply"),
    ("POST /sign-in", "sessions.sign-in"),
    ("POST /sign-out", "sessions.sign-out"),
    ("POST /webhooks/vcs/{id}", "webhooks.receive"),
    ("PUT /signed/{seal}/configurations/{id}", "configuration-versions.upload"),
    ("PUT /signed/{seal}/json-states/{id}", "state-versions.upload-json"),
    ("PUT /signed/{seal}/states/{id}", "state-versions.upload"),
];

/// The request as the audit log will have it.
pub(super) fn act(request: &Request, id: &str) -> Act {
    let route = request.extensions().get::<MatchedPath>().map_or("/", MatchedPath::as_str);
    let action = action(request.method(), route);
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let target = if action.ends_with(".create") { String::new() } else { target(route, request.uri().path()) };
    Act::new(id, action, target, reads)
}

/// What it is to do something at a route (`workspaces.update`).
pub(super) fn action(method: &Method, route: &str) -> String {
    let whole = format!("{method} {route}");
    if let Some((_, name)) = NAMED.iter().find(|(known, _)| *known == whole) {
        return (*name).to_owned();
    }
    let parts: Vec<_> = route.trim_start_matches("/api/v2").split('/').filter(|part| !part.is_empty()).collect();
    let Some((last, before)) = parts.split_last() else { return "pages.read".to_owned() };
    let thing = before.iter().rev().find(|part| !is_open(part) && **part != "actions" && **part != "relationships");
    let thing = thing.copied().unwrap_or("pages");
    if is_open(last) {
        return format!("{thing}.{}", verb(method, "read", "create", "update", "delete"));
    }
    let is_of_page = route.starts_with("/app") && *method != Method::GET;
    if is_of_page || before.last() == Some(&"actions") {
        return format!("{thing}.{last}");
    }
    if *method == Method::GET || (*method == Method::POST && before.last() != Some(&"relationships")) {
        return format!("{last}.{}", verb(method, "read", "create", "update", "delete"));
    }
    format!("{thing}.{}-{last}", verb(method, "read", "add", "set", "remove"))
}

fn verb<'a>(method: &Method, get: &'a str, post: &'a str, change: &'a str, delete: &'a str) -> &'a str {
    match *method {
        Method::POST => post,
        Method::PATCH | Method::PUT => change,
        Method::DELETE => delete,
        _ => get,
    }
}

/// What stands at the last open place of a route.
fn target(route: &str, path: &str) -> String {
    let pairs: Vec<_> = route.split('/').zip(path.split('/')).collect();
    let last = pairs.iter().rev().find(|(part, _)| is_open(part) && *part != "{seal}").map_or("", |(_, value)| value);
    let text = percent_decode_str(last).decode_utf8_lossy();
    text.chars().filter(|c| !c.is_control()).take(255).collect()
}

fn is_open(part: &str) -> bool {
    part.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_a_page_is_called_as_the_route_of_the_api() {
        for (method, route, name) in [
            (Method::POST, "/api/v2/runs/{id}/actions/apply", "runs.apply"),
            (Method::POST, "/app/{organization}/{workspace}/runs/{run}/confirm", "runs.apply"),
            (Method::POST, "/app/{organization}/{workspace}/runs/{run}/cancel", "runs.cancel"),
            (Method::PATCH, "/api/v2/organizations/{organization}/workspaces/{name}", "workspaces.update"),
            (Method::POST, "/api/v2/organizations/{organization}/workspaces", "workspaces.create"),
            (Method::DELETE, "/api/v2/varsets/{id}/relationships/projects", "varsets.remove-projects"),
            (Method::PATCH, "/api/v2/varsets/{set}/relationships/vars/{id}", "vars.update"),
            (Method::PATCH, "/api/v2/workspaces/{id}/tag-bindings", "workspaces.set-tag-bindings"),
            (Method::GET, "/api/v2/runs/{id}/plan", "plan.read"),
        ] {
            assert_eq!(action(&method, route), name, "{method} {route}");
        }
    }

    #[test]
    fn every_name_is_of_a_route_that_there_is() {
        let all: Vec<_> = crate::edge::listed().iter().map(|(method, path)| format!("{method} {path}")).collect();
        for (route, _) in NAMED {
            assert!(all.iter().any(|it| it == route), "{route}");
        }
    }

    #[test]
    fn what_a_request_is_about_stands_at_the_last_open_place() {
        assert_eq!(target("/api/v2/runs/{id}/actions/apply", "/api/v2/runs/run-1/actions/apply"), "run-1");
        assert_eq!(target("/a/{organization}/{name}", "/a/acme/my%20net%0A"), "my net");
        assert_eq!(target("/signed/{seal}/states/{id}", "/signed/secret/states/sv-1"), "sv-1");
        assert_eq!(target("/sign-in", "/sign-in"), "");
    }
}
