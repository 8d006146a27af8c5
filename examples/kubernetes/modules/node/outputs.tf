output "node" {
  description = "The machine: id, name, role and address."
  value = {
    id      = terraform_data.machine.id
    name    = terraform_data.machine.output.name
    role    = terraform_data.machine.output.role
    address = terraform_data.machine.output.address
  }
}
