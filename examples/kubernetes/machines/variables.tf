variable "cluster_name" {
  description = "Name of the cluster; part of every machine's name."
  type        = string
  default     = "demo"
}

variable "network" {
  description = "Network of the machines (CIDR)."
  type        = string
  default     = "10.40.0.0/24"
}

variable "control_planes" {
  description = "Number of control plane machines; an odd number, because they vote."
  type        = number
  default     = 1

  validation {
    condition     = var.control_planes % 2 == 1
    error_message = "The number of control plane machines is odd."
  }
}

variable "workers" {
  description = "Number of worker machines."
  type        = number
  default     = 2
}
