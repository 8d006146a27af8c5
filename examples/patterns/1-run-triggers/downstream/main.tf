# The downstream: reads what both upstreams made. Started by its run triggers.

terraform {
  required_providers {
    tfe = {
      source = "multispace/tfe"
    }
  }
}

variable "environment" {
  description = "From the variable set of the project."
  type        = string
}

data "tfe_outputs" "upstream" {
  for_each  = toset(["triggers-up-1", "triggers-up-2"])
  workspace = each.key
}

resource "terraform_data" "this" {
  input = [for upstream in data.tfe_outputs.upstream : upstream.nonsensitive_values.name]
}

output "names" {
  value = terraform_data.this.output
}
