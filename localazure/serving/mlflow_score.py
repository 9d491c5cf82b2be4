"""Scores a model that MLflow logged: the script of a deployment that brings none of its own.

It runs in the model's environment, in Azure's inference server, and imports nothing of ours. A request has
`{"input_data": ..., "params": ...}`; `input_data` is a data frame as `{"columns", "index", "data"}`, a list, or an
object of lists by name; the answer is the bare prediction. That is what Azure's script does (Azure/azureml-assets,
assets/inference/environments/mlflow-py312-inference); the types come from the model's input example, else from its
signature, and without both a request is taken as it is.
"""

# It is checked where it runs: nothing that it imports is installed with azmlflow.
# mypy: ignore-errors

from __future__ import annotations

import inspect
import json
import logging
import os
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema
from mlflow.models import Model

_log = logging.getLogger("azmlinfsrv")
_PATH = Path(os.environ["AZUREML_MODEL_DIR"]) / os.environ["MLFLOW_MODEL_FOLDER"]


class Anything(AbstractParameterType):
    """What is not described, taken as it is."""

    def __init__(self):
        super().__init__(None)

    def deserialize_input(self, input_data):
        """The data itself."""
        return input_data

    def input_to_swagger(self):
        """An object of any kind."""
        return {"type": "object", "example": {}}


def _zeros(spec):
    shape = [1 if length == -1 else length for length in spec.shape]
    return np.zeros(tuple(shape), dtype=spec.type)


def _of_schema(schema):
    """A sample of what a schema of MLflow's describes; None for what has no columns, tensors or plain types."""
    if schema is None or not schema.inputs:
        return None
    if schema.is_tensor_spec():
        if not schema.has_input_names():
            return _zeros(schema.inputs[0])
        return {spec.name: _zeros(spec) for spec in schema.inputs}
    try:
        types = dict(zip(schema.input_names(), schema.pandas_types(), strict=True))
        return pd.DataFrame(columns=list(types)).astype(types)
    except Exception as error:  # noqa: BLE001 - types that no frame has: objects, arrays
        _log.warning("the signature cannot be shown as a data frame: %s", error)
        return None


def _of_example(model):
    """The model's input example, as a frame or arrays; None where there is none that can be read."""
    info = model.saved_input_example_info
    if not info:
        return None
    try:
        told = json.loads((_PATH / info["artifact_path"]).read_text(encoding="utf-8"))
        if info["type"] == "dataframe":
            orient = "split" if "columns" in told else "values"
            return _frame(told) if orient == "split" else pd.DataFrame(told)
        if info["type"] == "ndarray":
            given = told["inputs"]
            arrays = {name: np.asarray(each) for name, each in given.items()} if isinstance(given, dict) else None
            return np.asarray(given) if arrays is None else arrays
    except Exception as error:  # noqa: BLE001 - then the signature has to do
        _log.warning("the input example cannot be read: %s", error)
    return None


def _frame(told):
    return pd.DataFrame(told["data"], columns=told["columns"], index=told.get("index"))


def _described(sample, orient):
    if sample is None:
        return Anything()
    if isinstance(sample, pd.DataFrame):
        return PandasParameterType(sample, enforce_shape=False, orient=orient)
    if isinstance(sample, dict):
        each = {name: NumpyParameterType(value, enforce_shape=False) for name, value in sample.items()}
        return StandardPythonParameterType(each)
    return NumpyParameterType(sample, enforce_shape=False)


def _params(signature):
    told = getattr(signature, "params", None)
    given = {each.name: each.default for each in told.params} if told is not None else {}
    return StandardPythonParameterType(given) if given else Anything()


_told = Model.load(str(_PATH))
_signature = _told.signature
_example = _of_example(_told)
_input = _described(_of_schema(_signature.inputs) if _example is None and _signature else _example, "split")
_output = _described(_of_schema(_signature.outputs) if _signature else None, "records")
_model = mlflow.pyfunc.load_model(str(_PATH))
_takes_params = "params" in inspect.signature(_model.predict).parameters


def init():
    """Nothing: the model is loaded already, so that `run` can be described."""


@input_schema("input_data", _input)
@input_schema("params", _params(_signature), optional=True)
@output_schema(_output)
def run(input_data, params=None):
    """The prediction for a request."""
    data = _data(input_data)
    found = _model.predict(data, params=params) if _takes_params else _model.predict(data)
    return _plain(found)


def _data(given: Any) -> Any:
    if isinstance(given, str):
        given = json.loads(given)
    if isinstance(given, list):
        return np.asarray(given)
    if isinstance(given, dict) and {"columns", "index", "data"} <= set(given):
        return _frame(given)
    if isinstance(given, dict):
        return {name: np.asarray(each) for name, each in given.items()}
    return given


def _plain(found: Any) -> Any:
    if isinstance(found, pd.Series):
        found = pd.DataFrame(found)
    if isinstance(found, pd.DataFrame):
        return found.to_dict(orient="records")
    return found.tolist() if isinstance(found, np.ndarray) else found
