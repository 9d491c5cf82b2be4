"""Reads settings: raw configuration, as a file or the engine has it, to a model; every fault to words and a command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

import azmlflow
from azmlflow.infra.settings import listing
from azmlflow.infra.settings.faults import Fault, SettingsError, nearest
from azmlflow.infra.settings.namespace import NAMESPACE

Model = TypeVar("Model", bound=BaseModel)

_READABLE = 40  # characters of a pattern that people can still read
# By JSON schema's types, for people who write YAML; pydantic speaks of Python's.
_KINDS = {
    "array": "a list",
    "object": "names with values",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
}


class _Unreadable(Exception):
    """A raw value that cannot be a setting's at all."""


def read(model: type[Model], mapping: Mapping[str, object]) -> Model:
    """Settings from a stack's raw configuration. Pure.

    Args:
        model: what the settings are.
        mapping: full keys to values, either as `Pulumi.<stack>.yaml` holds them or as the engine passes them
            (structured ones as JSON text); other namespaces' keys are left alone.

    Raises:
        SettingsError: with every fault found.
    """
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    given: dict[str, object] = {}
    faults: list[Fault] = []
    for full_key, raw in mapping.items():
        namespace, _, key = full_key.partition(":")
        if namespace != NAMESPACE:
            continue
        try:
            given[key] = _decode(raw, fields[key].annotation if key in fields else None)
        except _Unreadable as error:
            faults.append(_to_set(full_key, str(error), (key,), listing.example(model, _node(model, (key,)))))
    try:
        settings = model.model_validate(given, by_alias=True, by_name=False)
    except ValidationError as error:
        faults += [_explained(details, model) for details in error.errors(include_url=False)]
    else:
        if not faults:
            return settings
    raise SettingsError(faults)


def of_running_program() -> Mapping[str, object]:
    """The raw configuration of the stack that Pulumi is running.

    `pulumi.Config` reads one known key at a time; to refuse unknown keys all are needed, which an inline program has
    from the Automation API and a program under the language host from the variable PULUMI_CONFIG.
    """
    import pulumi.runtime.config as pulumi_config

    raw = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    secret = set(pulumi_config.get_config_secret_keys_env())
    return {
        key: {"secure": ""} if key in secret or pulumi_config.is_config_secret(key) else value
        for key, value in raw.items()
    }


def _decode(raw: object, annotation: Any) -> object:
    """A raw value as the model takes it: JSON text read, scalars as the text that the engine would pass."""
    if isinstance(raw, Mapping) and set(raw) == {"secure"}:
        raise _Unreadable("is encrypted, but settings hold no secrets")
    if _structured(annotation):
        if not isinstance(raw, str) or raw[:1] not in ("[", "{"):
            return raw
        try:
            return json.loads(raw)
        except json.JSONDecodeError as error:
            raise _Unreadable(f"is not JSON: {error.msg} at character {error.pos + 1}") from error
    if isinstance(raw, bool):
        return json.dumps(raw)
    return str(raw) if isinstance(raw, int | float) else raw


def _structured(annotation: Any) -> bool:
    """Whether a field holds a list, a map or a group: the engine passes these as JSON."""
    if get_origin(annotation) in (Union, UnionType):
        return any(_structured(each) for each in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return get_origin(annotation) in (tuple, Mapping)


def _explained(details: ErrorDetails, model: type[BaseModel]) -> Fault:
    """Pydantic's error as ours: Pulumi's path, plain words, and the command that mends it."""
    first, *rest = details["loc"]
    # A default that does not go with others is told by the field's name.
    field = model.model_fields.get(str(first)) if details["type"] != "extra_forbidden" else None
    location = (field.alias if field and field.alias else first, *rest)
    path = listing.spelt(location)
    key = f"{NAMESPACE}:{path}"
    known = listing.holder(model, location).get("properties", {})
    word = str(location[-1])
    unset = f"azmlflow set --unset {shlex.quote(path)}"
    if details["type"] == "extra_forbidden":
        near = nearest(word, known)
        newer = f"a newer azmlflow than this ({azmlflow.__version__}) may know it"
        listed = f"did you mean {near}?" if near else f"{newer}; known are {', '.join(known)}"
        return Fault(key, f"there is no such setting; {listed}", unset)
    setting = _node(model, location)
    if details["type"] == "azmlflow":
        what = details["msg"]
    elif details["type"] == "missing":
        what = "is missing"
    else:
        what = f"{_wanted(details, model, setting)} (it is {_shown(details['input'])})"
    if fix := details.get("ctx", {}).get("fix"):
        return Fault(key, what, fix)
    if details["type"] != "missing" and setting.get("type") in ("array", "object"):
        return Fault(key, what, f"edit {key} in Pulumi.<stack>.yaml, or {unset}")
    suggest = details.get("ctx", {}).get("suggest") or listing.example(model, setting)
    return _to_set(key, what, location, suggest)


def _wanted(details: ErrorDetails, model: type[BaseModel], setting: listing.Node) -> str:
    """What a value should be, which it is not."""
    kind = setting.get("type")
    if kind in _KINDS and details["type"].endswith(("_type", "_parsing", "_from_float")):
        word = "a group of settings" if setting.get("properties") else _KINDS[kind]
        such = f", such as {json.dumps(listing.example(model, setting))}" if kind in ("array", "object") else ""
        return f"should be {word}{such}"
    if details["type"] == "too_short":
        return f"should have at least {details['ctx']['min_length']}"
    if details["type"] == "too_long":
        return f"should have at most {details['ctx']['max_length']}, and has {details['ctx']['actual_length']}"
    if details["type"] == "string_pattern_mismatch":
        pattern = details["ctx"]["pattern"]
        by = f", by the pattern {pattern}" if len(pattern) <= _READABLE else ""
        return f"should look like `{listing.example(model, setting)}`{by}"
    told = details["msg"].removeprefix("Input ")
    return f"{told[:1].lower()}{told[1:]}"


def _to_set(key: str, what: str, location: Sequence[str | int], value: object) -> Fault:
    """A fault that a value mends."""
    typed = value if isinstance(value, str) else json.dumps(value)
    fix = f"azmlflow set {shlex.quote(listing.spelt(location))} {shlex.quote(typed)}"
    return Fault(key, what, fix, typed)


def _node(model: type[BaseModel], location: Sequence[str | int]) -> listing.Node:
    return listing.node_at(model, location) or {}


def _shown(value: object) -> str:
    """A value as an error may show it: short."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
