"""Versions of a vault's keys, which its data plane makes: by creating a key anew, by rotating it, by a change of one.

The document of a key is that of its latest version; older ones are kept beside it. Nothing follows to a new version by
itself: what names a version goes on with that one, as an encrypted workspace does (Microsoft, "Customer-managed keys
for Azure Machine Learning": its key identifier is updated by hand). A policy is kept and answered, and gives a rotated
key its expiry; nobody rotates by the clock here.

Source: Microsoft, "Create Key", "Rotate Key", "Update Key", "Get Key Rotation Policy" and "Update Key Rotation Policy"
(Key Vault REST), and "Configure cryptographic key auto-rotation" (an expiry of 28 days at least). Inferred: what stands
before a policy was set, and the words of refusals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import KEY_POLICIES, KEY_VERSIONS
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.foundation import vault_keys
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.fields import checked_tags, wrong_type

_NAMES = {"kty": "kty", "key_size": "keySize", "key_ops": "keyOps", "crv": "curveName", "attributes": "attributes"}
_DURATION = re.compile(r"P(?=\d)(?:(\d{1,5})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})D)?", re.ASCII)
_SHORTEST, _DAY = 28, 86400
_USUAL = [{"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "Notify"}}]


def versions(cloud: Cloud, key: Document) -> Iterator[Document]:
    """All versions of a key, each as the key was then; the latest first."""
    yield key
    yield from (found for _, found in cloud.store.scan(KEY_VERSIONS, f"{key['id']}/".lower()))


def version_of(key: Document) -> str:
    """The name of a version."""
    return str(key["properties"]["keyUriWithVersion"]).rpartition("/")[2]


def find_version(cloud: Cloud, key: Document, name: str) -> Document | None:
    """A version by its name; none stands for the latest."""
    return next((each for each in versions(cloud, key) if name.lower() in ("", version_of(each).lower())), None)


def create(cloud: Cloud, vault: Document, name: str, given: Mapping[str, Any]) -> Document:
    """Make a key, or another version of the one of that name.

    Raises:
        AzureError: 400, naming what Key Vault does not take.
    """
    if (unknown := next((each for each in given if each not in (*_NAMES, "tags")), None)) is not None:
        raise bad_request("BadParameter", f"The property '{unknown}' is not supported.", target=unknown)
    words = {_NAMES[each]: value for each, value in given.items() if each in _NAMES}
    return _put(cloud, vault, name, words, checked_tags(given.get("tags")))


def rotate(cloud: Cloud, vault: Document, key: Document) -> Document:
    """Make another version of a key, like the latest one, which expires as its policy says."""
    told = key["properties"]
    words = {name: told[name] for name in ("kty", "keySize", "keyOps", "curveName") if name in told}
    days = _days((cloud.store.get(KEY_POLICIES, key["id"].lower()) or {}).get("attributes", {}).get("expiryTime"))
    expiry = {"exp": int(cloud.clock.now().timestamp()) + days * _DAY} if days else {}
    return _put(cloud, vault, key["name"], {**words, "attributes": expiry}, key.get("tags") or {})


def change(cloud: Cloud, key: Document, version: Document, given: Mapping[str, Any]) -> Document:
    """Change attributes, operations or tags of a version."""
    kept = vault_keys.attributes(given.get("attributes"))
    if (unknown := next((each for each in given if each not in ("attributes", "key_ops", "tags")), None)) is not None:
        raise bad_request("BadParameter", f"The property '{unknown}' is not supported.", target=unknown)
    told = version["properties"]
    changed = {**told, "attributes": {**told["attributes"], **kept, "updated": int(cloud.clock.now().timestamp())}}
    if given.get("key_ops") is not None:
        changed["keyOps"] = vault_keys.operations(given["key_ops"], told["kty"])
    tags = version.get("tags") if given.get("tags") is None else checked_tags(given["tags"])
    new = {**version, "properties": changed, "tags": tags}
    if version_of(version) == version_of(key):
        find.keep(cloud, new)
    else:
        cloud.store.put(KEY_VERSIONS, f"{key['id']}/{version_of(version)}".lower(), new)
    return new


def policy(cloud: Cloud, key: Document) -> Document:
    """The rotation policy of a key."""
    kept = cloud.store.get(KEY_POLICIES, key["id"].lower())
    usual: Document = {"lifetimeActions": _USUAL, "attributes": {}}
    return {"id": f"{key['properties']['keyUri']}/rotationpolicy", **(kept or usual)}


def set_policy(cloud: Cloud, key: Document, given: Mapping[str, Any]) -> Document:
    """Keep another rotation policy.

    Raises:
        AzureError: 400, naming what Key Vault does not take.
    """
    _members("", given, ("id", "attributes", "lifetimeActions"))
    attributes = _members("attributes", given.get("attributes"), ("expiryTime", "created", "updated"))
    days = _days(attributes.get("expiryTime"))
    if days and days < _SHORTEST:
        raise _refused(f"The expiryTime is at least {_SHORTEST} days.")
    told_actions = given.get("lifetimeActions")
    if told_actions is not None and not isinstance(told_actions, list):
        raise wrong_type("lifetimeActions", told_actions, "array")
    actions = [_action(each, days) for each in told_actions or ()]
    now = int(cloud.clock.now().timestamp())
    before = (cloud.store.get(KEY_POLICIES, key["id"].lower()) or {}).get("attributes") or {}
    expiry = {"expiryTime": attributes["expiryTime"]} if days else {}
    told = {"lifetimeActions": actions, "attributes": {**expiry, "created": before.get("created", now), "updated": now}}
    cloud.store.put(KEY_POLICIES, key["id"].lower(), told)
    return policy(cloud, key)


def _action(told: object, days: int) -> Document:
    """An action of a policy by which a key expires after so many days; never, if none."""
    given = _members("lifetimeActions", told, ("trigger", "action"))
    trigger = _members("trigger", given.get("trigger"), ("timeAfterCreate", "timeBeforeExpiry"))
    action = _members("action", given.get("action"), ("type",)).get("type")
    kind = next(
        (each for each in ("Rotate", "Notify") if isinstance(action, str) and action.lower() == each.lower()), ""
    )
    if not kind:
        raise _refused(f"The action of a lifetimeAction is Rotate or Notify; it is '{action or ''}'.")
    if len(trigger) != 1 or not _days(next(iter(trigger.values()))):
        raise _refused("A lifetimeAction has one trigger: timeAfterCreate or timeBeforeExpiry.")
    if "timeBeforeExpiry" in trigger and not days and kind == "Rotate":
        raise _refused("A trigger of timeBeforeExpiry needs an expiryTime.")
    return {"trigger": trigger, "action": {"type": kind}}


def _members(where: str, given: object, known: tuple[str, ...]) -> Document:
    """An object's members that are said, each of which has to be known."""
    if given is not None and not isinstance(given, dict):
        raise wrong_type(where, given, "object")
    found = {name: value for name, value in (given or {}).items() if value is not None}
    if (unknown := next((each for each in found if each not in known), None)) is not None:
        raise bad_request("BadParameter", f"The property '{unknown}' is not supported.", target=unknown)
    return found


def _put(cloud: Cloud, vault: Document, name: str, words: Mapping[str, Any], tags: Document) -> Document:
    id_ = f"{vault['id']}/keys/{name}"
    before = find.resource(cloud, id_)
    name = before["name"] if before else name
    told = vault_keys.properties(cloud, vault, name, words)
    place = {
        "id": before["id"] if before else id_,
        "name": name,
        "type": vault_keys.TYPE,
        "location": vault["location"],
    }
    made: Document = {**place, "tags": tags, "properties": told}
    with cloud.store.transaction():
        if before is not None:
            cloud.store.put(KEY_VERSIONS, f"{id_}/{version_of(before)}".lower(), before)
        find.keep(cloud, made)
    return made


def _days(text: object) -> int:
    """Days of a duration; none for none."""
    if text is None:
        return 0
    found = _DURATION.fullmatch(str(text))
    if found is None:
        raise _refused(f"'{text}' is no duration of days, months or years, such as P90D.")
    years, months, days = (int(each or 0) for each in found.groups())
    return years * 365 + months * 30 + days


def _refused(text: str) -> AzureError:
    return bad_request("BadParameter", text)
