variable "git_url" {
  description = "Address of the git host that has this repository: https://github.com, or file:///srv/git."
  type        = string
}

variable "repository" {
  description = "The repository on that host, as OWNER/NAME."
  type        = string
}

variable "branch" {
  description = "Branch that the workspaces follow; the repository's own default when empty."
  type        = string
  default     = ""
}

variable "git_token" {
  description = "Token with which the git host is read; anything where it needs none."
  type        = string
  sensitive   = true
  default     = "none"
}
