variable "cluster_name" {
  description = "Cluster the machine belongs to."
  type        = string
}

variable "role" {
  description = "What the machine does in the cluster."
  type        = string

  validation {
    condition     = contains(["control-plane", "worker"], var.role)
    error_message = "The role is control-plane or worker."
  }
}

variable "index" {
  description = "Number of the machine among those of its role, from 0."
  type        = number
}

variable "network" {
  description = "Network that gives the address (CIDR)."
  type        = string
}

variable "first_host" {
  description = "Host number of the first machine of this role."
  type        = number
}

variable "cpus" {
  description = "Virtual processors."
  type        = number
}

variable "memory_gb" {
  description = "Memory in GB."
  type        = number
}
