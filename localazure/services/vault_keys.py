"""A vault's keys as its data plane tells them: the public part, without the material, which nobody here makes.

Source: Microsoft, "Get Key", "Get Keys" and "Get Key Versions" (Key Vault REST).
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.core.store import Document

_WORDS = {"kty": "kty", "keyOps": "key_ops", "curveName": "crv"}


def bundle(key: Document) -> dict[str, Any]:
    """A key with its attributes, as a GET answers it."""
    told = key["properties"]
    words = {word: told[name] for name, word in _WORDS.items() if name in told}
    return {"key": {"kid": told["keyUriWithVersion"], **words}, **_more(key)}


def item(key: Document, *, versioned: bool) -> dict[str, Any]:
    """A key in a list; `versioned`: in the list of its versions."""
    return {"kid": key["properties"]["keyUriWithVersion" if versioned else "keyUri"], **_more(key)}


def is_version(key: Document, version: str) -> bool:
    """Whether a version is the key's; none stands for the latest."""
    return not version or str(key["properties"]["keyUriWithVersion"]).rpartition("/")[2] == version.lower()


def _more(key: Document) -> dict[str, Any]:
    return {"attributes": key["properties"]["attributes"], "tags": key.get("tags") or {}}
