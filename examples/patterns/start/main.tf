# Starts the patterns, from where you are: a run on each workspace that starts others. Destroying this takes down what they
# have brought up; the workspaces stay, they belong to the bootstrap.

terraform {
  required_providers {
    tfe = {
      source = "multispace/tfe"
    }
  }
}

provider "tfe" {}

locals {
  # Their run triggers do the rest, and the bootstrap destroys them: see bootstrap/1-run-triggers.tf.
  upstreams = ["triggers-up-1", "triggers-up-2"]
  runners   = ["creator", "chain-runner", "mesh-runner"]
}

data "tfe_workspace" "this" {
  for_each = toset(concat(local.upstreams, local.runners))
  name     = each.key
}

resource "tfe_workspace_run" "upstream" {
  for_each     = toset(local.upstreams)
  workspace_id = data.tfe_workspace.this[each.key].id

  apply {
    manual_confirm = false
  }
}

resource "tfe_workspace_run" "runner" {
  for_each     = toset(local.runners)
  workspace_id = data.tfe_workspace.this[each.key].id

  apply {
    manual_confirm = false
  }

  destroy {
    manual_confirm = false
  }
}
