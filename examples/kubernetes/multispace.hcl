# What the Terraform code of this stack cannot say. The file is optional: without it every workspace has the defaults.

# How many workspaces may run at once.
concurrency = 4

# For every workspace that declares the variable.
variables = {
  cluster_name = "demo"
}

workspace "machines" {
  variables = {
    workers = 3
  }
}

workspace "cluster" {
  # A control plane that is not up yet is worth some patience. Backoff is in seconds.
  apply {
    retry_attempts    = 4
    retry_backoff_min = 2
    retry_backoff_max = 60
  }

  # What could not be taken down is looked at by a person.
  destroy {
    retry = false
  }
}
