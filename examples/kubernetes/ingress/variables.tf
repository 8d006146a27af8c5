variable "chart_version" {
  description = "Version of the ingress controller's chart."
  type        = string
  default     = "4.13.3"
}

variable "max_replicas" {
  description = "Controllers at most; there is no more than one on a node."
  type        = number
  default     = 2
}

variable "routes" {
  description = "Apps by path."
  type        = map(string)
  default = {
    "/"       = "storefront"
    "/api"    = "orders"
    "/status" = "status-page"
  }
}
