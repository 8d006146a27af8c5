# The workspace runner of the chain: applies a, then b, then c; destroys c, then b, then a.

terraform {
  required_providers {
    tfe = {
      source = "multispace/tfe"
    }
  }
}

provider "tfe" {}

variable "environment" {
  description = "From the variable set of the project."
  type        = string
}

data "tfe_workspace" "link" {
  for_each = toset(["a", "b", "c"])
  name     = "chain-${each.key}"
}

resource "tfe_workspace_run" "a" {
  workspace_id = data.tfe_workspace.link["a"].id

  apply {
    manual_confirm = false
  }

  destroy {
    manual_confirm = false
  }
}

resource "tfe_workspace_run" "b" {
  workspace_id = data.tfe_workspace.link["b"].id
  depends_on   = [tfe_workspace_run.a]

  apply {
    manual_confirm = false
  }

  destroy {
    manual_confirm = false
  }
}

resource "tfe_workspace_run" "c" {
  workspace_id = data.tfe_workspace.link["c"].id
  depends_on   = [tfe_workspace_run.b]

  apply {
    manual_confirm = false
  }

  destroy {
    manual_confirm = false
  }
}
