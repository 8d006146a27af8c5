# What all four patterns share: a project, the connection to git, and a team whose token lets a run start other runs.

resource "tfe_project" "patterns" {
  name        = "patterns"
  description = "The four patterns of workspaces that depend on one another."
}

resource "tfe_oauth_client" "git" {
  name             = "patterns"
  service_provider = "github_enterprise"
  http_url         = var.git_url
  api_url          = var.git_url
  oauth_token      = var.git_token
}

resource "tfe_team" "runners" {
  name = "runners"

  organization_access {
    manage_workspaces = true
  }
}

resource "tfe_team_token" "runners" {
  team_id = tfe_team.runners.id
}

# Credentials for the workspaces that start runs on others. On multispace a run may do that in its own project with the
# token that it has anyway (pattern 4 shows it); HCP Terraform wants them for every workspace runner.
resource "tfe_variable_set" "credentials" {
  name        = "credentials of runners"
  description = "TFE_TOKEN for workspaces that start runs on other workspaces."
}

resource "tfe_variable" "token" {
  variable_set_id = tfe_variable_set.credentials.id
  key             = "TFE_TOKEN"
  value           = tfe_team_token.runners.token
  category        = "env"
  sensitive       = true
}

# A variable that every workspace of the project gets.
resource "tfe_variable_set" "common" {
  name = "common to the patterns"
}

resource "tfe_variable" "environment" {
  variable_set_id = tfe_variable_set.common.id
  key             = "environment"
  value           = "demo"
  category        = "terraform"
}

resource "tfe_project_variable_set" "common" {
  project_id      = tfe_project.patterns.id
  variable_set_id = tfe_variable_set.common.id
}

locals {
  git = {
    identifier     = var.repository
    branch         = var.branch
    oauth_token_id = tfe_oauth_client.git.oauth_token_id
  }
}
