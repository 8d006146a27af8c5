terraform {
  required_version = ">= 1.4"
}

resource "terraform_data" "link" {
  input = "a"
}

output "path" {
  description = "The workspaces up to this one."
  value       = terraform_data.link.output
}
