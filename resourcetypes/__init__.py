"""Azure's resource types as azmlflow uses them: one table, which all that needs a type's path, version or words reads,
and the bounds on names and numbers that infra and the embedded Azure both check; documents without parts of them.

Here belongs what is true of a type on any cloud. What a type's resources look like inside belongs to who makes them:
the plugin's shapes to `localazure/plugin`, the embedded Azure's kinds to `localazure/kinds`. Standard library only.
"""
