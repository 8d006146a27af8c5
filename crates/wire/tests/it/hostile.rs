//! Hostile bytes as documents and queries.

use serde::de::DeserializeOwned;
use wire::query::{
    AccessQuery, HeldQuery, ListQuery, LogQuery, PageQuery, ProjectsQuery, ReadQuery, RunQuery, RunTriggersQuery,
    RunsQuery, StateVersionsQuery, TeamsQuery, TokenQuery, VariableSetsQuery, WorkspacesQuery,
};

#[test]
fn no_document_makes_a_request_panic() {
    fn read<T: DeserializeOwned>(bytes: &[u8]) {
        drop(wire::read::<T>(bytes));
    }
    let seeds: &[&[u8]] = &[
        br#"{"data":{"type":"workspaces","attributes":{"name":"a","auto-apply":true,"trigger-patterns":["*"],"execution-mode":"remote","vcs-repo":{"identifier":"a/b","oauth-token-id":"ot-1"},"setting-overwrites":{"execution-mode":true}},"relationships":{"project":{"data":{"type":"projects","id":"prj-1"}},"tag-bindings":{"data":[{"type":"tag-bindings","attributes":{"key":"a","value":"b"}}]}}}}"#,
        br#"{"data":{"type":"runs","attributes":{"message":"m","is-destroy":false,"plan-only":null,"target-addrs":["a.b"],"variables":[{"key":"a","value":"1"}]},"relationships":{"workspace":{"data":{"type":"workspaces","id":"ws-1"}}}}}"#,
        br#"{"data":{"type":"vars","attributes":{"key":"a","value":"b","category":"terraform","hcl":true,"sensitive":"false"}}}"#,
        br#"{"data":{"type":"state-versions","attributes":{"serial":1,"md5":"x","lineage":"l","state":"e30=","force":false}}}"#,
        br#"{"data":{"type":"teams","attributes":{"name":"t","organization-access":{"manage-vcs-settings":true}}}}"#,
        br#"{"data":{"attributes":{"auto-destroy-at":"2026-01-01T00:00:00.000Z","auto-destroy-activity-duration":"14d"}}}"#,
        br#"{"data":[{"type":"users","id":"user-1"}],"included":[],"meta":{}}"#,
    ];
    fuzz::survives("wire-documents", seeds, &|bytes| {
        read::<wire::workspaces::WorkspaceBody>(bytes);
        read::<wire::runs::RunBody>(bytes);
        read::<wire::variables::VariableBody>(bytes);
        read::<wire::variable_sets::VariableSetBody>(bytes);
        read::<wire::state_versions::StateVersionBody>(bytes);
        read::<wire::state_versions::RollbackBody>(bytes);
        read::<wire::teams::TeamBody>(bytes);
        read::<wire::team_access::TeamWorkspaceBody>(bytes);
        read::<wire::team_access::TeamProjectBody>(bytes);
        read::<wire::projects::ProjectBody>(bytes);
        read::<wire::organizations::OrganizationBody>(bytes);
        read::<wire::oauth_clients::OauthClientBody>(bytes);
        read::<wire::configuration_versions::ConfigurationVersionBody>(bytes);
        read::<wire::stacks::StackBody>(bytes);
        read::<wire::stack_plans::StackPlanBody>(bytes);
        read::<wire::run_triggers::RunTriggerBody>(bytes);
        read::<wire::authentication_tokens::AuthenticationTokenBody>(bytes);
        read::<wire::comments::CommentBody>(bytes);
    });
}

#[test]
fn no_query_makes_a_list_panic() {
    fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
        serde_qs::Config::new().use_form_encoding(true).deserialize_str(text).ok()
    }
    fn in_bounds(page: PageQuery) {
        assert!(page.number() >= 1 && (1..=100).contains(&page.size()));
        let _ = page.offset();
    }
    let seeds: &[&[u8]] = &[
        b"page[number]=3&page[size]=50",
        b"page%5Bnumber%5D=18446744073709551615&page%5Bsize%5D=100",
        b"filter[tagged][0][key]=a&filter[tagged][1][value]=b&search[name]=x&search[tags]=a,b&sort=-name",
        b"filter[operation]=plan_only,plan_and_apply&filter[status]=pending&include=workspace.project,plan",
        b"filter[workspace][name]=a&filter[organization][name]=b&filter%5Brun-trigger%5D%5Btype%5D=inbound",
        b"offset=10&limit=65536&unless-status=applied",
    ];
    fuzz::survives("wire-queries", seeds, &|bytes| {
        let text = String::from_utf8_lossy(bytes);
        read::<WorkspacesQuery>(&text).into_iter().for_each(|query| in_bounds(query.page));
        read::<ListQuery>(&text).into_iter().for_each(|query| in_bounds(query.page));
        let _ = read::<RunsQuery>(&text);
        let _ = read::<RunQuery>(&text);
        let _ = read::<StateVersionsQuery>(&text);
        let _ = read::<ProjectsQuery>(&text);
        let _ = read::<TeamsQuery>(&text);
        let _ = read::<AccessQuery>(&text);
        let _ = read::<VariableSetsQuery>(&text);
        let _ = read::<RunTriggersQuery>(&text);
        let _ = read::<ReadQuery>(&text);
        let _ = read::<HeldQuery>(&text);
        let _ = read::<TokenQuery>(&text);
        let _ = read::<LogQuery>(&text);
    });
}
