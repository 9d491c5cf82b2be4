"""Inputs to ARM's request, ARM's answer to outputs, and outputs back to inputs. Pure.

All three follow the rule of `types.py` and the exceptions declared there. `UNKNOWN` is never in a request: the
engine calls Create and Update with known values only, outside of previews.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from azmlflow.localazure.plugin.schema.types import Catalogue, Shape, TypeMap
from azmlflow.localazure.plugin.schema.unknown import UNKNOWN

API_VERSION = "azureApiVersion"
# What stays at the top of a flattened sub-resource (read off azure-mgmt-network's and -machinelearningservices').
_SUB_ENVELOPE = frozenset(
    [
        "id",
        "name",
        "type",
        "etag",
        "location",
        "tags",
        "sku",
        "kind",
        "zones",
        "extendedLocation",
        "identity",
        "systemData",
    ]
)


def request_body(kind: TypeMap, inputs: Mapping[str, Any], shapes: Catalogue) -> dict[str, Any]:
    """The body of the PUT that makes or updates a resource as its inputs say."""
    body: dict[str, Any] = {"properties": {}} if kind.requireProperties else {}
    for name in kind.inputs:
        if inputs.get(name) is not None:
            _place(body, kind.wire(name), to_wire(kind.nested.get(name), inputs[name], shapes))
    return body


def outputs(kind: TypeMap, answer: Mapping[str, Any], shapes: Catalogue) -> dict[str, Any]:
    """ARM's answer as the resource's outputs: all declared ones that are there, and the API version."""
    found = {}
    for name in kind.answered:
        value = _find(answer, kind.wire(name))
        if value is not None and name != "id":
            found[name] = from_wire(kind.nested.get(name), value, shapes)
    return {**found, API_VERSION: kind.apiVersion}


def projected_inputs(kind: TypeMap, state: Mapping[str, Any], shapes: Catalogue) -> dict[str, Any]:
    """Outputs cut down to what the inputs would be if a program asked for exactly this state."""
    read_only = frozenset(kind.readOnly)
    return {
        name: _as_input(kind.nested.get(name), _writable(state[name], name, read_only), shapes)
        for name in kind.inputs
        if name in state
    }


def imported_inputs(
    kind: TypeMap, parameters: Mapping[str, str], state: Mapping[str, Any], shapes: Catalogue
) -> dict[str, Any]:
    """What the inputs of an imported resource are taken to be: its path's parameters, and what Azure shows of it
    without lists and objects that are empty (azure-native, convert/responseToSdkInputs.go)."""
    shown = {name: _without_empty(value) for name, value in projected_inputs(kind, state, shapes).items()}
    return {**parameters, **{name: value for name, value in shown.items() if value is not None}}


def _without_empty(value: Any) -> Any:
    """A value without the lists and objects in it that are empty, None if it is one itself."""
    if isinstance(value, Mapping):
        kept = {name: found for name, item in value.items() if (found := _without_empty(item)) is not None}
        return kept or None
    if isinstance(value, list):
        return [found for item in value if (found := _without_empty(item)) is not None] or None
    return value


def _writable(value: Any, path: str, read_only: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_writable(item, path, read_only) for item in value]
    if isinstance(value, Mapping):
        below = {name: f"{path}.{name}" for name in value}
        return {
            name: _writable(item, below[name], read_only)
            for name, item in value.items()
            if below[name] not in read_only
        }
    return value


def _as_input(shape_name: str | None, value: Any, shapes: Catalogue) -> Any:
    """An output in the form its input has: Azure's maps of assigned identities are lists of ids there."""
    sets = shapes.shapes[shape_name].sets if shape_name is not None else ()
    if sets and isinstance(value, Mapping):
        return {
            name: sorted(item) if name in sets and isinstance(item, Mapping) else item for name, item in value.items()
        }
    return value


def to_wire(shape_name: str | None, value: Any, shapes: Catalogue) -> Any:
    """A nested input as ARM wants it."""
    if isinstance(value, list):
        return [to_wire(shape_name, item, shapes) for item in value]
    if not isinstance(value, Mapping) or shape_name is None:
        return _without_nulls(value)
    shape, body = shapes.shapes[shape_name], dict[str, Any]()
    for name, item in value.items():
        if item is None:
            continue
        moved = shape.renames.get(name, name)
        if shape.flat and moved.split(".")[0] not in _SUB_ENVELOPE:
            moved = f"properties.{moved}"
        if name in shape.sets and isinstance(item, list):
            _place(body, moved, {identifier: {} for identifier in item})
        else:
            _place(body, moved, to_wire(shape.nested.get(name), item, shapes))
    return body


def from_wire(shape_name: str | None, value: Any, shapes: Catalogue) -> Any:
    """A nested part of ARM's answer as an output."""
    if isinstance(value, list):
        return [from_wire(shape_name, item, shapes) for item in value]
    if not isinstance(value, Mapping) or shape_name is None:
        return _without_nulls(value)
    shape = shapes.shapes[shape_name]
    if shape.flat:
        lifted = value.get("properties")
        value = {
            **(lifted if isinstance(lifted, Mapping) else {}),
            **{k: v for k, v in value.items() if k != "properties"},
        }
    found = {}
    for name, wire in shape.renames.items():
        item = _find(value, wire)
        if item is not None:
            found[name] = from_wire(shape.nested.get(name), item, shapes)
    moved = {wire.split(".")[0] for wire in shape.renames.values()}
    for name, item in value.items():
        if name not in moved and item is not None:
            found[name] = from_wire(shape.nested.get(name) or _inherited(shape, shape_name, item), item, shapes)
    return found


def _inherited(shape: Shape, name: str, item: Any) -> str | None:
    """What hangs below a sub-resource and has `properties` of its own is a sub-resource as well."""
    sample = item[0] if isinstance(item, list) and item else item
    return (
        name if shape.flat and isinstance(sample, Mapping) and isinstance(sample.get("properties"), Mapping) else None
    )


def maintained_gaps(kind: TypeMap, inputs: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The input paths of the lists that a program left unset and that a PUT must carry nevertheless."""
    for dotted in kind.maintained:
        path = tuple(dotted.split("."))
        if dig(inputs, path) is None:
            yield path


def with_maintained(
    kind: TypeMap, inputs: Mapping[str, Any], value: Callable[[tuple[str, ...]], Any]
) -> dict[str, Any]:
    """Inputs with each gap of `maintained_gaps` filled by `value(path)`; None leaves the gap."""
    filled = dict(inputs)
    for path in maintained_gaps(kind, inputs):
        content = value(path)
        if content is None:
            continue
        if len(path) == 1:
            filled[path[0]] = content
        else:
            outer = filled.get(path[0])
            filled[path[0]] = {**(outer if isinstance(outer, Mapping) else {}), path[1]: content}
    return filled


def preview_outputs(
    kind: TypeMap, inputs: Mapping[str, Any], old: Mapping[str, Any], old_inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """What a preview can promise of the outputs; the rest is `UNKNOWN`.

    Scalars, lists of scalars and tags come back as sent. A nested object does not: Azure adds to it (an identity's
    principal, a vault's URI), and a program that reads the addition must see it as unknown, not as absent. On an
    update, what is unchanged in the inputs keeps its present value, and so do name and type.
    """
    promised: dict[str, Any] = {API_VERSION: kind.apiVersion}
    for name in kind.answered:
        value = inputs.get(name)
        if name == "id":
            continue
        if name in old and (name in ("name", "type") or (name in old_inputs and old_inputs[name] == value)):
            promised[name] = old[name]
        elif value is not None and name in kind.inputs and (name == "tags" or _is_simple(value)):
            promised[name] = value
        else:
            promised[name] = UNKNOWN
    return promised


def _is_simple(value: Any) -> bool:
    if isinstance(value, list):
        return all(not isinstance(item, Mapping | list) for item in value)
    return not isinstance(value, Mapping)


def _place(body: dict[str, Any], dotted: str, value: Any) -> None:
    *outer, last = dotted.split(".")
    for key in outer:
        body = body.setdefault(key, {})
    if isinstance(value, Mapping) and isinstance(body.get(last), dict):
        body[last].update(value)
    else:
        body[last] = value


def _find(body: Any, dotted: str) -> Any:
    """The value at a dotted path; where the exact name is missing, letter case does not matter.

    Application Insights answers some names in another case than it takes them.
    """
    for key in dotted.split("."):
        if not isinstance(body, Mapping):
            return None
        if key not in body:
            key = next((other for other in body if other.lower() == key.lower()), key)  # noqa: PLW2901
        body = body.get(key)
    return body


def dig(values: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(values, Mapping):
            return None
        values = values.get(key)
    return values


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
