"""A failed operation of the engine, in the words that people are told, and the command that mends it."""

from __future__ import annotations

import pytest

from azmlflow.cli.pulumi.changes import Diagnosis, Outcome
from azmlflow.cli.pulumi.failures import advice, failed, held

AGAIN = "azmlflow up"
VAULT = "urn:pulumi:local::shop::azure-native:keyvault:Vault::mlflow-vault"
LOGS = "urn:pulumi:local::shop::azure-native:operationalinsights:Workspace::mlflow-logs"
STACK = "urn:pulumi:local::shop::pulumi:pulumi:Stack::shop-local"


def _told(*diagnoses: Diagnosis, text: str = "stderr: error: update failed") -> tuple[str, str | None, str | None]:
    fault = failed("local", Outcome(diagnoses=diagnoses), text, AGAIN)
    return fault.what, fault.where, fault.next


def test_the_resources_own_words_come_first_and_the_others_are_counted() -> None:
    assert _told(
        Diagnosis("error", "update failed", STACK),
        Diagnosis("warning", "slow", LOGS),
        Diagnosis("error", "Conflict: it is being changed", VAULT),
        Diagnosis("error", "Conflict: once more", VAULT),
        Diagnosis("error", "BadRequest: no", LOGS),
    ) == ("Conflict: it is being changed (and 1 more)", "mlflow-vault", AGAIN)


def test_what_is_said_of_nothing_comes_after_what_is_said_of_a_resource() -> None:
    assert _told(Diagnosis("error", "aborted"), Diagnosis("error", "Conflict", VAULT))[0] == "Conflict"


def test_one_that_failed_alone_is_not_counted() -> None:
    assert _told(Diagnosis("error", "Conflict", VAULT)) == ("Conflict", "mlflow-vault", AGAIN)


def test_where_no_resource_says_anything_the_stack_does() -> None:
    assert _told(Diagnosis("error", "the program failed", STACK)) == ("the program failed", "shop-local", AGAIN)
    assert _told(Diagnosis("error", "the program failed")) == ("the program failed", None, AGAIN)


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ("error: 1 error occurred:\n\t* Conflict: taken\n\n", "Conflict: taken"),
        ("2 errors occurred:\n\t* error: first\n\t* second", "first"),
        ("  * \n", "  * \n"),
        (" 1 error occurred:\n", "1 error occurred:"),
        ("* X is a name that is taken by X", "X is a name that is taken by X"),
        ("X\n* Y", "X"),
        ("1 error occurred:", "1 error occurred:"),
    ],
)
def test_the_engines_frame_around_a_diagnosis_is_taken_off(message: str, what: str) -> None:
    assert _told(Diagnosis("error", message, VAULT))[0] == what


def test_advice_stands_in_place_of_the_command_again() -> None:
    what, _, next_ = _told(Diagnosis("error", "the name is already taken", VAULT))
    assert what == "the name is already taken"
    assert next_ == "choose another name, or another azmlflow:salt, in Pulumi.local.yaml"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("code: 255\nstdout: \nstderr: error: no stack named 'x'\nat the end", "no stack named 'x'"),
        ("first\nmore\n\nstderr: last words  \n", "last words"),
        (f"first\n{'x' * 400}", "x" * 300),
        ("stderr:\n \n", "it gave no reason"),
        ("", "it gave no reason"),
    ],
)
def test_without_any_diagnosis_the_engines_own_end_is_told(text: str, what: str) -> None:
    assert _told(text=text) == (f"the Pulumi engine failed: {what}", None, AGAIN)


def test_a_passphrase_that_is_not_the_states_leads_to_the_repair_where_the_state_is_ours() -> None:
    text = "stderr: error: Incorrect passphrase"
    assert _told(text=text)[2] == "azmlflow local repair    (a new state begins, and the old one is kept)"
    assert failed("x", Outcome(), "stderr: error: gone", AGAIN, mended=False).next == AGAIN


def test_a_backend_that_is_not_ours_and_half_written_is_mended_by_hand() -> None:
    text = "error: reading the stack: EOF"
    assert str(failed("x", Outcome(), text, AGAIN, mended=False).next).startswith("find BACKEND -name '*.attrs' -empty")
    assert failed("x", Outcome(), text, AGAIN).next == AGAIN  # ours is mended by the command


def test_what_the_machine_lacks_goes_before_all_else() -> None:
    text = "error: write /x: no space left on device"
    assert str(failed("x", Outcome(), text, AGAIN).next).startswith("df -h")
    assert str(advice(text, "x")).startswith("df -h")


GUID = "7f3c2a11-0000-4000-8000-00000000000a"


@pytest.mark.parametrize(
    ("message", "command"),
    [
        (f"PrincipalNotFound: Principal {GUID} does not exist in the directory", f"azmlflow revoke {GUID} --stack dev"),
        (f"PrincipalNotFound: Principal {GUID.replace('-', '')} does not exist", f"azmlflow revoke {GUID} --stack dev"),
        ("PrincipalNotFound: no more is said", "azmlflow revoke PRINCIPAL --stack dev"),
        ("Soft-deleted workspace exists", "azmlflow set onSoftDeleted recover --stack dev"),
        ("a vault with the same name is soft deleted", "azmlflow set onSoftDeleted recover --stack dev"),
        (
            "A vault with the same name already exists in deleted state.",
            "azmlflow set onSoftDeleted recover --stack dev",
        ),
        (
            "ValueError: There is no model m in workspace w: Register it first",
            "azmlflow set --unset endpoints --stack dev",
        ),
        (
            "cannot create already existing resource '/subscriptions/s/resourceGroups/rg/onlineEndpoints/risk'",
            "another name in the settings; or, if nobody needs what is there: "
            "az resource delete --ids /subscriptions/s/resourceGroups/rg/onlineEndpoints/risk",
        ),
        ("there is no model m", None),
        ("the model m: register it first", None),
        ("Status=429 Code=TooManyRequests", "wait a few minutes"),
        (
            "MissingSubscriptionRegistration: not registered to use namespace 'Microsoft.KeyVault'.",
            "az provider register --namespace Microsoft.KeyVault",
        ),
        ("MissingSubscriptionRegistration", "az provider register --namespace NAMESPACE"),
        (
            'Code="ScopeLocked" Message="The scope \'/s/1\' cannot perform write operation because following '
            "scope(s) are locked: '/s'. Please remove the lock and try again.\"",
            "azmlflow doctor --stack dev    (names the lock, and what takes it away)",
        ),
        (
            "VaultAlreadyExists: the name is already in use",
            "choose another name, or another azmlflow:salt, in Pulumi.dev",
        ),
        ("StorageAccountAlreadyTaken", "choose another name, or another azmlflow:salt, in Pulumi.dev.yaml"),
        ("the job is already running", None),
        ("the address is in use", None),
        ("Conflict", None),
    ],
)
def test_what_azure_complains_of_and_the_command_that_mends_it(message: str, command: str | None) -> None:
    found = advice(message, "dev")
    assert found == command if command is None else str(found).startswith(command)


def test_who_is_not_in_the_embedded_azures_directory_comes_back_by_their_name() -> None:
    """A stack's file with its grants is another machine's, or the embedded Azure was reset."""
    found = str(advice(f"PrincipalNotFound: Principal {GUID} does not exist", "local", local=True))
    assert found.startswith(f"azmlflow revoke {GUID} --stack local    (or `azmlflow local user add NAME`")


def test_a_stack_that_another_process_holds_names_who_and_the_way_out() -> None:
    fault = held("dev", "error: the stack is currently locked\n  created by ana@host (pid 12) at 10:00\nelse")
    assert fault.what == "stack `dev` is held by another update: created by ana@host (pid 12) at 10:00"
    assert fault.next == (
        'wait for it to end; if it is dead: (eval "$(azmlflow env --engine --stack dev)" && '
        "pulumi cancel --yes --stack dev)"
    )
    assert held("dev", "[409] Conflict").what == "stack `dev` is held by another update"
