# A component that says which upstreams it has read. Stands for a network, a cluster, an application.

terraform {
  required_providers {
    tfe = {
      source = "multispace/tfe"
    }
  }
}

variable "upstreams" {
  description = "Names of the workspaces whose outputs this one reads."
  type        = list(string)
  default     = []
}

variable "environment" {
  description = "From the variable set of the project."
  type        = string
}

data "tfe_outputs" "upstream" {
  for_each  = toset(var.upstreams)
  workspace = each.key
}

resource "terraform_data" "this" {
  input = {
    environment = var.environment
    path        = [for name in var.upstreams : data.tfe_outputs.upstream[name].nonsensitive_values.path]
  }
}

output "path" {
  description = "This workspace and all that came before it."
  value = join(" ", concat(
    length(var.upstreams) == 0 ? [] : ["(${join(", ", terraform_data.this.output.path)})", "->"],
    [terraform.workspace],
  ))
}
