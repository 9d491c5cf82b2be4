"""ARM ids: the grammar of Microsoft's "Understand scope for Azure RBAC", by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azmlflow.rbac import scopes

SUB = "10ca1000-0000-4000-8000-000000000002"
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg1"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws"
ASSIGNMENT = f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/a"


def test_builders_agree_with_the_written_form() -> None:
    assert scopes.subscription_id(SUB) == f"/subscriptions/{SUB}"
    assert scopes.resource_group_id(SUB, "rg1") == GROUP
    assert scopes.resource_id(SUB, "rg1", "Microsoft.MachineLearningServices/workspaces", "ws") == WORKSPACE
    compute = scopes.resource_id(SUB, "rg1", "Microsoft.MachineLearningServices/workspaces/computes", "ws", "cpu")
    assert compute == f"{WORKSPACE}/computes/cpu"
    assert scopes.extension_id(WORKSPACE, "Microsoft.Authorization/roleAssignments", "a") == ASSIGNMENT
    tenant = scopes.extension_id("/", "Microsoft.Authorization/roleDefinitions", "r")
    assert tenant == "/providers/Microsoft.Authorization/roleDefinitions/r"


@pytest.mark.parametrize(("names", "told"), [((), "not 0: none"), (("ws", "cpu"), "not 2: ws, cpu")])
def test_builders_refuse_the_wrong_number_of_names(names: tuple[str, ...], told: str) -> None:
    with pytest.raises(scopes.InvalidScope) as caught:
        scopes.resource_id(SUB, "rg1", "Microsoft.MachineLearningServices/workspaces", *names)
    assert str(caught.value) == f"Microsoft.MachineLearningServices/workspaces takes 1 name(s), {told}"


def test_builders_keep_every_letter_of_a_scope() -> None:
    built = scopes.extension_id(f"{GROUP}X/", "Microsoft.Authorization/locks", "l")
    assert built == f"{GROUP}X/providers/Microsoft.Authorization/locks/l"


def test_builders_refuse_a_namespace_without_type() -> None:
    # ARM's ids are /providers/NAMESPACE/TYPE/NAME: a namespace alone names no resource, and `parse` refuses it.
    with pytest.raises(scopes.InvalidScope, match=r"Microsoft\.Storage takes 0 name\(s\)"):
        scopes.extension_id(GROUP, "Microsoft.Storage")


def test_parse_takes_a_nested_resource_apart() -> None:
    found = scopes.parse(f"{WORKSPACE}/computes/cpu/")
    assert (found.subscription, found.resource_group) == (SUB, "rg1")
    assert found.type == "Microsoft.MachineLearningServices/workspaces/computes"
    assert found.names == ("ws", "cpu")
    assert (found.name, found.scope, found.id) == ("cpu", GROUP, f"{WORKSPACE}/computes/cpu")


def test_parse_takes_a_resource_that_is_called_providers() -> None:
    """Every other segment is a name, and names are free: only in a type's place does the word begin a provider."""
    found = scopes.parse(f"{GROUP}/providers/Microsoft.Storage/storageAccounts/providers")
    assert (found.type, found.names) == ("Microsoft.Storage/storageAccounts", ("providers",))
    nested = scopes.parse(f"{GROUP}/providers/A.B/c/providers/providers/D.E/f/g")
    assert (nested.type, nested.scope) == ("D.E/f", f"{GROUP}/providers/A.B/c/providers")


def test_parse_reads_any_case() -> None:
    found = scopes.parse(ASSIGNMENT.upper())
    assert (found.subscription, found.resource_group) == (SUB.upper(), "RG1")
    assert (found.type, found.scope) == ("MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS", WORKSPACE.upper())


def test_parse_tells_an_extension_from_what_it_stands_on() -> None:
    found = scopes.parse(ASSIGNMENT)
    assert (found.type, found.name) == ("Microsoft.Authorization/roleAssignments", "a")
    assert found.scope == WORKSPACE


@pytest.mark.parametrize(
    ("id_", "type_", "name", "scope"),
    [
        ("/", None, "", "/"),
        (f"/subscriptions/{SUB}", None, SUB, f"/subscriptions/{SUB}"),
        (GROUP, None, "rg1", GROUP),
        (GROUP.lower(), None, "rg1", GROUP.lower()),
        (
            "/providers/Microsoft.Management/managementGroups/corp",
            "Microsoft.Management/managementGroups",
            "corp",
            "/",
        ),
        (
            f"/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions/r",
            "Microsoft.Authorization/roleDefinitions",
            "r",
            f"/subscriptions/{SUB}",
        ),
    ],
)
def test_parse_knows_every_kind_of_scope(id_: str, type_: str | None, name: str, scope: str) -> None:
    found = scopes.parse(id_)
    assert (found.type, found.name, found.scope) == (type_, name, scope)


@pytest.mark.parametrize(
    "id_",
    [
        "/subscriptions",
        f"/subscriptions/{SUB}/resourceGroups",
        f"/subscriptions/{SUB}/things/x",
        f"/subscriptions/{SUB}//resourceGroups/rg1",
        # An empty name, which the rest of the grammar would let pass.
        "/subscriptions//resourceGroups/rg1",
        f"/subscriptions/{SUB}/resourceGroups//providers/Microsoft.Storage/storageAccounts/a",
        f"{GROUP}/providers/Microsoft.Storage/storageAccounts//blobServices/default",
        f"{GROUP}/providers",
        f"{GROUP}/provider/Microsoft.Storage/storageAccounts/a",
        f"{GROUP}/providers/Microsoft.Storage/not a type/a",
        f"{GROUP}/providers/Microsoft.Storage",
        f"{GROUP}/providers/Microsoft.Storage/storageAccounts",
        f"{WORKSPACE}/computes",
        f"{WORKSPACE}/not a type/cpu",  # every type is looked at, not the first alone
        f"{GROUP}/providers/not a namespace/a/b",
        "rg1",
    ],
)
def test_parse_names_the_id_that_it_refuses(id_: str) -> None:
    with pytest.raises(scopes.InvalidScope) as caught:
        scopes.parse(id_)
    assert id_ in str(caught.value)


@pytest.mark.parametrize(
    ("id_", "part"),
    [
        (f"/subscriptions/{SUB}//resourceGroups/rg1", "it has an empty segment"),
        (f"{GROUP}/providers", "expected '/providers/NAMESPACE' at '/providers'"),
        (f"{GROUP}/providers/Microsoft.Storage", "'Microsoft.Storage' is not followed by TYPE/NAME pairs"),
    ],
)
def test_parse_names_the_part_that_it_refuses(id_: str, part: str) -> None:
    with pytest.raises(scopes.InvalidScope) as caught:
        scopes.parse(id_)
    assert str(caught.value).endswith(part)


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        (GROUP, WORKSPACE, True),
        (GROUP, GROUP, True),
        (GROUP.upper(), WORKSPACE.lower(), True),
        ("/", WORKSPACE, True),
        ("/", "/", True),
        (f"{GROUP}/", WORKSPACE, True),
        (GROUP, f"{GROUP}0", False),  # rg1 is not rg10
        (WORKSPACE, GROUP, False),
        (f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/w", WORKSPACE, False),
    ],
)
def test_contains_goes_by_whole_segments_in_any_case(outer: str, inner: str, expected: bool) -> None:
    assert scopes.contains(outer, inner) is expected


@settings(derandomize=True)
@given(st.lists(st.sampled_from(["a", "B", "rg1", "rg10"]), max_size=6), st.integers(0, 6))
def test_a_scope_contains_what_it_is_a_prefix_of(segments: list[str], end: int) -> None:
    inner, outer = "/" + "/".join(segments), "/" + "/".join(segments[:end])
    assert scopes.contains(outer, inner)
    assert scopes.contains(outer.swapcase(), inner)
    assert not scopes.contains(inner + "/more", inner)


def test_prefixes_end_at_the_root_and_hold_it_once() -> None:
    assert scopes.prefixes("/") == ("/",)
    assert scopes.prefixes(f"/subscriptions/{SUB}") == (f"/subscriptions/{SUB}", "/subscriptions", "/")


def test_guids_are_told_from_names() -> None:
    assert scopes.is_guid(SUB)
    assert scopes.is_guid(SUB.upper())
    assert not scopes.is_guid(f"{SUB}0")
    assert not scopes.is_guid("alice@contoso.com")
