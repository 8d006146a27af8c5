# What runs in the workspace that the creator has made.

variable "greeting" {
  type = string
}

variable "environment" {
  description = "From the variable set of the project."
  type        = string
}

resource "terraform_data" "this" {
  input = "${var.greeting}, in ${var.environment}"
}

output "greeting" {
  value = terraform_data.this.output
}
