# Pattern 4: a mesh. Each of d1, d2, d3 reads what u1, u2, u3 made; a workspace runner applies the three upstreams, then the
# three downstreams. The runner has no credentials of its own: its runs start others with the token that each run has.

locals {
  mesh_upstreams   = ["u1", "u2", "u3"]
  mesh_downstreams = ["d1", "d2", "d3"]
}

resource "tfe_workspace" "node" {
  for_each = toset(concat(local.mesh_upstreams, local.mesh_downstreams))

  name              = "mesh-${each.key}"
  project_id        = tfe_project.patterns.id
  working_directory = "4-mesh/node"
  queue_all_runs    = false

  vcs_repo {
    identifier     = local.git.identifier
    branch         = local.git.branch
    oauth_token_id = local.git.oauth_token_id
  }
}

resource "tfe_variable" "node" {
  for_each = toset(local.mesh_downstreams)

  workspace_id = tfe_workspace.node[each.key].id
  key          = "upstreams"
  value        = jsonencode([for upstream in local.mesh_upstreams : "mesh-${upstream}"])
  category     = "terraform"
  hcl          = true
}

resource "tfe_workspace" "mesh_runner" {
  name              = "mesh-runner"
  project_id        = tfe_project.patterns.id
  working_directory = "4-mesh/runner"
  auto_apply        = true
  queue_all_runs    = false

  vcs_repo {
    identifier     = local.git.identifier
    branch         = local.git.branch
    oauth_token_id = local.git.oauth_token_id
  }
}

resource "tfe_workspace_run" "mesh_runner" {
  workspace_id = tfe_workspace.mesh_runner.id
  depends_on   = [tfe_variable.node, tfe_project_variable_set.common, tfe_variable.environment]

  destroy {
    manual_confirm = false
  }
}
