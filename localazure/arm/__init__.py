"""Azure Resource Manager's engine: what every resource goes through, whatever its kind.

What is special about a type stands in its kind; HTTP is in `services`.
"""
