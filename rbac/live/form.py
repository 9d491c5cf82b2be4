"""The form of Azure's answers, before anybody reads them: what stands between may answer in Azure's place.

A document is a JSON object; a list is `{"value": [{...}, ...]}` with the address of its next page; and members that
all of Azure's services have are of the types that Azure gives them (Microsoft, "Azure REST API Guidelines").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, urlsplit

NOTHING = ""  # what an empty answer holds
UNREADABLE = object()  # what an answer holds that is not JSON
# Members of a resource, and of the properties of access: of which type they are, where they are there at all.
_MEMBERS: Mapping[str, type | tuple[type, ...]] = {
    "id": str,
    "name": (str, dict),  # a usage's name is `{"value", "localizedValue"}`
    "type": str,
    "location": str,
    "kind": str,
    "managedBy": str,
    "tags": dict,
    "properties": dict,
    "identity": dict,
    "sku": dict,
    "displayName": str,
    "subscriptionId": str,
    "namespace": str,
    "registrationState": str,
}
_PROPERTIES: Mapping[str, type | tuple[type, ...]] = {
    "provisioningState": str,
    "principalId": str,
    "principalType": str,
    "roleDefinitionId": str,
    "roleName": str,
    "scope": str,
    "permissions": list,
    "assignableScopes": list,
    "level": str,
    "notes": str,
}
# Members of an object of the directory, as Microsoft Graph v1.0 has them (its `tags` are a list of texts).
_OBJECT: Mapping[str, type] = {
    "id": str,
    "displayName": str,
    "userPrincipalName": str,
    "appId": str,
    "@odata.type": str,
}
_GRAPHS = "@odata.nextLink"
_TEXTS = ("actions", "notActions", "dataActions", "notDataActions")


def lacking(document: object, expects: str, link: str = "nextLink") -> str:
    """What an answer lacks of the form that is expected; empty if nothing.

    Args:
        document: what was answered, read.
        expects: `anything` (of a change, which may say nothing), `document`, `list`, or one of what has an `id`:
            `resource`, and `resources`, a list of them.
        link: the member that leads to a list's next page: Resource Manager's, or Microsoft Graph's.
    """
    if document is UNREADABLE:
        return "it is not a JSON object"  # of a change too: a page in its place says nothing of what became of it
    if expects == "anything" and not isinstance(document, dict):
        return ""
    if not isinstance(document, dict):
        return "it is not a JSON object"
    odd = _odd_object if link == _GRAPHS else _odd
    if expects == "resource" and not isinstance(document.get("id"), str):
        return "a resource without `id`"
    return odd(document) if expects in {"document", "resource", "anything"} else _of_list(document, expects, link, odd)


def _of_list(
    document: Mapping[str, object], expects: str, link: str, odd: Callable[[Mapping[str, object]], str]
) -> str:
    """What a page of a list lacks."""
    entries = document.get("value")
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        return "a list without `value`"
    if expects == "resources" and not all(isinstance(each.get("id"), str) for each in entries):
        return "a resource without `id`"
    next_ = document.get(link) or "https://next"
    if not isinstance(next_, str) or not split(next_):
        return f"a `{link}` that is not an address"
    return next((lacks for each in entries if (lacks := odd(each))), "")


def split(url: str) -> SplitResult | None:
    """An address in its parts; None for what has none, such as `https://[x`."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _odd(entry: Mapping[str, object]) -> str:
    """A member of another type than Azure's, of a document or of an entry of a list."""
    for members, found in ((_MEMBERS, entry), (_PROPERTIES, entry.get("properties") or {})):
        for name, kind in members.items():
            value = found.get(name) if isinstance(found, Mapping) else None
            if value is not None and not isinstance(value, kind):
                return f"a `{name}` that is none"
    tags = entry.get("tags")
    if isinstance(tags, dict) and not all(isinstance(value, str | None) for value in tags.values()):
        return "a tag that is not text"
    properties = entry.get("properties")
    blocks = properties.get("permissions") if isinstance(properties, dict) else None
    if not all(_is_block(block) for block in blocks or ()) or not _is_block(entry):
        return "permissions that are none"
    return ""


def _odd_object(entry: Mapping[str, object]) -> str:
    """The same of an object of the directory."""
    for name, kind in _OBJECT.items():
        if entry.get(name) is not None and not isinstance(entry[name], kind):
            return f"a `{name}` that is none"
    return ""


def _is_block(block: object) -> bool:
    """Whether actions are lists of texts, where there are any."""
    if not isinstance(block, dict):
        return False
    listed = [block[name] for name in _TEXTS if block.get(name) is not None]
    return all(isinstance(each, list) and all(isinstance(text, str) for text in each) for each in listed)
