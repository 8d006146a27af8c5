//! Query parameters as clients send them, read the way the server reads them.

use serde::de::DeserializeOwned;
use wire::query::{
    ListQuery, LogQuery, PageQuery, ProjectsQuery, ReadQuery, RunsQuery, StateVersionsQuery, WorkspacesQuery,
};

fn read<T: DeserializeOwned>(query: &str) -> T {
    serde_qs::Config::new().use_form_encoding(true).deserialize_str(query).unwrap_or_else(|e| panic!("{query}: {e}"))
}

#[test]
fn an_empty_query_asks_for_the_first_page_of_the_usual_size() {
    let query: WorkspacesQuery = read("");
    assert!(query.page.is_absent());
    assert_eq!((query.page.number(), query.page.size(), query.page.offset()), (1, 20, 0));
}

#[test]
fn brackets_are_read_encoded_and_plain() {
    for query in ["page[number]=3&page[size]=50", "page%5Bnumber%5D=3&page%5Bsize%5D=50"] {
        let query: WorkspacesQuery = read(query);
        assert_eq!(query.page, PageQuery { number: Some(3), size: Some(50) });
        assert_eq!(query.page.offset(), 100);
    }
}

#[test]
fn a_page_that_is_no_page_is_brought_within_bounds() {
    let query: ListQuery = read("page[number]=0&page[size]=1000");
    assert_eq!((query.page.number(), query.page.size()), (1, 100));
    let query: ListQuery = read("page[number]=&page[size]=many");
    assert_eq!((query.page.number(), query.page.size()), (1, 20));
}

#[test]
fn tag_filters_are_read_in_any_order_beside_the_junk_that_the_cli_sends() {
    let query: WorkspacesQuery = read(
        "TagBindings=%7B+app+x%7D&filter%5Btagged%5D%5B1%5D%5Bkey%5D=team&filter%5Btagged%5D%5B0%5D%5Bvalue%5D=x\
         &filter%5Btagged%5D%5B0%5D%5Bkey%5D=app&page%5Bsize%5D=100",
    );
    let tagged: Vec<_> = query.filter.tagged.values().map(|tag| (tag.key.as_str(), tag.value.as_deref())).collect();
    assert_eq!(tagged, [("app", Some("x")), ("team", None)]);
}

#[test]
fn a_list_of_workspaces_is_searched_and_filtered() {
    let query: WorkspacesQuery = read(
        "search[name]=net&search[tags]=a,%20b&search[exclude-tags]=c&search[wildcard-name]=*-prod\
         &filter[project][id]=prj-1&filter[current-run][status]=planned,applied&sort=-name",
    );
    assert_eq!(query.search.name.as_deref(), Some("net"));
    assert_eq!(query.search.tags.iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(query.search.exclude_tags.iter().collect::<Vec<_>>(), ["c"]);
    assert_eq!(query.search.wildcard_name.as_deref(), Some("*-prod"));
    assert_eq!(query.filter.project.id.as_deref(), Some("prj-1"));
    assert_eq!(query.filter.current_run.status.iter().collect::<Vec<_>>(), ["planned", "applied"]);
    assert_eq!(query.sort.as_deref(), Some("-name"));
}

#[test]
fn includes_of_go_tfe_and_pytfe_mean_the_same() {
    let query: ReadQuery = read("include=task-stages,created_by,current_run.plan");
    for path in ["task_stages", "task-stages", "created-by", "current_run", "current_run.plan"] {
        assert!(query.include.has(path), "{path}");
    }
    for path in ["current_run.plan.exports", "current", "plan", "created_by.team"] {
        assert!(!query.include.has(path), "{path}");
    }
}

#[test]
fn runs_are_filtered_by_comma_lists() {
    let query: RunsQuery = read(
        "filter[status]=pending%2Cplanning&filter[operation]=plan_only&filter[status_group]=non_final\
         &filter[workspace_names]=a,b&search[basic]=x&include=",
    );
    assert_eq!(query.filter.status.iter().collect::<Vec<_>>(), ["pending", "planning"]);
    assert_eq!(query.filter.operation.iter().collect::<Vec<_>>(), ["plan_only"]);
    assert_eq!(query.filter.status_group.as_deref(), Some("non_final"));
    assert_eq!(query.filter.workspace_names.iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(query.search.basic.as_deref(), Some("x"));
    assert!(query.include.is_empty());
}

#[test]
fn a_search_is_a_text_or_a_text_for_each_attribute() {
    let query: ListQuery = read("q=fancy");
    assert_eq!(query.q.anywhere.as_deref(), Some("fancy"));
    let query: ListQuery = read("q[name]=fancy&q[email]=ops");
    assert_eq!((query.q.name.as_deref(), query.q.email.as_deref()), (Some("fancy"), Some("ops")));
    let query: ListQuery = read("q=");
    assert_eq!(query.q, wire::query::Search::default());
}

#[test]
fn projects_and_state_versions_are_found_by_name() {
    let query: ProjectsQuery = read("filter%5Bnames%5D=Default+Project");
    assert_eq!(query.filter.names.iter().collect::<Vec<_>>(), ["Default Project"]);
    let query: StateVersionsQuery = read("filter[workspace][name]=net&filter[organization][name]=fancycorp");
    assert_eq!(query.filter.workspace.name.as_deref(), Some("net"));
    assert_eq!(query.filter.organization.name.as_deref(), Some("fancycorp"));
}

#[test]
fn a_log_is_read_from_an_offset() {
    let query: LogQuery = read("limit=65536&offset=12");
    assert_eq!((query.limit, query.offset), (Some(65536), Some(12)));
    assert_eq!(read::<LogQuery>(""), LogQuery::default());
}
