"""The resource providers of the subscription: what types they have, in which versions and regions, and registration.

Source: Microsoft, "Providers" (REST 2025-04-01), "Azure resource providers and types".
"""

from __future__ import annotations

import json
from pathlib import Path

from azmlflow.localazure.arm import checks, lists, versions
from azmlflow.localazure.arm.extensions import AT_ANY_SCOPE, TAGS_TYPE
from azmlflow.localazure.arm.subscription import require_visible
from azmlflow.localazure.core.collections import PROVIDERS
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds import BY_TYPE, KINDS
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.verbs import Extra
from azmlflow.rbac import scopes

_DATA = Path(__file__).parent.parent / "data"
_SUBSCRIPTION = scopes.subscription_id(SUBSCRIPTION_ID)
_READ = "Microsoft.Resources/subscriptions/providers/read"


def list_providers(ask: Ask) -> Answer:
    """All providers."""
    require_visible(ask, _READ)
    return lists.paged(ask, [_provider(ask, namespace) for namespace in _namespaces()])


def get_provider(ask: Ask) -> Answer:
    """One provider, with its types and their API versions."""
    require_visible(ask, _READ)
    return Answer(200, _provider(ask, _namespace(ask)))


def register(ask: Ask) -> Answer:
    """POST `register` or `unregister` of a provider."""
    namespace, action = _namespace(ask), (ask.target.action or "").lower()
    ask.cloud.enforcer.require(ask.caller, f"{namespace}/{action}/action", _SUBSCRIPTION)
    state = "Registered" if action == "register" else "NotRegistered"
    ask.cloud.store.put(PROVIDERS, namespace.lower(), {"state": state})
    return Answer(200, _provider(ask, namespace))


def served() -> frozenset[str]:
    """Every type that is answered here, lower case: those of kinds, of their extra requests, and at any scope."""
    extras = {f"{extra.type}/{extra.action}" if "/" not in extra.type else extra.type for extra in _extras()}
    return frozenset({*BY_TYPE, *extras, *AT_ANY_SCOPE, TAGS_TYPE.lower()})


def _extras() -> list[Extra]:
    return [extra for kind in KINDS for extra in kind.extras]


def _namespaces() -> list[str]:
    others = json.loads((_DATA / "providers.json").read_text(encoding="utf-8"))
    return sorted({kind.namespace for kind in KINDS} | set(others))


def _namespace(ask: Ask) -> str:
    wanted = (ask.target.namespace or "").lower()
    found = next((each for each in _namespaces() if each.lower() == wanted), None)
    if found is None:
        raise AzureError(
            404, "InvalidResourceNamespace", f"The resource namespace '{ask.target.namespace}' is invalid."
        )
    return found


def _provider(ask: Ask, namespace: str) -> Document:
    names = json.loads((_DATA / "regions.json").read_text(encoding="utf-8"))
    types = [_type(name, names) for name in versions.types_of(namespace) if name.lower() in served()]
    free = namespace.lower() in checks.ALWAYS_REGISTERED
    return {
        "id": f"{_SUBSCRIPTION}/providers/{namespace}",
        "namespace": namespace,
        "registrationPolicy": "RegistrationFree" if free else "RegistrationRequired",
        "registrationState": "Registered" if checks.registered(ask.cloud, namespace) else "NotRegistered",
        "resourceTypes": types,
    }


def _type(name: str, region_names: dict[str, str]) -> Document:
    """A type, its versions newest first, and as the default one the newest that is not a preview."""
    listed = sorted(versions.listed(name), reverse=True)
    regions = BY_TYPE[name.lower()].regions if name.lower() in BY_TYPE else ()
    return {
        "resourceType": name.partition("/")[2],
        "locations": [region_names.get(region, region) for region in regions],
        "apiVersions": listed,
        "defaultApiVersion": next((each for each in listed if each.count("-") == 2), listed[0]),
        "capabilities": "SupportsTags, SupportsLocation" if regions else "None",
    }
