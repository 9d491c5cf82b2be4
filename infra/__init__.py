"""What is provisioned: the Pulumi program and its components."""
