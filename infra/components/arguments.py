"""Arguments of components: a dataclass from a Python program, a mapping from Pulumi's component host.

The host (`infra/provider.py`) checks the inputs against the schema that it drew from the dataclass's annotations, and
then passes them as a plain mapping by Python names. It also reads those annotations unevaluated, which is why the
component modules don't postpone theirs (`from __future__ import annotations`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import pulumi
from pydantic import BaseModel, ValidationError

Args = TypeVar("Args")
Model = TypeVar("Model", bound=BaseModel)


def given(kind: type[Args], args: Args | Mapping[str, Any]) -> Args:
    """The arguments as their dataclass.

    Raises:
        TypeError: the mapping lacks an argument or has one too many.
    """
    return kind(**args) if isinstance(args, Mapping) else args


def not_handed_down(opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """Options of a component some of whose children go by themselves: without `deleted_with`.

    The engine hands it down to each child that says nothing of it, and no child can say that it has none (Pulumi
    3.259, pkg/resource/deploy/source_eval.go: inheritFromParent).
    """
    found = pulumi.ResourceOptions.merge(opts, None)
    found.deleted_with = None
    return found


def checked(model: type[Model], args: object) -> Model:
    """The arguments that are settings too, as the settings' model: within its bounds, and with its defaults for None.

    Raises:
        ValueError: naming all that the model refuses.
    """
    given = {field.alias or name: getattr(args, name) for name, field in model.model_fields.items()}
    try:
        return model.model_validate({key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        told = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_url=False))
        raise ValueError("; ".join(told)) from None
