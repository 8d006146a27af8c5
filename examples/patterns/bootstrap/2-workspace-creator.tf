# Pattern 2: a workspace that creates another one, starts its first apply without waiting, and destroys it before it deletes it.

resource "tfe_workspace" "creator" {
  name              = "creator"
  project_id        = tfe_project.patterns.id
  working_directory = "2-workspace-creator/creator"
  auto_apply        = true
  queue_all_runs    = false

  vcs_repo {
    identifier     = local.git.identifier
    branch         = local.git.branch
    oauth_token_id = local.git.oauth_token_id
  }
}

resource "tfe_workspace_variable_set" "creator" {
  workspace_id    = tfe_workspace.creator.id
  variable_set_id = tfe_variable_set.credentials.id
}

resource "tfe_variable" "creator" {
  for_each = {
    project_id     = tfe_project.patterns.id
    repository     = var.repository
    branch         = var.branch
    oauth_token_id = tfe_oauth_client.git.oauth_token_id
  }

  workspace_id = tfe_workspace.creator.id
  key          = each.key
  value        = each.value
  category     = "terraform"
}

# Destroy-only: applying the bootstrap starts nothing, but what the creator has made goes before the creator does.
resource "tfe_workspace_run" "creator" {
  workspace_id = tfe_workspace.creator.id

  depends_on = [
    tfe_variable.creator,
    tfe_workspace_variable_set.creator,
    tfe_variable.token,
    tfe_project_variable_set.common,
    tfe_variable.environment,
  ]

  destroy {
    manual_confirm = false
  }
}
