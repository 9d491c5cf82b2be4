"""Of a deployment's inputs: the endpoint that our template writes, and nothing of anybody else's."""

from __future__ import annotations

from azmlflow.infra.plan import serving


def test_only_a_template_of_ours_writes_an_endpoint() -> None:
    resource = {"name": "ws/risk", "properties": {"authMode": "AADToken"}}
    ours = {"metadata": {serving._MADE: {}}, "resources": [resource]}
    assert serving.written({"properties": {"template": ours}}) == ("ws/risk", {"authMode": "AADToken"})
    assert serving.written({"properties": {"template": {**ours, "metadata": {"other": {}}}}}) is None
    assert serving.written({"properties": {"template": {"resources": [resource]}}}) is None
    assert serving.written({"properties": {"templateLink": {"uri": "x"}}}) is None
    assert serving.written({}) is None
