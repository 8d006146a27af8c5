# Pattern 3: a chain of workspaces, a -> b -> c, and a workspace runner that applies them in this order and destroys them
# in the reverse one.

locals {
  chain = {
    a = []
    b = ["chain-a"]
    c = ["chain-b"]
  }
}

resource "tfe_workspace" "link" {
  for_each = local.chain

  name              = "chain-${each.key}"
  project_id        = tfe_project.patterns.id
  working_directory = "3-chain/link"
  queue_all_runs    = false

  vcs_repo {
    identifier     = local.git.identifier
    branch         = local.git.branch
    oauth_token_id = local.git.oauth_token_id
  }
}

resource "tfe_variable" "link" {
  for_each = local.chain

  workspace_id = tfe_workspace.link[each.key].id
  key          = "upstreams"
  value        = jsonencode(each.value)
  category     = "terraform"
  hcl          = true
}

resource "tfe_workspace" "chain_runner" {
  name              = "chain-runner"
  project_id        = tfe_project.patterns.id
  working_directory = "3-chain/runner"
  auto_apply        = true
  queue_all_runs    = false

  vcs_repo {
    identifier     = local.git.identifier
    branch         = local.git.branch
    oauth_token_id = local.git.oauth_token_id
  }
}

resource "tfe_workspace_variable_set" "chain_runner" {
  workspace_id    = tfe_workspace.chain_runner.id
  variable_set_id = tfe_variable_set.credentials.id
}

resource "tfe_workspace_run" "chain_runner" {
  workspace_id = tfe_workspace.chain_runner.id

  depends_on = [
    tfe_variable.link,
    tfe_workspace_variable_set.chain_runner,
    tfe_variable.token,
    tfe_project_variable_set.common,
    tfe_variable.environment,
  ]

  destroy {
    manual_confirm = false
  }
}
