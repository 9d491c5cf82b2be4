from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azmlflow.infra.plan import naming
from azmlflow.infra.settings.settings import Settings

SUBSCRIPTION = "22222222-2222-4222-8222-222222222222"
PREFIX = Settings.model_json_schema()["properties"]["prefix"]
prefixes = st.from_regex(PREFIX["pattern"].strip("^$"), fullmatch=True).filter(
    lambda text: len(text) <= PREFIX["maxLength"]
)
# Pulumi's own rule for a stack's name.
stacks = st.from_regex(r"[A-Za-z0-9_.-]{1,100}", fullmatch=True)

GOOD = (
    ("resourceGroup", "rg_a.b(c)-d"),
    ("resourceGroup", "x"),
    ("resourceGroup", "a" * 90),
    ("workspace", "9-lives_"),
    ("workspace", "a" * 33),
    ("storageAccount", "abc"),
    ("storageAccount", "0" * 24),
    ("keyVault", "a-b"),
    ("keyVault", "A" * 24),
    ("compute", "gpu1"),
    ("compute", "gpu-a1"),
    ("compute", "a-1-b"),
    ("compute", "cpu-"),
    ("compute", "a" * 24),
    ("logAnalytics", "a--1"),
    ("logAnalytics", "0" * 63),
    ("applicationInsights", "it's + (mine)"),
    ("applicationInsights", "ä" * 260),
)
BAD = (
    ("resourceGroup", "ends."),
    ("resourceGroup", "a" * 91),
    ("resourceGroup", "sp ace"),
    ("resourceGroup", "sl/ash"),
    ("resourceGroup", ""),
    ("workspace", "ab"),
    ("workspace", "a" * 34),
    ("workspace", "-abc"),
    ("workspace", "_abc"),
    ("workspace", "a.bc"),
    ("workspace", "abc\n"),
    ("storageAccount", "ab"),
    ("storageAccount", "a" * 25),
    ("storageAccount", "Upper"),
    ("storageAccount", "hy-phen"),
    ("keyVault", "1abc"),
    ("keyVault", "a--b"),
    ("keyVault", "ab-"),
    ("keyVault", "a" * 25),
    ("keyVault", "a_b"),
    ("compute", "gpu-1"),
    ("compute", "a-b-22"),
    ("compute", "1gpu"),
    ("compute", "ab"),
    ("compute", "a" * 25),
    ("compute", "a_b"),
    ("compute", "gpu-٣"),
    ("logAnalytics", "abc"),
    ("logAnalytics", "abc-"),
    ("logAnalytics", "a_bc"),
    ("applicationInsights", "ends."),
    ("applicationInsights", "ends "),
    ("applicationInsights", "50%"),
    ("applicationInsights", "a" * 261),
)


@pytest.mark.parametrize(("kind", "name"), GOOD)
def test_takes_what_azure_takes(kind: str, name: str) -> None:
    assert naming.check(kind, name) is None


@pytest.mark.parametrize(("kind", "name"), BAD)
def test_refuses_what_azure_refuses(kind: str, name: str) -> None:
    assert naming.check(kind, name)


def test_a_numbered_cluster_is_told_what_would_do() -> None:
    words = naming.check("compute", "gpu-1")
    assert words is not None
    assert "'gpu-1' ends in a hyphen and digits" in words
    assert "'gpu1' would do" in words


def test_a_long_name_is_told_its_length() -> None:
    assert "has 25 characters" in (naming.check("storageAccount", "a" * 25) or "")


def test_an_unknown_kind_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        naming.check("teapot", "x")


@given(prefix=prefixes, stack=stacks, salt=st.text(max_size=64))
def test_generated_names_satisfy_azure(prefix: str, stack: str, salt: str) -> None:
    names = naming.generate(prefix, stack, salt, SUBSCRIPTION)
    kinds = ("resourceGroup", "workspace", "storageAccount", "keyVault", "logAnalytics", "applicationInsights")
    for kind, name in zip(kinds, asdict(names).values(), strict=True):
        assert naming.check(kind, name) is None, (kind, name)


def test_names_are_readable_and_stay_the_same() -> None:
    names = naming.generate("mlflow", "local", "", SUBSCRIPTION)
    assert (names.resource_group, names.workspace) == ("rg-mlflow-local", "mlw-mlflow-local")
    assert (names.log_analytics, names.application_insights) == ("log-mlflow-local", "appi-mlflow-local")
    assert names == naming.generate("mlflow", "local", "", SUBSCRIPTION.upper())
    # Pinned: another spelling would replace everything that stands.
    assert (names.storage_account, names.key_vault) == ("stmlflowlocalhvpe44lafz", "kv-mlflow-loc-hvpe44lafz")


def test_a_salt_renames_everything() -> None:
    plain = asdict(naming.generate("mlflow", "dev", "", SUBSCRIPTION))
    salted = asdict(naming.generate("mlflow", "dev", "2", SUBSCRIPTION))
    assert all(plain[kind] != salted[kind] for kind in plain)


def test_global_names_differ_between_subscriptions() -> None:
    here = naming.generate("mlflow", "dev", "", SUBSCRIPTION)
    there = naming.generate("mlflow", "dev", "", SUBSCRIPTION.replace("2", "3"))
    assert here.storage_account != there.storage_account
    assert here.key_vault != there.key_vault
    assert here.resource_group == there.resource_group


@pytest.mark.parametrize("others", [("a.b", "a-b", "A-B", "a_b"), ("x" * 95 + "1", "x" * 95 + "2")])
def test_stacks_never_share_a_group(others: tuple[str, ...]) -> None:
    groups = {naming.generate("mlflow", stack, "", SUBSCRIPTION).resource_group for stack in others}
    assert len(groups) == len(others)


@pytest.mark.parametrize(
    ("kind", "name", "near"),
    [
        ("compute", "gpu-1-2", "gpu12"),
        ("storageAccount", "My-Account", "myaccount"),
        ("keyVault", "two--hyphens", "two-hyphens"),
        ("resourceGroup", "ends.", "ends"),
        ("workspace", "a", ""),
        ("compute", "1gpu", ""),
    ],
)
def test_a_repaired_name_is_near_and_good(kind: str, name: str, near: str) -> None:
    assert naming.repair(kind, name) == near
    assert not near or naming.check(kind, near) is None
