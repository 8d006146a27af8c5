terraform {
  required_version = ">= 1.4"
}

data "terraform_remote_state" "u1" {
  backend = "local"

  config = {
    path = "../u1/terraform.tfstate"
  }
}

data "terraform_remote_state" "u2" {
  backend = "local"

  config = {
    path = "../u2/terraform.tfstate"
  }
}

data "terraform_remote_state" "u3" {
  backend = "local"

  config = {
    path = "../u3/terraform.tfstate"
  }
}

resource "terraform_data" "whole" {
  input = {
    name = "d3"
    parts = [
      data.terraform_remote_state.u1.outputs.part,
      data.terraform_remote_state.u2.outputs.part,
      data.terraform_remote_state.u3.outputs.part,
    ]
  }
}

output "whole" {
  description = "The parts of all upstreams."
  value       = terraform_data.whole.output
}
