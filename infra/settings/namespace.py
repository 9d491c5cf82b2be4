"""The namespace of the settings' keys in `Pulumi.<stack>.yaml`. A module of its own, since it needs no pydantic."""

NAMESPACE = "azmlflow"
