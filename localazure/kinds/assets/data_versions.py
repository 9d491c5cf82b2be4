"""Microsoft.MachineLearningServices/workspaces/data/versions: a name for a file or folder somewhere.

A data asset says where data is and does not hold it; whether anything is there is seen by who reads it. A version's
place and type never change. Source: Microsoft, "Data Versions" (REST 2023-04-01-preview), and what azure-ai-ml 1.35
sends. Which actions guard data assets Microsoft does not say: inferred from the type, as ARM does.
"""

from __future__ import annotations

from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.assets import assets
from azmlflow.localazure.kinds.assets.data import TYPES
from azmlflow.localazure.models import places
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice
from azmlflow.localazure.resources.find import parent
from azmlflow.localazure.resources.kind import Kind, Lifecycle, child_of
from azmlflow.localazure.resources.verbs import Verbs

_DEFAULTS: Document = {"isAnonymous": False, "isArchived": False, "tags": {}, "properties": {}}
_SCHEMES = ("azureml://", "https://", "http://", "abfss://", "wasbs://", "adl://")


def _shape(ask: Ask, existing: Document | None) -> Document:
    found = assets.described(ask, _DEFAULTS, ("dataUri", "dataType", "referencedUris"))
    uri = found.get("dataUri")
    if not isinstance(uri, str) or not uri.startswith(_SCHEMES):
        raise bad_request(
            "InvalidRequestContent",
            f"A data version needs a 'dataUri' that begins with one of {', '.join(_SCHEMES)}.",
            target="dataUri",
        )
    workspace = parent(ask.cloud, DATA_VERSION, ask.target, "write")
    place = places.locate(uri, workspace, ask.cloud)
    if place is not None:  # the short spelling is answered as the long one, which says of which workspace it is
        uri = places.long_uri(place, workspace) + ("/" if uri.endswith("/") else "")
    kind = choice("dataType", found.get("dataType"), TYPES)
    if existing is not None:
        before = existing["properties"]
        if (before["dataUri"].rstrip("/"), before["dataType"]) != (uri.rstrip("/"), kind):
            raise bad_request("UserError", "Asset paths cannot be updated.", target="dataUri")
        uri = before["dataUri"]
    return {"properties": {**found, "dataUri": uri, "dataType": kind}}


DATA_VERSION = Kind(
    type=f"{assets.WORKSPACE}/data/versions",
    name=assets.version_rule("a data asset"),
    shape=_shape,
    placement=child_of(assets.WORKSPACE),
    has_provisioning_state=False,
    has_system_data=True,
    verbs=Verbs(listed=assets.listed),
    lifecycle=Lifecycle(before_write=assets.check_name, on_write=assets.keep_container),
)
