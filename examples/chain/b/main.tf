terraform {
  required_version = ">= 1.4"
}

data "terraform_remote_state" "a" {
  backend = "local"

  config = {
    path = "../a/terraform.tfstate"
  }
}

resource "terraform_data" "link" {
  input = "${data.terraform_remote_state.a.outputs.path} -> b"
}

output "path" {
  description = "The workspaces up to this one."
  value       = terraform_data.link.output
}
