"""Reading any model: groups in groups, lists in groups; nothing of it names a setting that there is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

import pytest
from pydantic import Field

import azmlflow
from azmlflow.infra.settings.faults import Fault, SettingsError
from azmlflow.infra.settings.fields import SettingsModel
from azmlflow.infra.settings.listing import located, spelt
from azmlflow.infra.settings.reading import read
from azmlflow.infra.settings.settings import Settings


class Rule(SettingsModel):
    fqdn: str = Field(description="A host.", examples=["example.com"])


class Network(SettingsModel):
    mode: Literal["public", "managed"] = Field("public", description="How closed.", examples=["managed"])
    allowed_ips: tuple[str, ...] = Field((), description="Who may come in.")
    rules: tuple[Rule, ...] = Field((), description="What is let out.")


class House(SettingsModel):
    network: Network = Field(Network.model_validate({}), description="Who reaches it.")
    archive: Network | None = Field(None, description="Another.")
    labels: Mapping[str, str] = Field({}, description="Words.")
    limit: int = Field(1, description="A number.")


def house(**values: object) -> House:
    return read(House, {f"azmlflow:{key}": value for key, value in values.items()})


def fault(**values: object) -> Fault:
    with pytest.raises(SettingsError) as caught:
        house(**values)
    (only,) = caught.value.faults
    return only


def test_a_group_is_read_as_the_file_and_as_the_engine_has_it() -> None:
    network = {"mode": "managed", "allowedIps": ["1.2.3.4"], "rules": [{"fqdn": "example.com"}]}
    found = house(network=network, archive=network, labels={"a": "b"}, limit=3)
    assert found == house(
        network=json.dumps(network), archive=json.dumps(network), labels=json.dumps({"a": "b"}), limit="3"
    )
    assert found.network.rules[0].fqdn == "example.com"
    assert found.archive == found.network


@pytest.mark.parametrize("group", ["network", "archive"])
def test_a_fault_in_a_group_says_where_and_how_to_mend_it(group: str) -> None:
    at = f"azmlflow:{group}"
    assert fault(**{group: {"mod": "public"}}) == Fault(
        f"{at}.mod", "there is no such setting; did you mean mode?", f"azmlflow set --unset {group}.mod"
    )
    found = fault(**{group: {"mode": "open"}})
    assert found.key == f"{at}.mode"
    assert "'open'" in found.what
    assert found.fix == f"azmlflow set {group}.mode managed"
    assert fault(**{group: {"rules": [{"fqdn": "a"}, {}]}}) == Fault(
        f"{at}.rules[1].fqdn", "is missing", f"azmlflow set '{group}.rules[1].fqdn' example.com", "example.com"
    )
    assert "did you mean fqdn?" in fault(**{group: {"rules": [{"fqdn": "a", "fqd": "b"}]}}).what


def test_a_whole_list_or_group_at_fault_is_edited_in_the_file() -> None:
    assert fault(network={"rules": 7}).fix == (
        "edit azmlflow:network.rules in Pulumi.<stack>.yaml, or azmlflow set --unset network.rules"
    )
    assert fault(network="[]").fix == "edit azmlflow:network in Pulumi.<stack>.yaml, or azmlflow set --unset network"
    assert fault(labels={"a": ["b"]}).key == "azmlflow:labels.a"


@pytest.mark.parametrize(("key", "example"), [("network", '\'{"mode": "managed"}\''), ("labels", "'{}'")])
def test_text_that_is_no_json(key: str, example: str) -> None:
    found = fault(**{key: "{"})
    assert "is not JSON" in found.what
    assert found.fix == f"azmlflow set {key} {example}"


def test_what_is_encrypted_is_refused_in_a_group_too() -> None:
    assert "encrypted" in fault(network={"secure": "v1:x"}).what


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("location", ("location",)),
        ("clusters[0].maxNodes", ("clusters", 0, "maxNodes")),
        ("grants[12]", ("grants", 12)),
        ('tags["cost.center"]', ("tags", "cost.center")),
        ('tags["say \\"hi\\""].x', ("tags", 'say "hi"', "x")),
    ],
)
def test_a_key_is_a_location_and_back(text: str, location: tuple[str | int, ...]) -> None:
    assert located(text) == location
    assert spelt(location) == text


@pytest.mark.parametrize("text", [".a", "a.", "a..b", "[0]", "a[x]", "a[0", "a b", "a[-1]", "1a", 'a["b'])
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="is not a key such as"):
        located(text)


def test_commands_of_a_stack_name_it() -> None:
    with pytest.raises(SettingsError) as caught:
        house(limit="x", network={"rules": 5})
    told = str(caught.value.of_stack("dev"))
    assert (
        "fix: edit azmlflow:network.rules in Pulumi.dev.yaml, or azmlflow set --unset network.rules --stack dev" in told
    )
    assert "fix: azmlflow set limit 1 --stack dev" in told


def test_a_file_of_a_newer_version_is_refused_whole_and_says_so() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({"azmlflow:quantumBits": "8", "azmlflow:location": "westeurope"})
    (fault,) = caught.value.faults
    assert f"a newer azmlflow than this ({azmlflow.__version__}) may know it; known are cloud," in fault.what


def test_of_many_faults_the_first_are_told_and_the_rest_counted() -> None:
    with pytest.raises(SettingsError) as caught:
        read(Settings, {f"azmlflow:nothing-like-it-{number}": "1" for number in range(2000)})
    told = str(caught.value)
    assert told.startswith("The stack's settings have 2000 faults:")
    assert told.endswith("  and 1980 more, told when these are mended")
    assert (len(caught.value.faults), len(told) < 50_000) == (2000, True)


@pytest.mark.parametrize("word", [True, False])
def test_a_word_is_no_number(word: bool) -> None:
    with pytest.raises(SettingsError) as caught:
        read(Settings, {"azmlflow:clusters": [{"name": "cpu", "maxNodes": word}]})
    (fault,) = caught.value.faults
    assert (fault.key, fault.what) == (
        "azmlflow:clusters[0].maxNodes",
        f"should be a whole number (it is {str(word).lower()})",
    )
