terraform {
  required_version = ">= 1.4"
}

resource "terraform_data" "part" {
  input = "u2"
}

output "part" {
  description = "This workspace's part."
  value       = terraform_data.part.output
}
