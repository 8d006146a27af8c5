# An upstream: two workspaces run this code.

variable "environment" {
  description = "From the variable set of the project."
  type        = string
}

resource "terraform_data" "this" {
  input = "${terraform.workspace} in ${var.environment}"
}

output "name" {
  value = terraform_data.this.output
}
