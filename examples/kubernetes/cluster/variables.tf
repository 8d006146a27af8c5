variable "kubernetes_version" {
  description = "Version of Kubernetes."
  type        = string
  default     = "1.34.2"
}
