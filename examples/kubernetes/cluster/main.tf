# The cluster itself: the first control plane machine begins it, the other machines join.

terraform {
  required_version = ">= 1.4"
}

data "terraform_remote_state" "machines" {
  backend = "local"

  config = {
    path = "../machines/terraform.tfstate"
  }
}

locals {
  machines     = data.terraform_remote_state.machines.outputs
  cluster_name = local.machines.cluster_name
  addresses    = { for machine in local.machines.workers : machine.name => machine.address }
  endpoint     = "https://${local.machines.control_planes[0].address}:6443"

  # A real cluster makes these; here they are derived, so that an apply without changes changes nothing.
  seed       = terraform_data.control_plane.id
  join_token = sensitive("${substr(sha256("${local.seed}/id"), 0, 6)}.${substr(sha256("${local.seed}/secret"), 0, 16)}")

  kubeconfig = yamlencode({
    apiVersion      = "v1"
    kind            = "Config"
    current-context = local.cluster_name
    clusters        = [{ name = local.cluster_name, cluster = { server = terraform_data.control_plane.output.endpoint } }]
    users           = [{ name = "admin", user = { token = sha256("${local.seed}/admin") } }]
    contexts        = [{ name = local.cluster_name, context = { cluster = local.cluster_name, user = "admin" } }]
  })
}

resource "terraform_data" "control_plane" {
  input = {
    name     = local.cluster_name
    endpoint = local.endpoint
    version  = var.kubernetes_version
    members  = local.machines.control_planes[*].address
  }

  # Another first machine is another cluster.
  triggers_replace = local.machines.control_planes[0].id
}

resource "terraform_data" "node" {
  for_each = local.addresses

  input = {
    name    = each.key
    address = each.value
  }

  # A node that moves, or that has the token of another cluster, joins anew.
  triggers_replace = [each.value, local.join_token]
}
