# The virtual machines. Nothing comes before them.

terraform {
  required_version = ">= 1.4"
}

resource "terraform_data" "network" {
  input = {
    name    = "${var.cluster_name}-nodes"
    cidr    = var.network
    gateway = cidrhost(var.network, 1)
  }
}

module "control_plane" {
  source = "../modules/node"
  count  = var.control_planes

  cluster_name = var.cluster_name
  role         = "control-plane"
  index        = count.index
  network      = terraform_data.network.output.cidr
  first_host   = 10
  cpus         = 2
  memory_gb    = 4
}

module "worker" {
  source = "../modules/node"
  count  = var.workers

  cluster_name = var.cluster_name
  role         = "worker"
  index        = count.index
  network      = terraform_data.network.output.cidr
  first_host   = 100
  cpus         = 4
  memory_gb    = 16
}
