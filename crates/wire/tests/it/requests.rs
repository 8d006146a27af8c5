//! Requests as clients really send them, sloppiness included.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wire::configuration_versions::ConfigurationVersionBody;
use wire::projects::{ProjectBody, ProjectRequest};
use wire::run_limits::RunLimitBody;
use wire::runs::RunBody;
use wire::state_versions::{RollbackBody, StateOutput, StateVersionBody};
use wire::tag_bindings::TagBindingItem;
use wire::tags::TagItems;
use wire::team_access::TeamProjectBody;
use wire::teams::TeamBody;
use wire::variable_sets::VariableSetBody;
use wire::variables::VariableBody;
use wire::words::{ExecutionMode, VariableCategory};
use wire::workspaces::{SshKeyBody, WorkspaceBody, WorkspaceRequest};
use wire::{ActionRequest, Identifiers, Items, Request};

fn read<T: DeserializeOwned>(body: Value) -> T {
    wire::read(body.to_string().as_bytes()).unwrap_or_else(|e| panic!("{body}: {e}"))
}

#[test]
fn a_lock_says_its_reason_in_each_of_its_forms() {
    for body in [
        r#"{"data":{"type":"","attributes":{"reason":"Locked by Terraform"}}}"#,
        r#"{"reason":"Locked by Terraform"}"#,
        r#"{"reason":"Locked by Terraform","data":null}"#,
    ] {
        assert_eq!(ActionRequest::read(body.as_bytes()).unwrap().reason.as_deref(), Some("Locked by Terraform"));
    }
}

#[test]
fn an_action_may_say_nothing_in_many_ways() {
    for body in
        ["", " \n", "{}", "null", r#"{"data":null}"#, r#"{"comment":null}"#, r#"{"comment":""}"#, r#"{"data":{}}"#]
    {
        assert_eq!(ActionRequest::read(body.as_bytes()).unwrap(), ActionRequest::default(), "{body}");
    }
    assert_eq!(ActionRequest::read(br#"{"comment":"go"}"#).unwrap().comment.as_deref(), Some("go"));
}

#[test]
fn an_action_that_is_not_json_is_refused() {
    assert!(ActionRequest::read(b"reason=x").is_err());
}

#[test]
fn an_array_is_no_object_wherever_it_stands() {
    for body in [
        json!({ "data": { "attributes": ["dev"] } }),
        json!({ "data": { "attributes": { "vcs-repo": ["a/b", "main"] } } }),
        json!({ "data": { "attributes": {}, "relationships": [{ "data": { "id": "prj-1" } }] } }),
        json!({ "data": { "attributes": {}, "relationships": { "project": [{ "id": "prj-1" }] } } }),
        json!({ "data": { "attributes": {}, "relationships": { "project": { "data": ["prj-1", "projects"] } } } }),
        json!({ "data": { "relationships": { "tags": { "data": [["tags", "1"]] } } } }),
        json!({ "data": [null, "workspaces", { "name": "dev" }, null] }),
        json!([{ "attributes": { "name": "dev" } }]),
    ] {
        let error = wire::read::<WorkspaceBody>(body.to_string().as_bytes()).expect_err(&body.to_string());
        assert!(error.to_string().starts_with("invalid type: sequence, expected an object"), "{body}: {error}");
    }
    assert!(ActionRequest::read(br#"{"data":{"attributes":["Locked by Terraform"]}}"#).is_err());
    assert!(wire::read::<Identifiers>(br#"{"data":[["ws-1","workspaces"]]}"#).is_err());
    assert!(wire::read::<WorkspaceBody>(br#"{"data":{}} {}"#).is_err(), "two documents");
}

#[test]
fn the_workspace_that_the_cli_creates_is_read_with_its_tags() {
    let body: WorkspaceBody =
        read(json!({"data": {"type": "workspaces", "attributes": {"name": "dev"}, "relationships": {
            "project": {"data": {"type": "projects", "id": "prj-1"}},
            "tags": {"data": [{"type": "tags", "attributes": {"name": "app"}}]},
            "tag-bindings": {"data": [{"type": "tag-bindings", "attributes": {"key": "team"}}]},
        }}}));
    let (attributes, relationships) = body.into_parts();
    assert_eq!(attributes.name.as_deref(), Some("dev"));
    assert_eq!(relationships.project.unwrap().id(), Some("prj-1"));
    assert_eq!(relationships.tags.unwrap().data[0].name(), Some("app"));
    assert_eq!(relationships.tag_bindings.unwrap().data, [TagBindingItem::new("team", "")]);
}

#[test]
fn what_pytfe_adds_to_a_workspace_says_nothing() {
    let body: WorkspaceBody = read(json!({"data": {"type": "workspaces", "attributes": {
        "name": "dev", "type": "workspaces", "execution-mode": "remote", "vcs-repo": {}, "setting-overwrites": {},
        "hyok-enabled": false, "project": {"id": "prj-1"},
    }}}));
    let expected = WorkspaceRequest {
        name: Some("dev".to_owned()),
        execution_mode: Some(ExecutionMode::Remote),
        setting_overwrites: Some(Default::default()),
        ..Default::default()
    };
    assert_eq!(body.data.attributes, expected);
    assert!(body.data.relationships.project.is_none());
}

#[test]
fn a_patch_tells_absent_null_and_a_value_apart() {
    let of = |attributes: Value| {
        read::<WorkspaceBody>(json!({"data": {"type": "workspaces", "attributes": attributes}})).data.attributes
    };
    let absent = of(json!({}));
    assert_eq!((absent.description, absent.vcs_repo, absent.auto_destroy_at), (None, None, None));
    let null = of(
        json!({"description": null, "vcs-repo": null, "auto-destroy-at": null, "auto-destroy-activity-duration": null}),
    );
    assert_eq!((null.description, null.vcs_repo, null.auto_destroy_at), (Some(None), Some(None), Some(None)));
    assert_eq!(null.auto_destroy_activity_duration, Some(None));
    let value =
        of(json!({"description": "net", "vcs-repo": {"identifier": "o/r"}, "auto-destroy-at": "2030-01-01T00:00:00Z"}));
    assert_eq!(value.description, Some(Some("net".to_owned())));
    assert_eq!(value.vcs_repo.unwrap().unwrap().identifier.as_deref(), Some("o/r"));
    assert_eq!(value.auto_destroy_at.unwrap().unwrap().to_string(), "2030-01-01T00:00:00.000Z");
}

#[test]
fn a_patch_survives_the_way_out_and_in() {
    let cleared = WorkspaceRequest {
        description: Some(None),
        vcs_repo: Some(None),
        agent_pool_id: Some(None),
        auto_apply: Some(true),
        ..Default::default()
    };
    let body = serde_json::to_value(Request::<_, wire::NoRelationships>::new(cleared.clone())).unwrap();
    assert_eq!(
        body["data"]["attributes"],
        json!({"description": null, "vcs-repo": null, "agent-pool-id": null, "auto-apply": true})
    );
    assert_eq!(read::<WorkspaceBody>(body).data.attributes, cleared);
}

#[test]
fn null_where_nothing_can_be_cleared_is_absent() {
    let body: WorkspaceBody =
        read(json!({"data": {"attributes": {"auto-apply": null, "terraform-version": null, "agent-pool-id": ""}}}));
    let expected = WorkspaceRequest { agent_pool_id: Some(None), ..Default::default() };
    assert_eq!(body.data.attributes, expected);
}

#[test]
fn a_body_may_lack_everything_but_data() {
    for body in [
        json!({"data": {}}),
        json!({"data": {"id": null, "type": null, "attributes": null, "relationships": null}}),
        json!({"data": {"id": "ws-1", "type": "", "attributes": {}}, "meta": {}}),
    ] {
        assert_eq!(read::<WorkspaceBody>(body).data.attributes, WorkspaceRequest::default());
    }
    assert!(serde_json::from_str::<WorkspaceBody>("{}").is_err());
}

#[test]
fn what_pytfe_adds_to_a_run_is_passed_over() {
    let body: RunBody = read(json!({"data": {"type": "runs",
        "attributes": {
            "type": "runs", "message": "hi", "workspace": {"id": "ws-1", "trigger-prefixes": []},
            "configuration-version": {"id": "cv-1", "speculative": false}, "variables": [{"key": "a", "value": "\"b\""}],
        },
        "relationships": {
            "workspace": {"data": {"type": "workspaces", "id": "ws-1"}},
            "configuration-version": {"data": {"type": "configuration-versions", "id": "cv-1"}},
        },
    }}));
    let (attributes, relationships) = body.into_parts();
    assert_eq!(attributes.message.as_deref(), Some("hi"));
    assert_eq!(attributes.variables.unwrap()[0].value, "\"b\"");
    assert_eq!(relationships.workspace_id(), Some("ws-1"));
    assert_eq!(relationships.configuration_version_id(), Some("cv-1"));
}

#[test]
fn a_team_may_be_told_of_rights_that_are_null_or_unknown() {
    let body = json!({ "data": { "type": "teams", "attributes": {
        "name": "crew", "sso-team-id": null, "visibility": null,
        "organization-access": { "manage-teams": true, "manage-stars": false, "read-projects": null },
    }}});
    let (team, _) = read::<TeamBody>(body).into_parts();
    assert_eq!((team.sso_team_id, team.visibility), (Some(None), None));
    assert_eq!(team.organization_access.unwrap()["read-projects"], None);
}

#[test]
fn access_of_a_team_is_read_with_the_type_that_pytfe_sends() {
    let body = json!({ "data": {
        "type": "team-project-access",
        "attributes": { "access": "custom", "workspace-access": { "move": true, "runs": "plan" } },
        "relationships": { "team": { "data": { "type": "teams", "id": "team-1" } } },
    }});
    let (access, relationships) = read::<TeamProjectBody>(body).into_parts();
    assert_eq!(access.workspace_access.unwrap().relocate, Some(true));
    assert_eq!((relationships.team.id(), relationships.project.id()), (Some("team-1"), None));
}

#[test]
fn a_limit_that_is_taken_away_is_not_one_that_is_left_out() {
    for (limit, read_as) in
        [(json!({"limit": null}), Some(None)), (json!({"limit": 2}), Some(Some(2))), (json!({}), None)]
    {
        let body: RunLimitBody = read(json!({"data": {"attributes": limit}}));
        assert_eq!(body.data.attributes.limit, read_as);
    }
}

#[test]
fn a_run_without_a_configuration_is_read_in_each_of_its_forms() {
    for configuration in
        [json!({"data": null}), json!(null), json!({}), json!({"data": {"type": "configuration-versions", "id": ""}})]
    {
        let body: RunBody =
            read(json!({"data": {"type": "runs", "attributes": {"is-destroy": true}, "relationships": {
                "workspace": {"data": {"id": "ws-1"}}, "configuration-version": configuration,
            }}}));
        assert_eq!(body.data.relationships.workspace_id(), Some("ws-1"));
        assert_eq!(body.data.relationships.configuration_version_id(), None);
    }
}

#[test]
fn relationship_bodies_are_lists_of_identifiers_also_when_something_is_deleted() {
    let body: Identifiers = read(json!({"data": [{"type": "workspaces", "id": "ws-1"}, {"id": "ws-2"}]}));
    assert_eq!(body.data.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["ws-1", "ws-2"]);
    for body in [json!({"data": []}), json!({"data": null}), json!({})] {
        assert!(read::<Identifiers>(body).data.is_empty());
    }
}

#[test]
fn tags_are_named_by_id_or_by_name() {
    let body: TagItems = read(json!({"data": [
        {"type": "tags", "id": "tag-1"},
        {"type": "tags", "attributes": {"name": "app"}},
        {"type": "tags", "id": "", "attributes": {"name": "team"}},
    ]}));
    let tags: Vec<_> = body.data.iter().map(|tag| (tag.id(), tag.name())).collect();
    assert_eq!(tags, [(Some("tag-1"), None), (None, Some("app")), (None, Some("team"))]);
}

#[test]
fn tag_bindings_are_read_with_and_without_a_value() {
    let body: Items<TagBindingItem> = read(json!({"data": [
        {"type": "tag-bindings", "attributes": {"key": "app", "value": "x"}},
        {"type": "tag-bindings", "id": "tb-1", "attributes": {"key": "team", "value": null}},
        {"attributes": {"key": "flat"}},
    ]}));
    let pairs: Vec<_> =
        body.data.iter().map(|item| (item.attributes.key.as_str(), item.attributes.value.as_str())).collect();
    assert_eq!(pairs, [("app", "x"), ("team", ""), ("flat", "")]);
}

#[test]
fn the_state_that_the_cli_uploads_is_read_with_its_run() {
    let body: StateVersionBody = read(json!({"data": {"type": "state-versions",
        "attributes": {"force": false, "json-state-outputs": "e30=", "lineage": "l", "md5": "d41d", "serial": 1},
        "relationships": {"run": {"data": {"type": "runs", "id": "run-1"}}},
    }}));
    let (attributes, relationships) = body.into_parts();
    assert_eq!((attributes.serial, attributes.force, attributes.state), (Some(1), Some(false), None));
    assert_eq!(relationships.run.unwrap().id(), Some("run-1"));
    let body: StateVersionBody =
        read(json!({"data": {"type": "state-versions", "attributes": {"serial": 2, "md5": "x"}}}));
    assert!(body.data.relationships.run.is_none());
}

#[test]
fn the_outputs_inside_a_state_upload_are_read() {
    let output: StateOutput = read(json!({"sensitive": true, "value": ["a"], "type": ["list", "string"]}));
    assert_eq!((output.sensitive, output.value, output.detailed_type), (true, json!(["a"]), json!(["list", "string"])));
}

#[test]
fn a_rollback_names_the_older_state_version() {
    let body: RollbackBody = read(json!({"data": {"type": "state-versions", "relationships": {
        "rollback-state-version": {"data": {"type": "state-versions", "id": "sv-1"}},
    }}}));
    assert_eq!(body.data.relationships.rollback_state_version.id(), Some("sv-1"));
}

#[test]
fn the_configuration_that_the_cli_announces_is_read() {
    let body: ConfigurationVersionBody = read(json!({"data": {"type": "configuration-versions", "attributes": {
        "auto-queue-runs": false, "provisional": false, "speculative": true,
    }}}));
    assert_eq!(body.data.attributes.speculative, Some(true));
    assert_eq!(
        read::<ConfigurationVersionBody>(json!({"data": {"attributes": {}}})).data.attributes.auto_queue_runs,
        None
    );
}

#[test]
fn a_variable_of_an_unknown_category_is_refused_with_the_list() {
    let body: VariableBody =
        read(json!({"data": {"type": "vars", "attributes": {"key": "a", "value": null, "category": "env"}}}));
    assert_eq!((body.data.attributes.category, body.data.attributes.value), (Some(VariableCategory::Env), None));
    let error = serde_json::from_str::<VariableBody>(r#"{"data":{"attributes":{"category":"shell"}}}"#).unwrap_err();
    assert!(error.to_string().contains("\"shell\" is none of terraform, env, policy-set"), "{error}");
}

#[test]
fn a_project_keeps_its_tag_bindings_when_none_are_sent() {
    let body: ProjectBody = read(json!({"data": {"type": "projects", "attributes": {"description": null}}}));
    assert_eq!(body.data.attributes, ProjectRequest { description: Some(None), ..Default::default() });
    assert_eq!(body.data.relationships.tag_bindings, None);
    let body: ProjectBody = read(json!({"data": {"relationships": {"tag-bindings": {"data": []}}}}));
    assert_eq!(body.data.relationships.tag_bindings, Some(Items::default()));
}

#[test]
fn an_ssh_key_is_taken_away_with_null() {
    let of = |id: Value| read::<SshKeyBody>(json!({"data": {"type": "workspaces", "attributes": {"id": id}}}));
    assert_eq!(of(json!(null)).data.attributes.id, None);
    assert_eq!(of(json!("sshkey-1")).data.attributes.id.as_deref(), Some("sshkey-1"));
}

#[test]
fn a_variable_set_is_read_with_what_the_clients_put_into_it() {
    // pytfe and the provider send the parent as a relationship, the documentation first variables beside it.
    let body: VariableSetBody = read(json!({"data": {
        "type": "varsets", "id": "varset-1",
        "attributes": {"name": "s", "description": null, "global": false},
        "relationships": {
            "parent": {"data": {"type": "projects", "id": "prj-1"}},
            "workspaces": {"data": [{"type": "workspaces", "id": "ws-1"}]},
            "vars": {"data": [{"type": "vars", "attributes": {"key": "k", "category": "env", "hcl": null}}]},
            "stacks": {"data": []},
        },
    }}));
    let (attributes, relationships) = body.into_parts();
    assert_eq!(attributes.description, Some(None));
    assert_eq!(attributes.priority, None);
    assert_eq!(relationships.parent.unwrap().id(), Some("prj-1"));
    assert_eq!(relationships.workspaces.unwrap().data[0].id, "ws-1");
    assert_eq!(relationships.vars.unwrap().data[0].attributes.key.as_deref(), Some("k"));
    assert!(relationships.projects.is_none(), "absent leaves what there is");
}
