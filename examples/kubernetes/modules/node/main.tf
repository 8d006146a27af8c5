terraform {
  required_version = ">= 1.4"
}

locals {
  name    = format("%s-%s-%02d", var.cluster_name, var.role, var.index + 1)
  address = cidrhost(var.network, var.first_host + var.index)
}

# Stands for a virtual machine. Another image or another size is another machine.
resource "terraform_data" "machine" {
  input = {
    name      = local.name
    role      = var.role
    address   = local.address
    cpus      = var.cpus
    memory_gb = var.memory_gb
    image     = "debian-13-genericcloud-amd64"
  }

  triggers_replace = [local.name, local.address]
}
