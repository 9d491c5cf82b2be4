# What an azurerm user writes for a workspace: what the two wait for by the clock is left out.
terraform {
  required_providers {
    azurerm = {
      source = "hashicorp/azurerm"
    }
  }
}

provider "azurerm" {
  features {
    machine_learning {
      purge_soft_deleted_workspace_on_destroy = true # else its name stays taken for 14 days, as on Azure
    }
  }
}

variable "tag" {
  default = "one"
}

variable "nodes" {
  default = 2
}

data "azurerm_client_config" "current" {}

resource "azurerm_resource_group" "this" {
  name     = "rg-tofu"
  location = "westeurope"
  tags     = { stack = var.tag }
}

resource "azurerm_storage_account" "this" {
  name                     = "sttofu0001"
  resource_group_name      = azurerm_resource_group.this.name
  location                 = azurerm_resource_group.this.location
  account_tier             = "Standard"
  account_replication_type = "LRS"
  tags                     = { stack = var.tag }

  blob_properties {
    versioning_enabled = true
    delete_retention_policy {
      days = 9
    }
  }

  share_properties {
    retention_policy {
      days = 14
    }
    smb {
      versions = ["SMB3.1.1"]
    }
  }
}

resource "azurerm_key_vault" "this" {
  name                          = "kv-tofu-0001"
  resource_group_name           = azurerm_resource_group.this.name
  location                      = azurerm_resource_group.this.location
  tenant_id                     = data.azurerm_client_config.current.tenant_id
  sku_name                      = "standard"
  rbac_authorization_enabled    = true
  public_network_access_enabled = false # else the provider waits two minutes for its name
  tags                          = { stack = var.tag }
}

resource "azurerm_log_analytics_workspace" "this" {
  name                = "log-tofu"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  retention_in_days   = 30
  tags                = { stack = var.tag }
}

resource "azurerm_application_insights" "this" {
  name                 = "appi-tofu"
  resource_group_name  = azurerm_resource_group.this.name
  location             = azurerm_resource_group.this.location
  workspace_id         = azurerm_log_analytics_workspace.this.id
  application_type     = "web"
  daily_data_cap_in_gb = 5
  tags                 = { stack = var.tag }
}

resource "azurerm_machine_learning_workspace" "this" {
  name                    = "mlw-tofu"
  resource_group_name     = azurerm_resource_group.this.name
  location                = azurerm_resource_group.this.location
  storage_account_id      = azurerm_storage_account.this.id
  key_vault_id            = azurerm_key_vault.this.id
  application_insights_id = azurerm_application_insights.this.id
  tags                    = { stack = var.tag }

  identity {
    type = "SystemAssigned"
  }
}

resource "azurerm_machine_learning_compute_cluster" "this" {
  name                          = "cpu-cluster"
  location                      = azurerm_resource_group.this.location
  machine_learning_workspace_id = azurerm_machine_learning_workspace.this.id
  vm_priority                   = "Dedicated"
  vm_size                       = "STANDARD_DS3_V2"

  scale_settings {
    min_node_count                       = 0
    max_node_count                       = var.nodes
    scale_down_nodes_after_idle_duration = "PT2M"
  }
}
