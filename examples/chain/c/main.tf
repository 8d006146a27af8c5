terraform {
  required_version = ">= 1.4"
}

data "terraform_remote_state" "b" {
  backend = "local"

  config = {
    path = "../b/terraform.tfstate"
  }
}

resource "terraform_data" "link" {
  input = "${data.terraform_remote_state.b.outputs.path} -> c"
}

output "path" {
  description = "The workspaces up to this one."
  value       = terraform_data.link.output
}
