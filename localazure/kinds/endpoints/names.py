"""Names of online endpoints: each is a host of its region, so no two workspaces have the same there.

Source: Microsoft, "Manage and increase quotas", "Azure Machine Learning online endpoints and batch endpoints". The
words of the refusal are inferred.
"""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import ENDPOINT_NAMES
from azmlflow.localazure.core.errors import conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources import find

DOMAIN = "inference.ml.azure.com"


def host(name: str, region: str) -> str:
    """The host of an endpoint."""
    return f"{name.lower()}.{region}.{DOMAIN}"


def of_host(cloud: Cloud, asked: str) -> Document | None:
    """The endpoint that a host name (normal, no port) is of, or None."""
    name, _, region = asked.removesuffix(f".{DOMAIN}").partition(".")
    held = cloud.store.get(ENDPOINT_NAMES, f"{region}/{name}")
    return None if held is None else find.resource(cloud, held["id"])


def take(cloud: Cloud, endpoint: Document) -> None:
    """Note that an endpoint has its name."""
    cloud.store.put(ENDPOINT_NAMES, _key(endpoint["name"], endpoint["location"]), {"id": endpoint["id"]})


def free(cloud: Cloud, endpoint: Document) -> None:
    """Note that an endpoint's name is nobody's."""
    cloud.store.delete(ENDPOINT_NAMES, _key(endpoint["name"], endpoint["location"]))


def is_taken(cloud: Cloud, name: str, region: str) -> bool:
    """Whether an endpoint of the region has the name."""
    return cloud.store.get(ENDPOINT_NAMES, _key(name, region)) is not None


def check(cloud: Cloud, name: str, region: str) -> None:
    """Refuse a name that another endpoint of the region has.

    Raises:
        AzureError: 409.
    """
    if is_taken(cloud, name, region):
        raise conflict("EndpointNameAlreadyExists", taken(name, region))


def taken(name: str, region: str) -> str:
    """The sentence of a name that is taken."""
    return f"The endpoint name '{name}' is already in use. Endpoint names must be unique in the region '{region}'."


def _key(name: str, region: str) -> str:
    return f"{region}/{name}".lower()
