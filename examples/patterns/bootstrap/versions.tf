terraform {
  required_providers {
    tfe = {
      source = "multispace/tfe"
    }
  }
}

# Where the server is and who asks: TFE_HOSTNAME, TFE_TOKEN and TFE_ORGANIZATION, as `multispace env` sets them.
provider "tfe" {}
