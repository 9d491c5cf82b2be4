"""What Resource Manager does itself with a template: it asks for each resource, as whoever deploys it."""
