"""azure-native's functions: who am I, a token, what a resource is now, and the actions that list keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from azmlflow.localazure.plugin.client.calls import ArmError, ArmCall
from azmlflow.localazure.plugin.schema import shapes
from azmlflow.localazure.plugin.schema.types import Catalogue, Function, NotServed, TypeMap, parameters

if TYPE_CHECKING:
    from azmlflow.localazure.plugin.client.client import Arm

CLIENT_CONFIG = "azure-native:authorization:getClientConfig"
CLIENT_TOKEN = "azure-native:authorization:getClientToken"


def invoke(arm: Arm, catalogue: Catalogue, subscription: str, token: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of one function.

    Args:
        arm: the client.
        catalogue: what is served.
        subscription: the subscription in paths.
        token: the function's Pulumi token.
        args: its arguments.

    Raises:
        NotServed: for a function that is none of ours.
        BadId: when a path argument is missing.
        ArmError: when ARM refuses; 404 `ResourceNotFound` for a `get` of what is not there.
        NotSignedIn: without a credential.
    """
    if token == CLIENT_CONFIG:
        return _client_config(arm, subscription)
    if token == CLIENT_TOKEN:
        endpoint = args.get("endpoint")
        return {"token": arm.token(f"{endpoint.rstrip('/')}/.default") if endpoint else arm.token()}
    if function := catalogue.functions.get(token):
        return _post(arm, function, subscription, args)
    if kind := catalogue.getter(token):
        return _get(arm, catalogue, kind, subscription, args)
    raise NotServed(f"the local azure-native plugin does not serve the function {token}")


def _client_config(arm: Arm, subscription: str) -> dict[str, Any]:
    from azmlflow.localazure.plugin.client.identity import claims

    who = claims(arm.token())
    return {
        "clientId": who.get("appid") or who.get("azp") or "",
        "objectId": who.get("oid", ""),
        "subscriptionId": subscription,
        "tenantId": who.get("tid", ""),
    }


def _post(arm: Arm, function: Function, subscription: str, args: Mapping[str, Any]) -> dict[str, Any]:
    path = shapes.fill(function.path, args, subscription)
    query = {wire: _text(args[name]) for name, wire in function.query.items() if name in args}
    body = {name: args[name] for name in function.body if name in args}
    return arm.post(ArmCall(path, function.apiVersion, query=query, body=body or None))


def _get(arm: Arm, catalogue: Catalogue, kind: TypeMap, subscription: str, args: Mapping[str, Any]) -> dict[str, Any]:
    path = shapes.fill(kind.path, {name: args.get(name) for name in parameters(kind.path)}, subscription)
    found = arm.get(ArmCall(path, kind.apiVersion))
    if found is None:
        raise ArmError(f"GET {path}", 404, "ResourceNotFound", "there is no such resource")
    return {"id": found.get("id", path), **shapes.outputs(kind, found, catalogue)}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
