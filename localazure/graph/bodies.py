"""What bodies of Graph may say of what is added. Each member is used, kept and told again, or refused.

Source: Microsoft, Graph v1.0 reference: create user, group, servicePrincipal, application, `addPassword`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document

# Members that are kept, and of which type.
USER: Mapping[str, type] = {
    **dict.fromkeys(
        (
            "mailNickname", "givenName", "surname", "jobTitle", "mobilePhone", "officeLocation", "preferredLanguage",
            "userType", "department", "usageLocation", "passwordPolicies", "onPremisesImmutableId", "city", "country",
            "companyName", "employeeId", "state", "streetAddress", "postalCode",
        ),
        str,
    ),
    "businessPhones": list,
    "otherMails": list,
}  # fmt: skip
GROUP: Mapping[str, type] = {"description": str, "mailNickname": str, "visibility": str}
SERVICE_PRINCIPAL: Mapping[str, type] = {
    "tags": list, "notes": str, "description": str, "homepage": str, "appRoleAssignmentRequired": bool,
}  # fmt: skip
APPLICATION: Mapping[str, type] = {
    "identifierUris": list, "signInAudience": str, "web": dict, "spa": dict, "publicClient": dict, "api": dict,
    "appRoles": list, "info": dict, "tags": list, "notes": str, "description": str, "requiredResourceAccess": list,
    "optionalClaims": dict, "isFallbackPublicClient": bool, "isDeviceOnlyAuthSupported": bool,
    "groupMembershipClaims": str, "serviceManagementReference": str,
}  # fmt: skip
# Members that can have one value alone: the embedded Azure has no other.
_ALONE: Mapping[str, Any] = {
    "accountEnabled": True, "securityEnabled": True, "mailEnabled": False, "groupTypes": [],
    "isAssignableToRole": False,
    "keyCredentials": [], "passwordCredentials": [], "servicePrincipalType": "Application",
}  # fmt: skip


def kept(body: Mapping[str, Any], known: Mapping[str, type], used: tuple[str, ...]) -> Document:
    """What is kept of a body beside what is used.

    Args:
        body: the body; names have Graph's case, as Graph asks.
        known: see above.
        used: members that the caller reads itself.

    Raises:
        AzureError: 400, a member is unknown, has the wrong type, or a value that cannot be had.
    """
    found: Document = {}
    for name, value in body.items():
        if name in used or value is None or name.startswith("@odata.type"):
            continue
        if name in _ALONE:
            if value != _ALONE[name]:
                raise AzureError(
                    400,
                    "Request_BadRequest",
                    f"The embedded Azure has '{name}' as {_ALONE[name]!r} alone.",
                    target=name,
                )
        elif name not in known:
            raise AzureError(400, "Request_BadRequest", f"Invalid property '{name}'.", target=name)
        elif not isinstance(value, known[name]):
            raise invalid(name)
        else:
            found[name] = value
    return found


def text(body: Mapping[str, Any], name: str) -> str | None:
    """A text that a body may have; None if it has none.

    Raises:
        AzureError: 400, it is something else.
    """
    value = body.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise invalid(name)
    return value


def invalid(name: str) -> AzureError:
    """400 for a member of another type or form."""
    return AzureError(400, "Request_BadRequest", f"Property {name} is invalid.", target=name)
