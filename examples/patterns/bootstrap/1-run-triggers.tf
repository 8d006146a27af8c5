# Pattern 1: two upstreams and one downstream, joined by run triggers. The downstream runs once, when both have applied.

resource "tfe_workspace" "upstream" {
  for_each = toset(["1", "2"])

  name              = "triggers-up-${each.key}"
  project_id        = tfe_project.patterns.id
  working_directory = "1-run-triggers/upstream"
  auto_apply        = true
  queue_all_runs    = false

  vcs_repo {
    identifier     = local.git.identifier
    branch         = local.git.branch
    oauth_token_id = local.git.oauth_token_id
  }
}

resource "tfe_workspace" "downstream" {
  name                   = "triggers-down"
  project_id             = tfe_project.patterns.id
  working_directory      = "1-run-triggers/downstream"
  auto_apply             = true
  auto_apply_run_trigger = true
  queue_all_runs         = false

  vcs_repo {
    identifier     = local.git.identifier
    branch         = local.git.branch
    oauth_token_id = local.git.oauth_token_id
  }
}

resource "tfe_run_trigger" "downstream" {
  for_each = tfe_workspace.upstream

  workspace_id  = tfe_workspace.downstream.id
  sourceable_id = each.value.id
}

# Run triggers destroy nothing. These runs do, when the bootstrap is destroyed: first the downstream, then the upstreams.
resource "tfe_workspace_run" "upstream" {
  for_each     = tfe_workspace.upstream
  workspace_id = each.value.id
  depends_on   = [tfe_project_variable_set.common, tfe_variable.environment]

  destroy {
    manual_confirm = false
  }
}

resource "tfe_workspace_run" "downstream" {
  workspace_id = tfe_workspace.downstream.id
  depends_on   = [tfe_workspace_run.upstream, tfe_run_trigger.downstream]

  destroy {
    manual_confirm = false
  }
}
