output "cluster_name" {
  description = "Name of the cluster."
  value       = local.cluster_name
}

output "endpoint" {
  description = "Address of the Kubernetes API."
  value       = terraform_data.control_plane.output.endpoint
}

output "api_addresses" {
  description = "Addresses of the machines that serve the API."
  value       = terraform_data.control_plane.output.members
}

output "nodes" {
  description = "Addresses of the nodes that run apps, by name."
  value       = { for name, node in terraform_data.node : name => local.addresses[name] }
}

output "kubeconfig" {
  description = "What kubectl needs to be the administrator of the cluster."
  value       = local.kubeconfig
  sensitive   = true
}
