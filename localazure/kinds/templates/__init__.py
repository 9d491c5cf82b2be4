"""Deployments of templates: what a group is asked to hold, in one request.

What a template may say, and what is kept of its deployment. Its resources are made in `arm/templates`.
"""
