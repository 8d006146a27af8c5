# The workspace runner of the mesh: applies u1, u2 and u3 together, then d1, d2 and d3; destroys in the reverse order.

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

locals {
  upstreams   = toset(["u1", "u2", "u3"])
  downstreams = toset(["d1", "d2", "d3"])
}

data "tfe_workspace" "node" {
  for_each = setunion(local.upstreams, local.downstreams)
  name     = "mesh-${each.key}"
}

resource "tfe_workspace_run" "upstream" {
  for_each     = local.upstreams
  workspace_id = data.tfe_workspace.node[each.key].id

  apply {
    manual_confirm = false
  }

  destroy {
    manual_confirm = false
  }
}

resource "tfe_workspace_run" "downstream" {
  for_each     = local.downstreams
  workspace_id = data.tfe_workspace.node[each.key].id
  depends_on   = [tfe_workspace_run.upstream]

  apply {
    manual_confirm = false
  }

  destroy {
    manual_confirm = false
  }
}
