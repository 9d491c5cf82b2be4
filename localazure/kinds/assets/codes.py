"""Microsoft.MachineLearningServices/workspaces/codes/versions: the folders that jobs run in, as they were uploaded.

A client asks where to upload (`startPendingUpload`: a container made for this upload alone, with a URL signed for an
hour), puts the files there, and then makes the version, which says where they are. Source: Microsoft, "Code Versions"
(REST 2023-04-01), and what azure-ai-ml 1.35 sends.
"""

from __future__ import annotations

from datetime import timedelta

from azmlflow.localazure.blobs import named
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.signing import Signing
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.assets import assets
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.find import parent
from azmlflow.localazure.resources.kind import Kind, Lifecycle, child_of
from azmlflow.localazure.resources.verbs import Extra, Verbs

_TYPE = f"{assets.WORKSPACE}/codes/versions"
_UPLOAD = timedelta(hours=1)
_HASH = "hash_sha256"  # what azure-ai-ml says of a folder's content


def _check(ask: Ask, existing: Document | None) -> None:
    """A new version's files are where its maker may read."""
    assets.check_name(ask, existing)
    uri = ask.properties.get("codeUri")
    if existing is None and isinstance(uri, str):
        workspace = parent(ask.cloud, CODE, ask.target, "write")
        may = (f"{CODE.permission_type}/write", ask.target.id)
        named.require(ask.cloud, ask.caller, workspace, named.split(uri), may=may, verbs="read")


def _shape(ask: Ask, existing: Document | None) -> Document:
    defaults: Document = {"isAnonymous": False, "isArchived": False, "tags": {}, "properties": {}}
    kept = assets.described(ask, defaults, ("codeUri",))
    uri = kept.get("codeUri")
    if existing is not None:
        before = existing["properties"]
        # Two clients that upload one folder at a time: what the second says of its content is what the first said.
        same = before["properties"].get(_HASH) == kept["properties"].get(_HASH) is not None
        if uri not in (None, before["codeUri"]) and not same:
            raise bad_request("UserError", "Asset paths cannot be updated.", target="codeUri")
        uri = before["codeUri"]
    if not isinstance(uri, str) or not uri.startswith("https://"):
        raise bad_request("InvalidRequestContent", "A code version needs a 'codeUri'.", target="codeUri")
    return {"properties": {**kept, "codeUri": uri}}


def _start_upload(ask: Ask) -> Answer:
    workspace = parent(ask.cloud, CODE, ask.target, "write")
    storage = workspace["properties"]["storageAccount"]
    account = storage.rpartition("/")[2].lower()
    blobs, container = Blobs(ask.cloud), ask.cloud.ids.guid()
    if blobs.account_id(account) is None:
        raise bad_request("BadRequest", f"The workspace's storage account '{account}' no longer exists.")
    blobs.make_container(account, container)
    named.own_container(ask.cloud, account, container, workspace["properties"]["workspaceId"])
    query = Signing(ask.cloud).container(account, container, "rcwl", ask.cloud.clock.now() + _UPLOAD)
    uri = f"https://{account}.blob.core.windows.net/{container}"
    reference = {
        "blobUri": uri,
        "storageAccountArmId": storage,
        "credential": {"credentialType": "SAS", "sasUri": f"{uri}?{query}"},
    }
    return Answer(
        200,
        {
            "pendingUploadId": container,
            "pendingUploadType": "TemporaryBlobReference",
            "blobReferenceForConsumption": reference,
        },
    )


def _listed(ask: Ask) -> list[Document]:
    """All versions, or those of the content whose hash is asked for: a client need not upload it again."""
    found = assets.listed(ask)
    wanted, version = ask.query.get("hash"), ask.query.get("hashversion")
    told = [(document["properties"]["properties"], document) for document in found]
    return [
        document
        for said, document in told
        if wanted in (None, said.get(_HASH)) and version in (None, said.get("hash_version", version))
    ]


CODE = Kind(
    type=_TYPE,
    name=assets.version_rule("a code asset"),
    shape=_shape,
    placement=child_of(assets.WORKSPACE),
    has_system_data=True,
    action_type=f"{assets.WORKSPACE}/metadata/codes",
    verbs=Verbs(listed=_listed),
    lifecycle=Lifecycle(before_write=_check, on_write=assets.keep_container),
    extras=(
        Extra(
            "POST",
            _TYPE.lower(),
            _start_upload,
            f"{assets.WORKSPACE}/metadata/codes/write",
            action="startpendingupload",
            stands="resource",
        ),
    ),
)
