output "replicas" {
  description = "How many controllers run."
  value       = terraform_data.controller.output.replicas
}

output "addresses" {
  description = "Addresses that take traffic for the apps."
  value       = slice(values(local.cluster.nodes), 0, terraform_data.controller.output.replicas)
}

output "routes" {
  description = "Apps by path."
  value       = { for path, route in terraform_data.route : path => route.output.app }
}
