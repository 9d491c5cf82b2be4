"""Pulumi's engine: found or built, run by the Automation API, its events and state as plain records.

Nobody else imports the Automation API.
"""
