"""One spelling of a request to Graph: names of its path and query, and the key that a path gives.

segments   names in lower case; `users('x')` is two of them; `appId='x'` in brackets becomes a key that no plain
           segment can be
query      `$` may be left out before the names that OData has (Microsoft, "Use query parameters"); others, and
           those that the embedded Azure does nothing with, are refused
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from azmlflow.localazure.core.errors import AzureError

BY_APP_ID = "\0appId="  # no path has a control character
_KEYED = re.compile(r"([A-Za-z]+)\((?:(appId)=)?'((?:[^']|'')+)'\)", re.IGNORECASE)
_SERVED = ("$filter", "$select", "$top", "$skiptoken", "$count")
_ODATA = (*_SERVED, "$expand", "$orderby", "$search", "$skip", "$format", "$apply", "$compute")


def segments(path: list[str]) -> tuple[str, ...]:
    """The segments of a path after the version, keys in brackets as segments of their own."""
    parted: list[str] = []
    for segment in path:
        match = _KEYED.fullmatch(segment)
        if match is None:
            parted.append(segment)
        else:
            key = match.group(3).replace("''", "'")
            parted += [match.group(1), f"{BY_APP_ID}{key.lower()}" if match.group(2) else key]
    return tuple(parted)


def query(given: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a query, each with its `$`.

    Raises:
        AzureError: 400, one is given twice, is not known, or nothing is done with it.
    """
    found: dict[str, str] = {}
    for name, value in given.items():
        whole = name if name.startswith("$") else f"${name}"
        if whole not in _ODATA:
            raise AzureError(400, "BadRequest", f"The query parameter '{name}' is not supported.")
        if whole not in _SERVED:
            raise AzureError(
                400, "Request_UnsupportedQuery", f"The embedded Azure does nothing with the query parameter '{name}'."
            )
        if found.setdefault(whole, value) != value:
            raise AzureError(400, "BadRequest", f"The query parameter '{whole}' is given twice.")
    return found
