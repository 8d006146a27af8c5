//! Every document as it stands on the network, in `tests/golden`. After a wanted change: `UPDATE_EXPECT=1`.

mod access;
mod stack_plans;
mod stacks;

use domain::run::{PhaseStatus, RunStatus};
use expect_test::{ExpectFile, expect_file};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wire::applies::{Apply, ApplyAttributes, ApplyRelationships};
use wire::authentication_tokens::{
    AuthenticationToken, AuthenticationTokenAttributes, AuthenticationTokenRelationships,
};
use wire::capacity::{Capacity, CapacityAttributes};
use wire::comments::{Comment, CommentAttributes, CommentRelationships};
use wire::configuration_versions::{
    ConfigurationVersion, ConfigurationVersionAttributes, ConfigurationVersionRelationships,
};
use wire::entitlement_sets::{EntitlementSet, EntitlementSetAttributes};
use wire::organizations::{Organization, OrganizationAttributes, OrganizationPermissions, OrganizationRelationships};
use wire::plans::{Plan, PlanAttributes, PlanPermissions, PlanRelationships};
use wire::projects::{Project, ProjectAttributes, ProjectPermissions, ProjectRelationships};
use wire::run_events::{RunEvent, RunEventAttributes, RunEventRelationships};
use wire::run_limits::{RunLimit, RunLimitAttributes};
use wire::run_triggers::{
    RunTrigger, RunTriggerAttributes, RunTriggerRelationships, SettledUpstream, TriggerDecision,
    TriggerDecisionAttributes, TriggerDecisionRelationships,
};
use wire::runs::{BlockedBy, Run, RunActions, RunAttributes, RunPermissions, RunRelationships};
use wire::state_version_outputs::{StateVersionOutput, StateVersionOutputAttributes};
use wire::state_versions::{StateResource, StateVersion, StateVersionAttributes, StateVersionRelationships};
use wire::tag_bindings::{EffectiveTagBinding, EffectiveTagBindingAttributes, TagBinding, TagBindingAttributes};
use wire::tags::{Tag, TagAttributes, TagRelationships};
use wire::task_stages::TaskStage;
use wire::users::{TwoFactor, User, UserAttributes, UserPermissions, UserRelationships};
use wire::variable_sets::{VariableSet, VariableSetAttributes, VariableSetPermissions, VariableSetRelationships};
use wire::variables::{Variable, VariableAttributes, VariableRelationships};
use wire::words::{ConfigurationStatus, EdgeKind, OutputType, RunSource, StateStatus, TriggerOutcome, UpstreamOutcome};
use wire::workspace_edges::{WorkspaceEdge, WorkspaceEdgeAttributes, WorkspaceEdgeRelationships};
use wire::workspace_outputs::{WorkspaceOutput, WorkspaceOutputAttributes};
use wire::workspaces::{
    VcsRepo, Workspace, WorkspaceActions, WorkspaceAttributes, WorkspacePermissions, WorkspaceRelationships,
};
use wire::{Document, ErrorDocument, ErrorObject, Identifiers, Linked, Pagination, Timestamp, ToMany, ToOne, kind};

/// Compares with the golden file, and reads what was written back into the same value.
fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(document: &T, golden: ExpectFile) {
    let text = serde_json::to_string_pretty(document).unwrap() + "\n";
    golden.assert_eq(&text);
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), document);
}

/// A moment some seconds after the first of January 2026.
fn at(second: u32) -> Timestamp {
    serde_json::from_value(json!(format!("2026-01-01T00:00:{second:02}.5Z"))).unwrap()
}

#[test]
fn an_organization() {
    let organization = Organization::new(
        "fancycorp",
        OrganizationAttributes {
            name: "fancycorp".to_owned(),
            external_id: "org-1".to_owned(),
            email: "ops@fancycorp.example".to_owned(),
            created_at: at(0),
            collaborator_auth_policy: "password".to_owned(),
            permissions: OrganizationPermissions::all(true),
            ..Default::default()
        },
    )
    .related(OrganizationRelationships {
        default_project: ToOne::new(kind::PROJECTS, "prj-1"),
        entitlement_set: ToOne::new(kind::ENTITLEMENT_SETS, "org-1"),
        authentication_token: Linked::related("/api/v2/organizations/fancycorp/authentication-token"),
        ..Default::default()
    })
    .linked("self", "/api/v2/organizations/fancycorp");
    check(&Document::new(organization), expect_file!["../golden/organization.json"]);
}

#[test]
fn what_an_organization_may_use_and_how_busy_it_is() {
    let entitlements = EntitlementSet::new("org-1", EntitlementSetAttributes::all());
    check(&Document::new(entitlements), expect_file!["../golden/entitlement_set.json"]);
    let capacity = Capacity::new("fancycorp", CapacityAttributes { pending: 2, running: 1, parked: 1 });
    check(&Document::new(capacity), expect_file!["../golden/capacity.json"]);
}

#[test]
fn a_project() {
    let project = Project::new(
        "prj-1",
        ProjectAttributes {
            name: "Default Project".to_owned(),
            created_at: at(0),
            workspace_count: 3,
            permissions: ProjectPermissions::all(true),
            ..Default::default()
        },
    )
    .related(ProjectRelationships {
        organization: ToOne::new(kind::ORGANIZATIONS, "fancycorp"),
        tag_bindings: Linked::related("/api/v2/projects/prj-1/tag-bindings"),
        effective_tag_bindings: Linked::related("/api/v2/projects/prj-1/effective-tag-bindings"),
        ..Default::default()
    })
    .linked("self", "/api/v2/projects/prj-1");
    check(&Document::new(project), expect_file!["../golden/project.json"]);
}

fn workspace() -> Workspace {
    Workspace::new(
        "ws-1",
        WorkspaceAttributes {
            name: "dev".to_owned(),
            environment: "default".to_owned(),
            created_at: at(0),
            updated_at: at(1),
            latest_change_at: at(2),
            operations: true,
            terraform_version: "1.11.4".to_owned(),
            allow_destroy_plan: true,
            structured_run_output_enabled: true,
            tag_names: vec!["app".to_owned()],
            actions: WorkspaceActions::all(true),
            permissions: WorkspacePermissions::all(true),
            ..Default::default()
        },
    )
    .related(WorkspaceRelationships {
        organization: ToOne::new(kind::ORGANIZATIONS, "fancycorp"),
        project: ToOne::new(kind::PROJECTS, "prj-1"),
        current_run: ToOne::new(kind::RUNS, "run-1").related("/api/v2/runs/run-1"),
        latest_run: ToOne::new(kind::RUNS, "run-1").related("/api/v2/runs/run-1"),
        locked_by: ToOne::maybe(kind::RUNS, None::<String>),
        outputs: ToMany::new(kind::WORKSPACE_OUTPUTS, ["wsout-1"]),
        remote_state_consumers: Linked::related("/api/v2/workspaces/ws-1/relationships/remote-state-consumers"),
        tag_bindings: Linked::related("/api/v2/workspaces/ws-1/tag-bindings"),
        effective_tag_bindings: Linked::related("/api/v2/workspaces/ws-1/effective-tag-bindings")
            .with(kind::EFFECTIVE_TAG_BINDINGS, ["tb-1"]),
        ..Default::default()
    })
    .linked("self", "/api/v2/organizations/fancycorp/workspaces/dev")
    .linked("self-html", "/app/fancycorp/workspaces/dev")
}

fn output() -> WorkspaceOutput {
    WorkspaceOutput::new(
        "wsout-1",
        WorkspaceOutputAttributes {
            name: "names".to_owned(),
            output_type: OutputType::Array,
            detailed_type: json!(["list", "string"]),
            value: json!(["a", "b"]),
            ..Default::default()
        },
    )
}

#[test]
fn a_workspace_with_its_outputs_included_once() {
    let mut document = Document::new(workspace());
    document.include(&output());
    document.include(&output());
    check(&document, expect_file!["../golden/workspace.json"]);
}

#[test]
fn a_workspace_with_a_repository_and_a_lock() {
    let mut workspace = workspace();
    workspace.attributes.vcs_repo = Some(VcsRepo {
        display_identifier: "fancycorp/net".to_owned(),
        identifier: "fancycorp/net".to_owned(),
        oauth_token_id: Some("ot-1".to_owned()),
        repository_http_url: "https://github.com/fancycorp/net".to_owned(),
        service_provider: "github".to_owned(),
        ..Default::default()
    });
    workspace.attributes.locked = true;
    workspace.attributes.locked_reason = Some("Locked by Terraform".to_owned());
    let locked_by = ToOne::new(kind::USERS, "user-1");
    workspace.relationships = Some(WorkspaceRelationships { locked_by, ..Default::default() });
    let document = serde_json::to_value(Document::new(workspace)).unwrap();
    let attributes = &document["data"]["attributes"];
    let shown = json!({
        "vcs-repo": attributes["vcs-repo"],
        "locked": attributes["locked"],
        "locked-reason": attributes["locked-reason"],
        "locked-by": document["data"]["relationships"]["locked-by"],
    });
    check(&shown, expect_file!["../golden/workspace_locked.json"]);
}

#[test]
fn a_page_of_workspaces_in_the_middle_of_a_list() {
    let url = |page| format!("/api/v2/organizations/fancycorp/workspaces?page%5Bnumber%5D={page}&page%5Bsize%5D=1");
    let document = Document::page(vec![output()], Pagination::of(2, 1, 3), url);
    check(&document, expect_file!["../golden/page.json"]);
}

#[test]
fn an_empty_list_is_one_page_with_nulls_on_both_sides() {
    let document = Document::page(Vec::<TaskStage>::new(), Pagination::of(1, 20, 0), |page| format!("/x?page={page}"));
    check(&document, expect_file!["../golden/empty_page.json"]);
}

#[test]
fn pages_count_up_to_the_last() {
    let pages = |total| (1..=3).map(|page| Pagination::of(page, 20, total).next_page).collect::<Vec<_>>();
    assert_eq!(pages(40), [Some(2), None, None]);
    assert_eq!(pages(41), [Some(2), Some(3), None]);
    let uncounted = serde_json::to_value(Pagination::uncounted(1, 20, true)).unwrap();
    assert_eq!(uncounted, json!({"current-page": 1, "page-size": 20, "prev-page": null, "next-page": 2}));
}

#[test]
fn a_list_that_is_never_cut_has_no_pages() {
    let events = Document::new(vec![
        RunEvent::new("re-1", RunEventAttributes { action: "queued".to_owned(), description: None, created_at: at(1) })
            .related(RunEventRelationships { actor: ToOne::new(kind::USERS, "user-1"), ..Default::default() }),
    ]);
    check(&events, expect_file!["../golden/run_events.json"]);
    assert_eq!(serde_json::to_string(&Document::new(Vec::<RunEvent>::new())).unwrap(), r#"{"data":[]}"#);
}

#[test]
fn tags_and_tag_bindings() {
    let tag = Tag::new("tag-1", TagAttributes { name: "app".to_owned(), created_at: at(0), instance_count: 2 })
        .related(TagRelationships { organization: ToOne::new(kind::ORGANIZATIONS, "fancycorp") });
    check(&Document::new(vec![tag]), expect_file!["../golden/tags.json"]);
    let pair = TagBindingAttributes { key: "app".to_owned(), value: "x".to_owned() };
    let binding = TagBinding::new("tb-1", pair.clone());
    check(&Document::new(vec![binding]), expect_file!["../golden/tag_bindings.json"]);
    let inherited = EffectiveTagBinding::new("tb-1", EffectiveTagBindingAttributes(pair))
        .linked("inherited-from", "/api/v2/projects/prj-1");
    check(&Document::new(vec![inherited]), expect_file!["../golden/effective_tag_bindings.json"]);
}

#[test]
fn a_sensitive_variable_has_a_null_value() {
    let variable = Variable::new(
        "var-1",
        VariableAttributes {
            key: "password".to_owned(),
            sensitive: true,
            version_id: "a1".to_owned(),
            ..Default::default()
        },
    )
    .related(VariableRelationships { configurable: ToOne::new(kind::WORKSPACES, "ws-1"), varset: None });
    check(&Document::new(variable), expect_file!["../golden/variable.json"]);
}

#[test]
fn a_variable_set_of_a_project() {
    let set = VariableSet::new(
        "varset-1",
        VariableSetAttributes {
            name: "credentials".to_owned(),
            priority: true,
            created_at: at(0),
            updated_at: at(1),
            var_count: 1,
            workspace_count: 2,
            permissions: VariableSetPermissions { can_update: true },
            ..Default::default()
        },
    )
    .related(VariableSetRelationships {
        organization: ToOne::new(kind::ORGANIZATIONS, "fancycorp"),
        parent: ToOne::new(kind::PROJECTS, "prj-1"),
        workspaces: ToMany::new(kind::WORKSPACES, ["ws-1", "ws-2"]),
        vars: ToMany::new(kind::VARIABLES, ["var-1"]),
        ..Default::default()
    })
    .linked("self", "/api/v2/varsets/varset-1");
    check(&Document::new(set), expect_file!["../golden/variable_set.json"]);
}

#[test]
fn a_variable_of_a_set_says_so_and_claims_no_workspace() {
    let variable = Variable::new("var-1", VariableAttributes { key: "region".to_owned(), ..Default::default() })
        .related(VariableRelationships {
            configurable: ToOne::none(),
            varset: Some(ToOne::new(kind::VARIABLE_SETS, "varset-1")),
        });
    check(&Document::new(variable), expect_file!["../golden/variable_of_a_set.json"]);
}

#[test]
fn a_run_trigger_and_a_decision_not_to_run() {
    let attributes =
        RunTriggerAttributes { workspace_name: "down".to_owned(), sourceable_name: "up".to_owned(), created_at: at(0) };
    let trigger = RunTrigger::new("rt-1", attributes).related(RunTriggerRelationships {
        workspace: ToOne::new(kind::WORKSPACES, "ws-2"),
        sourceable: ToOne::new(kind::WORKSPACES, "ws-1"),
    });
    check(&Document::new(trigger), expect_file!["../golden/run_trigger.json"]);
    let upstream = SettledUpstream {
        workspace_id: "ws-1".to_owned(),
        workspace_name: "up".to_owned(),
        run_id: Some("run-1".to_owned()),
        outcome: UpstreamOutcome::Failed,
    };
    let attributes = TriggerDecisionAttributes {
        outcome: TriggerOutcome::NotRun,
        message: "Not run: \"up\" failed.".to_owned(),
        created_at: at(1),
        blocked_by: None,
        upstreams: vec![upstream],
    };
    let decision = TriggerDecision::new("td-1", attributes)
        .related(TriggerDecisionRelationships { workspace: ToOne::new(kind::WORKSPACES, "ws-2"), run: ToOne::none() });
    check(&Document::new(decision), expect_file!["../golden/trigger_decision.json"]);
}

#[test]
fn an_edge_between_two_workspaces() {
    let attributes = WorkspaceEdgeAttributes {
        kind: EdgeKind::Code,
        upstream_name: "up".to_owned(),
        downstream_name: "down".to_owned(),
        message: "The code of \"down\" uses the output \"ip\" of \"up\" (main.tf:3).".to_owned(),
        outputs: Some(vec!["ip".to_owned()]),
        places: vec!["main.tf:3".to_owned()],
        first_seen_at: at(0),
        last_seen_at: at(1),
    };
    let edge = WorkspaceEdge::new("edge-1", attributes).related(WorkspaceEdgeRelationships {
        upstream: ToOne::new(kind::WORKSPACES, "ws-1"),
        downstream: ToOne::new(kind::WORKSPACES, "ws-2"),
    });
    check(&Document::new(edge), expect_file!["../golden/workspace_edge.json"]);
}

#[test]
fn a_configuration_version_that_waits_for_its_upload() {
    let version = ConfigurationVersion::new(
        "cv-1",
        ConfigurationVersionAttributes {
            speculative: true,
            status: ConfigurationStatus::Pending,
            upload_url: Some("http://localhost:8080/upload/secret".to_owned()),
            ..Default::default()
        },
    )
    .related(ConfigurationVersionRelationships::default())
    .linked("self", "/api/v2/configuration-versions/cv-1");
    check(&Document::new(version), expect_file!["../golden/configuration_version.json"]);
}

#[test]
fn a_run_that_waits_for_a_decision() {
    let run = Run::new(
        "run-1",
        RunAttributes {
            status: RunStatus::Planned.into(),
            status_timestamps: [
                (RunStatus::PlanQueued, at(1)),
                (RunStatus::Planning, at(2)),
                (RunStatus::Planned, at(3)),
            ]
            .into_iter()
            .collect(),
            created_at: at(0),
            message: "Queued manually using Terraform".to_owned(),
            source: RunSource::TerraformCloud,
            terraform_version: "1.11.4".to_owned(),
            refresh: true,
            has_changes: true,
            blocked_by: Some(BlockedBy { kind: "approval".into(), id: "run-1".into(), words: "It waits.".into() }),
            actions: RunActions { is_confirmable: true, is_discardable: true, ..Default::default() },
            permissions: RunPermissions::all(true),
            ..Default::default()
        },
    )
    .related(RunRelationships {
        workspace: ToOne::new(kind::WORKSPACES, "ws-1"),
        plan: ToOne::new(kind::PLANS, "plan-1").related("/api/v2/plans/plan-1"),
        apply: ToOne::new(kind::APPLIES, "apply-1").related("/api/v2/applies/apply-1"),
        configuration_version: ToOne::new(kind::CONFIGURATION_VERSIONS, "cv-1"),
        created_by: ToOne::new(kind::USERS, "user-1"),
        run_events: ToMany::new(kind::RUN_EVENTS, ["re-1"]).related("/api/v2/runs/run-1/run-events"),
        comments: Linked::related("/api/v2/runs/run-1/comments"),
        ..Default::default()
    })
    .linked("self", "/api/v2/runs/run-1");
    check(&Document::new(run), expect_file!["../golden/run.json"]);
}

#[test]
fn the_phases_of_a_run() {
    let plan = Plan::new(
        "plan-1",
        PlanAttributes {
            status: PhaseStatus::Finished.into(),
            status_timestamps: [(PhaseStatus::Running, at(2)), (PhaseStatus::Finished, at(3))].into_iter().collect(),
            has_changes: true,
            log_read_url: "http://localhost:8080/logs/secret".to_owned(),
            resource_additions: Some(1),
            resource_changes: Some(0),
            resource_destructions: Some(0),
            resource_imports: Some(0),
            permissions: PlanPermissions::all(true),
            ..Default::default()
        },
    )
    .related(PlanRelationships::default())
    .linked("self", "/api/v2/plans/plan-1")
    .linked("json-output", "/api/v2/plans/plan-1/json-output");
    check(&Document::new(plan), expect_file!["../golden/plan.json"]);
    let apply = Apply::new(
        "apply-1",
        ApplyAttributes {
            status: PhaseStatus::Unreachable.into(),
            log_read_url: "http://localhost:8080/logs/secret".to_owned(),
            ..Default::default()
        },
    )
    .related(ApplyRelationships { state_versions: ToMany::new(kind::STATE_VERSIONS, ["sv-1"]) })
    .linked("self", "/api/v2/applies/apply-1");
    check(&Document::new(apply), expect_file!["../golden/apply.json"]);
}

#[test]
fn a_comment() {
    let comment = Comment::new("wsc-1", CommentAttributes { body: "go".to_owned(), created_at: at(0) })
        .related(CommentRelationships { user: ToOne::new(kind::USERS, "user-1"), ..Default::default() });
    check(&Document::new(comment), expect_file!["../golden/comment.json"]);
}

#[test]
fn a_state_version_that_is_final() {
    let counts: std::collections::BTreeMap<_, _> = [("null_resource".to_owned(), 2)].into();
    let provider = "provider[\"registry.terraform.io/hashicorp/null\"]";
    let state = StateVersion::new(
        "sv-1",
        StateVersionAttributes {
            created_at: at(0),
            status: StateStatus::Finalized,
            size: Some(940),
            serial: 4,
            lineage: Some("871d1b4a".to_owned()),
            state_version: Some(4),
            terraform_version: Some("1.11.4".to_owned()),
            hosted_state_download_url: Some("http://localhost:8080/state/secret".to_owned()),
            resources_processed: true,
            modules: Some([("root".to_owned(), counts.clone())].into()),
            providers: Some([(provider.to_owned(), counts)].into()),
            resources: Some(vec![StateResource {
                name: "a".to_owned(),
                resource_type: "null_resource".to_owned(),
                count: 2,
                module: "root".to_owned(),
                provider: provider.to_owned(),
            }]),
            ..Default::default()
        },
    )
    .related(StateVersionRelationships {
        workspace: ToOne::new(kind::WORKSPACES, "ws-1"),
        run: ToOne::new(kind::RUNS, "run-1"),
        created_by: ToOne::new(kind::USERS, "user-1"),
        outputs: ToMany::new(kind::STATE_VERSION_OUTPUTS, ["wsout-1"]).related("/api/v2/state-versions/sv-1/outputs"),
    })
    .linked("self", "/api/v2/state-versions/sv-1");
    check(&Document::new(state), expect_file!["../golden/state_version.json"]);
}

#[test]
fn a_sensitive_output_has_a_null_value_in_a_list() {
    let output = StateVersionOutput::new(
        "wsout-1",
        StateVersionOutputAttributes {
            name: "password".to_owned(),
            sensitive: true,
            broad_type: OutputType::Text,
            detailed_type: json!("string"),
            value: Value::Null,
        },
    );
    check(&Document::new(vec![output]), expect_file!["../golden/state_version_outputs.json"]);
}

#[test]
fn the_account_of_the_caller() {
    let user = User::new(
        "user-1",
        UserAttributes {
            username: "ada".to_owned(),
            email: Some("ada@fancycorp.example".to_owned()),
            auth_method: "password".to_owned(),
            v2_only: true,
            two_factor: TwoFactor::all(false),
            permissions: UserPermissions::all(true),
            ..Default::default()
        },
    )
    .related(UserRelationships {
        authentication_tokens: Linked::related("/api/v2/users/user-1/authentication-tokens"),
        authenticated_resource: ToOne::new(kind::USERS, "user-1"),
    })
    .linked("self", "/api/v2/users/user-1");
    check(&Document::new(user), expect_file!["../golden/user.json"]);
}

#[test]
fn a_token_shows_its_secret_when_it_is_made() {
    let token = AuthenticationToken::new(
        "at-1",
        AuthenticationTokenAttributes {
            description: Some("ci".to_owned()),
            created_at: at(0),
            token: Some("secret".to_owned()),
            ..Default::default()
        },
    )
    .related(AuthenticationTokenRelationships { created_by: ToOne::new(kind::USERS, "user-1"), team: None });
    check(&Document::new(token), expect_file!["../golden/authentication_token.json"]);
}

#[test]
fn a_limit_of_a_tag() {
    let attributes = RunLimitAttributes { scope: "tag".into(), name: "web".into(), limit: 2, running: 1 };
    check(&Document::new(vec![RunLimit::new("tag/web", attributes)]), expect_file!["../golden/run_limits.json"]);
}

#[test]
fn an_error_has_its_status_as_text() {
    let error = ErrorObject::new(422, "invalid attribute")
        .detail("Name has already been taken")
        .code("workspace/name-taken")
        .pointer("/data/attributes/name");
    check(&ErrorDocument::one(error), expect_file!["../golden/errors.json"]);
    let bare = serde_json::to_value(ErrorDocument::one(ErrorObject::new(401, "unauthorized"))).unwrap();
    assert_eq!(bare, json!({"errors": [{"status": "401", "title": "unauthorized"}]}));
}

#[test]
fn linkage_is_a_document_of_identifiers() {
    let consumers = Identifiers { data: ToMany::new(kind::WORKSPACES, ["ws-2"]).data };
    assert_eq!(serde_json::to_value(consumers).unwrap(), json!({"data": [{"id": "ws-2", "type": "workspaces"}]}));
}

#[test]
fn a_document_is_read_though_attributes_are_missing_and_unknown() {
    let document: Document<Workspace> = serde_json::from_value(json!({
        "data": {"id": "ws-1", "type": "workspaces", "attributes": {"name": "dev", "tag-names": null, "new": 1}},
        "jsonapi": {"version": "1.0"},
    }))
    .unwrap();
    assert_eq!(document.data.attributes.name, "dev");
    assert_eq!(document.data.relationships, None);
}
