# The way into the cluster for those who use its apps.

terraform {
  required_version = ">= 1.4"
}

data "terraform_remote_state" "cluster" {
  backend = "local"

  config = {
    path = "../cluster/terraform.tfstate"
  }
}

locals {
  cluster = data.terraform_remote_state.cluster.outputs
}

# Stands for a Helm release.
resource "terraform_data" "controller" {
  input = {
    chart    = "ingress-nginx"
    version  = var.chart_version
    endpoint = local.cluster.endpoint
    replicas = min(length(local.cluster.nodes), var.max_replicas)
  }

  # The kubeconfig is a secret of the cluster workspace. It is not an input, because terraform_data repeats its input as
  # output, which is not marked as a secret.
  triggers_replace = sensitive(local.cluster.kubeconfig)
}

resource "terraform_data" "route" {
  for_each = var.routes

  input = {
    class = terraform_data.controller.output.chart
    path  = each.key
    app   = each.value
  }
}
