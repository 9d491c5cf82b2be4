"""Property values and plain Python: nothing is lost, and what cannot be sent is refused."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc

from azmlflow.localazure.plugin.schema.unknown import UNKNOWN
from azmlflow.localazure.plugin.schema.values import UnsupportedValue, has_unknown, plain, plain_map, wrap, wrap_map

scalars = st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text().filter(lambda text: "-" not in text)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner.filter(lambda v: v is not None)) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # however slow this machine is
@given(values)
def test_there_and_back(value: Any) -> None:
    assert plain(PropertyValue.unmarshal(wrap(value).marshal())) == _without_nulls(value)


def test_whole_numbers_are_ints_as_arm_writes_them() -> None:
    assert [type(plain(PropertyValue(number))) for number in (3.0, 0.5)] == [int, float]


def test_unknowns_survive_the_wire_at_any_depth() -> None:
    sent = wrap_map({"a": UNKNOWN, "b": [{"c": UNKNOWN}], "d": "x"})
    read = plain_map(PropertyValue.unmarshal_map(PropertyValue.marshal_map(sent)))
    assert read == {"a": UNKNOWN, "b": [{"c": UNKNOWN}], "d": "x"}
    assert has_unknown(read) and not has_unknown({"d": ["x", None]})


@pytest.mark.parametrize("value", [PropertyValue(rpc.UNKNOWN), PropertyValue.computed()])
def test_both_ways_to_say_unknown(value: PropertyValue) -> None:
    assert plain(value) is UNKNOWN


def test_an_asset_is_refused() -> None:
    with pytest.raises(UnsupportedValue, match="Asset"):
        plain(PropertyValue([PropertyValue(pulumi.StringAsset("text"))]))


def test_one_unknown_in_a_list_is_enough() -> None:
    assert has_unknown(["x", UNKNOWN]) and has_unknown({"a": ["x", {"b": [1, UNKNOWN]}]})
    assert not has_unknown(["x", [1, {"b": "c"}]])
