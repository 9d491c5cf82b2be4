from __future__ import annotations

import base64
import hashlib
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
    ("containerRegistry", "crmlflow5"),
    ("containerRegistry", "A" * 50),
    ("storageAccount", "abc"),
    ("storageAccount", "0" * 24),
    ("identity", "0_-"),
    ("identity", "A" * 128),
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
    ("resourceGroup", "größe-群"),  # letters of any script
    ("logAnalytics", "9--a"),
    ("logAnalytics", "a" * 63),
    ("applicationInsights", "x"),
    ("applicationInsights", "größe (2) #1"),
    ("applicationInsights", "a" * 260),
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
    ("containerRegistry", "abcd"),
    ("containerRegistry", "a" * 51),
    ("containerRegistry", "cr-mlflow"),
    ("storageAccount", "ab"),
    ("storageAccount", "a" * 25),
    ("storageAccount", "Upper"),
    ("storageAccount", "hy-phen"),
    ("identity", "ab"),
    ("identity", "a" * 129),
    ("identity", "-abc"),
    ("identity", "_abc"),
    ("identity", "a.bc"),
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
    ("compute", "größe"),
    ("keyVault", "größe"),
    ("logAnalytics", "a" * 64),
    ("logAnalytics", "-abc"),
    ("applicationInsights", ""),
    *(("applicationInsights", f"a{letter}b") for letter in "%&\\?/\n\x1f"),
)


@pytest.mark.parametrize(("kind", "name"), GOOD)
def test_takes_what_azure_takes(kind: str, name: str) -> None:
    assert naming.check(kind, name) is None


@pytest.mark.parametrize(("kind", "name"), BAD)
def test_refuses_what_azure_refuses(kind: str, name: str) -> None:
    assert naming.check(kind, name)


RULE = "3-24 letters, digits and hyphens, starting with a letter and not ending in a hyphen and digits"


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        (
            "compute",
            "gpu-1",
            "'gpu-1' ends in a hyphen and digits, which Azure Machine Learning refuses; 'gpu1' would do",
        ),
        ("compute", "a_b", f"'a_b' breaks Azure's rule: {RULE}; 'a-b' would do"),
        ("compute", "1gpu", f"'1gpu' breaks Azure's rule: {RULE}"),
        ("compute", "1gpu-2", "'1gpu-2' ends in a hyphen and digits, which Azure Machine Learning refuses"),
        ("compute", "", f"is empty; it must have {RULE}"),
        ("compute", "ab", f"'ab' has 2 characters; it must have {RULE}"),
        ("compute", "a" * 25, f"'{'a' * 25}' has 25 characters; it must have {RULE}"),
        (
            "keyVault",
            "kv-1-",
            "'kv-1-' breaks Azure's rule: 3-24 letters, digits and single hyphens, starting with a letter and ending "
            "with a letter or digit; 'kv-1' would do",
        ),
        (
            "storageAccount",
            "a-1",
            "'a-1' breaks Azure's rule: 3-24 lower-case letters and digits",  # what is left of it is too short
        ),
    ],
)
def test_what_is_wrong_is_said_whole(kind: str, name: str, words: str) -> None:
    assert naming.check(kind, name) == words


def test_an_unknown_kind_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        naming.check("teapot", "x")


@given(prefix=prefixes, stack=stacks, salt=st.text(max_size=64))
def test_generated_names_satisfy_azure(prefix: str, stack: str, salt: str) -> None:
    names = naming.generate(prefix, stack, salt, SUBSCRIPTION)
    kinds = (
        "resourceGroup",
        "workspace",
        "storageAccount",
        "keyVault",
        "logAnalytics",
        "applicationInsights",
        "containerRegistry",
        "identity",
    )
    for kind, name in zip(kinds, asdict(names).values(), strict=True):
        assert naming.check(kind, name) is None, (kind, name)


def test_names_are_readable_and_stay_the_same() -> None:
    names = naming.generate("mlflow", "local", "", SUBSCRIPTION)
    assert (names.resource_group, names.workspace) == ("rg-mlflow-local", "mlw-mlflow-local")
    assert (names.log_analytics, names.application_insights) == ("log-mlflow-local", "appi-mlflow-local")
    assert names == naming.generate("mlflow", "local", "", SUBSCRIPTION.upper())
    # Pinned: another spelling would replace everything that stands.
    assert (names.storage_account, names.key_vault) == ("stmlflowlocalhvpe44lafz", "kv-mlflow-loc-hvpe44lafz")


def digest(*source: str) -> str:
    """Ten letters that differ by subscription, prefix, stack and salt; a stack that stands is found by them."""
    return base64.b32encode(hashlib.sha256("\n".join((SUBSCRIPTION, *source)).encode()).digest()).decode()[:10].lower()


def test_long_names_are_cut_where_azure_wants_them_short() -> None:
    """Microsoft's limits: 33 for a workspace, 24 for an account and a vault; the tag is six letters."""
    tag = digest("mlflow", "a-very-long-stack-name-2", "")
    names = naming.generate("mlflow", "a-very-long-stack-name-2", "", SUBSCRIPTION)
    assert names.resource_group == "rg-mlflow-a-very-long-stack-name-2"
    assert (names.workspace, len(names.workspace)) == (f"mlw-mlflow-a-very-long-sta-{tag[:6]}", 33)
    assert (names.storage_account, len(str(names.storage_account))) == (f"stmlflowaveryl{tag}", 24)
    assert (names.key_vault, len(str(names.key_vault))) == (f"kv-mlflow-a-v-{tag}", 24)
    # Exactly as long as a workspace's name may be.
    fits = naming.generate("mlflow", "x" * 22, "", SUBSCRIPTION).workspace
    assert fits == f"mlw-mlflow-{'x' * 22}"
    assert naming.generate("mlflow", "x" * 23, "", SUBSCRIPTION).workspace.startswith(f"mlw-mlflow-{'x' * 15}-")


def test_a_name_that_had_to_be_changed_bears_a_tag_and_no_hyphen_too_many() -> None:
    names = naming.generate("mlflow", "Dev_1.", "", SUBSCRIPTION)
    assert names.resource_group == f"rg-mlflow-dev-1-{digest('mlflow', 'Dev_1.', '')[:6]}"
    assert names.key_vault == f"kv-mlflow-dev-{digest('mlflow', 'Dev_1.', '')}"
    assert (
        naming.generate("mlflow", "dev", "s", SUBSCRIPTION).key_vault == f"kv-mlflow-dev-{digest('mlflow', 'dev', 's')}"
    )
    # Cut just behind a hyphen: none is doubled.
    cut = naming.generate("mlflow", "abcdefghijklmno-qrstuvwxyz", "", SUBSCRIPTION).workspace
    assert cut.startswith("mlw-mlflow-abcdefghijklmno-")
    assert "--" not in cut


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
        ("resourceGroup", "-.-a b-", "a-b"),
        ("resourceGroup", "X.aX.", "X-aX"),
        ("keyVault", "a_b-1", "a-b-1"),  # only a cluster may not end so
        ("compute", "gpu--1", "gpu1"),
        ("compute", "a-" + "1" * 24, ""),  # still too long
        ("storageAccount", "a" * 25, ""),
        ("keyVault", "a" * 24 + "-", "a" * 24),
        ("workspace", "a", ""),
        ("compute", "1gpu", ""),
    ],
)
def test_a_repaired_name_is_near_and_good(kind: str, name: str, near: str) -> None:
    assert naming.repair(kind, name) == near
    assert not near or naming.check(kind, near) is None


def test_what_a_groups_name_tells_of_the_names_in_it() -> None:
    def fitting(group: str, stack: str = "dev", salt: str = "", prefix: str = "mlflow") -> bool:
        """Whether every name of a stack is as the group's tells; False where it tells nothing."""
        names = asdict(naming.generate(prefix, stack, salt, SUBSCRIPTION))
        told = naming.expected(group, stack, SUBSCRIPTION)
        return bool(told) and all(pattern.fullmatch(names[field]) for field, pattern in told.items())

    plain = naming.generate("mlflow", "dev", "", SUBSCRIPTION).resource_group
    salted = naming.generate("mlflow", "dev", "s", SUBSCRIPTION).resource_group
    assert plain == "rg-mlflow-dev" and salted.startswith("rg-mlflow-dev-")
    assert fitting(plain)
    assert not fitting(plain, salt="s")
    assert fitting(salted, salt="s")
    assert not fitting(salted, salt="t")
    # Another stack's, and names that are nobody's.
    for group in (salted.replace("-dev-", "-prod-"), "rg-mlflow-prod", "mlflow-dev", "rg-9-dev", "rg-dev"):
        assert naming.expected(group, "dev", SUBSCRIPTION) == {}
    # Cut to Azure's longest, the name does not say its stack any more.
    long = "d" * 100
    cut = naming.generate("mlflow", long, "s", SUBSCRIPTION).resource_group
    assert len(cut) == 90
    assert fitting(cut, stack=long, salt="s")
