output "zone" {
  description = "The cluster's zone."
  value       = terraform_data.zone.output.name
}

output "records" {
  description = "Addresses by name."
  value       = { for name, record in terraform_data.record : name => record.output.values }
}
