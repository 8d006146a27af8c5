# Names for what the cluster serves.

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
  zone    = "${local.cluster.cluster_name}.${var.domain}"

  records = merge(
    { "api.${local.zone}" = local.cluster.api_addresses },
    { "*.apps.${local.zone}" = values(local.cluster.nodes) },
    { for name, address in local.cluster.nodes : "${name}.${local.zone}" => [address] },
  )
}

resource "terraform_data" "zone" {
  input = {
    name        = local.zone
    nameservers = [for index in range(2) : "ns${index + 1}.${var.domain}"]
  }
}

resource "terraform_data" "record" {
  for_each = local.records

  input = {
    zone   = terraform_data.zone.output.name
    name   = each.key
    type   = "A"
    ttl    = var.ttl
    values = each.value
  }
}
