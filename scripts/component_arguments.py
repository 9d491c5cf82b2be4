"""Renew infra/components/drawn.py: the components' arguments that are settings too, as typed classes.

Made from the settings' fields and committed, as the documents are (`infra/settings/documents.py`): a program that uses
the components has each of them with its type and its line, and nobody writes it twice.
"""

from __future__ import annotations

import textwrap
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from azmlflow.infra.settings.computes.clusters import ClusterSettings
from azmlflow.infra.settings.computes.instances import InstanceSettings
from azmlflow.infra.settings.computes.schedules import RecurrenceSettings, ScheduleSettings
from azmlflow.infra.settings.contents.endpoints import DeploymentSettings, EndpointSettings
from azmlflow.infra.settings.network.rules import RuleSettings

_MODULE = '''"""Arguments of components that are settings too.

Made from the settings' fields by `pytest tests/infra/settings --renew`; not to be edited by hand.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import NotRequired, TypedDict

import pulumi
'''
FILE = Path(__file__).parent.parent / "infra" / "components" / "drawn.py"
_COMPUTE = '''    resource_group_name: pulumi.Input[str]
    """Resource group of the workspace."""
    workspace_name: pulumi.Input[str]
    """Workspace that it belongs to."""
    location: pulumi.Input[str]
    """Azure region; the workspace's."""
'''
_TAGS = '''    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    """{0}"""
'''
_TENANT = '''    tenant_id: str | None = None
    """The subscription's tenant; needed with an owner who has none said."""
'''
_ENDPOINT = '''    closed: bool | None = False
    """Whether it is reached by the workspace's private endpoints alone."""
    subscription_id: pulumi.Input[str] | None = None
    """Subscription of the workspace; the client's by default."""
    tags: dict[str, str] | None = None
    """Tags on the endpoint and its deployments."""
'''
# Groups within a list, by the class that is made of each, and those before it that it has within.
_WITHIN: Mapping[type[BaseModel], str] = {
    RecurrenceSettings: "RecurrenceArgs",
    ScheduleSettings: "ScheduleArgs",
    DeploymentSettings: "OnlineDeploymentArgs",
    RuleSettings: "OutboundRuleArgs",
}
_COMPONENTS = (
    ("ComputeCluster", ClusterSettings, _TAGS.format("Tags on the cluster.")),
    ("ComputeInstance", InstanceSettings, _TENANT + _TAGS.format("Tags on the instance, when it is made.")),
    ("OnlineEndpoint", EndpointSettings, _ENDPOINT),
)


def module() -> str:
    """The text of infra/components/drawn.py."""
    parts = [_MODULE.rstrip()]
    for model, name in _WITHIN.items():
        parts += ["\n", f"class {name}(TypedDict):", _docstring(model.__doc__ or ""), "", *_fields(model, typed=True)]
    for name, model, rest in _COMPONENTS:
        line = f"What a `{name}` is made of; what is left out is as `{model.__name__}` has it."
        parts += ["\n", "@dataclass(frozen=True)", f"class {name}Args:", _docstring(line), "", _COMPUTE.rstrip()]
        parts += [*_fields(model, typed=False), rest.rstrip()]
    return "\n".join(parts) + "\n"


def _fields(model: type[BaseModel], *, typed: bool) -> Iterator[str]:
    """The lines of a class: what has to be given first, and by its place; the others by name."""
    needed = [name for name, field in model.model_fields.items() if field.is_required()]
    others = [name for name in model.model_fields if name not in needed]
    form = "NotRequired[{}]" if typed else "{} | None = None"
    yield from _lines(model, needed, "{}")
    yield from () if typed else ("    _: KW_ONLY",)
    yield from _lines(model, others, form)


def _lines(model: type[BaseModel], names: Iterable[str], form: str) -> Iterator[str]:
    for name in names:
        field = model.model_fields[name]
        yield f"    {name}: {form.format(_type(field.annotation))}"
        yield _docstring(field.description or "")


def _type(annotation: Any) -> str:
    """What is written for the type of a setting."""
    origin, inner = get_origin(annotation), [each for each in get_args(annotation) if each is not type(None)]
    if origin in (Annotated, Union, types.UnionType):
        return _type(inner[0])
    if origin is Literal:
        return "str"
    if origin is tuple:
        return f"list[{_type(inner[0])}]"
    if origin is not None and issubclass(origin, Mapping):
        return f"dict[str, {_type(inner[1])}]"
    return _WITHIN.get(annotation) or str(annotation.__name__)


def _docstring(text: str) -> str:
    """A docstring in a class, in lines of 120 at most."""
    lines = textwrap.wrap(f'"""{text}"""', 116, break_long_words=False, break_on_hyphens=False)
    return textwrap.indent("\n".join(lines), "    ")


if __name__ == "__main__":
    FILE.write_text(module(), encoding="utf-8")
