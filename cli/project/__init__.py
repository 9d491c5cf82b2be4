"""The folder that a stack lives in: Pulumi.yaml, settings files, config.json, who holds a stack, log files.

No cloud and no engine is asked here.
"""
