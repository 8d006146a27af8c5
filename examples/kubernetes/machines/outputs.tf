output "cluster_name" {
  description = "Name of the cluster."
  value       = var.cluster_name
}

output "control_planes" {
  description = "The control plane machines."
  value       = module.control_plane[*].node
}

output "workers" {
  description = "The worker machines."
  value       = module.worker[*].node
}
