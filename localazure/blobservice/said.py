"""What a request to the Blob service may say: each parameter and header is used by its operation, or refused.

Microsoft, "Blob service REST API", one page an operation, has what Azure takes; `UnsupportedQueryParameter` and
`UnsupportedHeader` are among its common error codes. That Azure refuses names that it does not know is inferred.
Other headers than `x-ms-` are HTTP's own.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from azmlflow.localazure.core.errors import AzureError

# Microsoft, "Create a service SAS", "Create a user delegation SAS", "Create an account SAS"; who signed, and for what.
_SIGNED = frozenset(
    (
        "sv", "ss", "srt", "sr", "st", "se", "sp", "sip", "spr", "si", "ses", "sdd", "sig", "skoid", "sktid", "skt",
        "ske", "sks", "skv", "saoid", "suoid", "scid", "skdutid", "sduoid", "rscc", "rscd", "rsce", "rscl", "rsct",
    )
)  # fmt: skip
# `timeout` bounds Azure's own work: here nothing takes so long.
_ANY = frozenset(("comp", "restype", "timeout"))
_PARAMETERS: Mapping[str, frozenset[str]] = {
    "Put Block": frozenset(("blockid",)),
    "Get Block List": frozenset(("blocklisttype",)),
    "List Blobs": frozenset(("prefix", "delimiter", "marker", "maxresults", "include")),
    "List Containers": frozenset(("prefix", "marker", "maxresults", "include")),
}
# All blobs are block blobs: whoever says so where Azure would not look is right.
_COMMON = frozenset(
    ("x-ms-date", "x-ms-version", "x-ms-client-request-id", "x-ms-return-client-request-id", "x-ms-blob-type")
)
_CONTENT = frozenset(
    (
        "x-ms-blob-content-type", "x-ms-blob-content-encoding", "x-ms-blob-content-language",
        "x-ms-blob-content-disposition", "x-ms-blob-cache-control", "x-ms-blob-content-md5",
    )
)  # fmt: skip
_META = frozenset(("x-ms-meta-",))
_HEADERS: Mapping[str, frozenset[str]] = {
    "Put Blob": _CONTENT | _META | {"x-ms-access-tier"},
    "Put Block List": _CONTENT | _META | {"x-ms-access-tier"},
    "Set Blob Metadata": _META,
    "Set Blob Properties": _CONTENT,
    "Copy Blob": _META
    | {
        "x-ms-copy-source", "x-ms-requires-sync", "x-ms-access-tier", "x-ms-source-if-match",
        "x-ms-source-if-none-match", "x-ms-source-if-modified-since", "x-ms-source-if-unmodified-since",
        "x-ms-copy-source-blob-properties",
    },
    "Get Blob": frozenset(("x-ms-range", "x-ms-range-get-content-md5")),
    "Delete Blob": frozenset(("x-ms-delete-snapshots",)),
    "Create Container": _META | {"x-ms-blob-public-access"},
    "Set Container Metadata": _META,
}  # fmt: skip
# Of these only what is so anyhow: blobs are hot, have no snapshots that could be deleted by themselves, and are copied
# at once, with their properties.
_VALUES: Mapping[str, tuple[str, ...]] = {
    "x-ms-access-tier": ("hot",),
    "x-ms-delete-snapshots": ("include",),
    "x-ms-copy-source-blob-properties": ("true",),
    "x-ms-requires-sync": ("true", "false"),
}


def check(operation: str, request: Request) -> None:
    """Refuse what an operation would leave out.

    Args:
        operation: Azure's name of it.
        request: the request.

    Raises:
        AzureError: 400 `UnsupportedQueryParameter` or `UnsupportedHeader`; 412, it names a lease, and there are none.
    """
    known = _ANY | _PARAMETERS.get(operation, frozenset()) | (_SIGNED if "sig" in request.query_params else frozenset())
    for name in request.query_params:
        if name not in known:
            raise AzureError(
                400,
                "UnsupportedQueryParameter",
                f"One of the query parameters specified in the request URI is not supported: {name}.",
            )
    served = _COMMON | _HEADERS.get(operation, frozenset())
    for name, value in request.headers.items():
        if name == "x-ms-lease-id":
            raise AzureError(
                412, "LeaseNotPresentWithBlobOperation", "There is currently no lease on the blob or container."
            )
        values = _VALUES.get(name, (value.lower(),))
        known_name = name in served or any(each.endswith("-") and name.startswith(each) for each in served)
        if name.startswith("x-ms-") and (not known_name or value.lower() not in values):
            raise AzureError(
                400,
                "UnsupportedHeader",
                f"One of the HTTP headers specified in the request is not supported: {name}: {value[:100]}.",
            )
