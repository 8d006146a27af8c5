variable "domain" {
  description = "Domain under which the cluster has its zone."
  type        = string
  default     = "k8s.example.com"
}

variable "ttl" {
  description = "Seconds that an answer may be kept."
  type        = number
  default     = 300
}
