# Creates a workspace with its variables, and starts its first apply without waiting for it. When this is destroyed, the
# workspace is destroyed first, and that is waited for: only then do its variables and the workspace itself go.

terraform {
  required_providers {
    tfe = {
      source = "multispace/tfe"
    }
  }
}

provider "tfe" {}

variable "project_id" {
  type = string
}

variable "repository" {
  type = string
}

variable "branch" {
  type = string
}

variable "oauth_token_id" {
  type = string
}

variable "environment" {
  type = string
}

resource "tfe_workspace" "created" {
  name              = "created"
  project_id        = var.project_id
  working_directory = "2-workspace-creator/created"
  queue_all_runs    = false

  vcs_repo {
    identifier     = var.repository
    branch         = var.branch
    oauth_token_id = var.oauth_token_id
  }
}

resource "tfe_variable" "greeting" {
  workspace_id = tfe_workspace.created.id
  key          = "greeting"
  value        = "made by ${terraform.workspace}"
  category     = "terraform"
}

resource "tfe_workspace_run" "created" {
  workspace_id = tfe_workspace.created.id
  depends_on   = [tfe_variable.greeting]

  apply {
    wait_for_run   = false # fire and forget
    manual_confirm = false
  }

  destroy {
    wait_for_run   = true # before its variables and the workspace go
    manual_confirm = false
  }
}

output "created" {
  value = tfe_workspace.created.name
}
