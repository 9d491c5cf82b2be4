"""A small azure-native provider over Azure Resource Manager, for where the official plugin cannot be had."""
