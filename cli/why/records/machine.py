"""Pulumi's engine, az, and this machine."""

from __future__ import annotations

from azmlflow.cli.why.questions.doctors import of_check
from azmlflow.cli.why.record import Record

_PULUMI = "https://www.pulumi.com/docs"

RECORDS = (
    Record(
        "No config.json is found",
        r"could not find config\.json|configuration file config\.json, could not be found",
        "The SDK looked for the workspace's config.json in the folder that the program ran in and those above it.",
        "azmlflow config    (in the folder of the program, or run it in the project's)",
        "https://learn.microsoft.com/azure/machine-learning/how-to-configure-environment",
        "UserErrorException: Message: We could not find config.json in: /home/you or in its parent directories.",
        of_check("config.json"),
    ),
    Record(
        "Pulumi has no backend",
        r"PULUMI_ACCESS_TOKEN must be set|no credentials provided.{0,60}pulumi login",
        "Pulumi does not know where the stack's state is kept.",
        "export PULUMI_BACKEND_URL=azblob://CONTAINER    (or file://~; of Pulumi Cloud: PULUMI_ACCESS_TOKEN)",
        f"{_PULUMI}/iac/concepts/state-and-backends/",
        "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
    ),
    Record(
        "Pulumi's passphrase is wrong or missing",
        r"incorrect passphrase|passphrase must be set with PULUMI_CONFIG_PASSPHRASE",
        "The stack's secrets are under a passphrase, and this one is not it, or none is set.",
        "export PULUMI_CONFIG_PASSPHRASE_FILE=...    (of a local stack: azmlflow up, which begins a new state)",
        f"{_PULUMI}/iac/concepts/secrets/",
        'error: constructing secrets manager of type "passphrase": incorrect passphrase',
    ),
    Record(
        "Another update holds the stack",
        r"the stack is currently locked by|Another update is currently in progress",
        "Another command changes the stack, or one was killed and left its lock.",
        "azmlflow up --stack {stack}    (takes away the lock of a dead command; waits for nothing that lives)",
        f"{_PULUMI}/support/troubleshooting/common-issues/update-conflicts/",
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the "
        "lock file with `pulumi cancel`.",
    ),
    Record(
        "Operations were left without an end",
        r"pending_operations|the current deployment has \d+ resource\(s\) with pending operations",
        "An earlier command was killed while Azure was at work.",
        "azmlflow up --stack {stack}    (finds out what Azure made, and takes it over)",
        f"{_PULUMI}/support/troubleshooting/common-issues/interrupted-updates/",
        "the current deployment has 1 resource(s) with pending operations",
    ),
    Record(
        "Pulumi's plugin is not here",
        r"no resource plugin 'pulumi-resource-(?P<plugin>[\w-]+)|Could not automatically download and install",
        "The engine did not find its plugin, and could not get it.",
        "azmlflow doctor --fix",
        f"{_PULUMI}/iac/concepts/plugins/",
        "error: no resource plugin 'pulumi-resource-azure-native-v3.29.0' found in the workspace or on your $PATH",
        of_check("plugin"),
    ),
    Record(
        "A resource is protected",
        r"cannot be deleted.{0,40}because it is protected|Unable to (?:delete|replace) resource .{0,200}protect",
        "What holds data is under Pulumi's protection on Azure, so that nothing deletes it by mistake.",
        "azmlflow set protect false, then azmlflow up    (azmlflow down asks, and takes it away by itself)",
        f"{_PULUMI}/iac/concepts/resources/options/protect/",
        "error: resource urn:pulumi:prod::azmlflow::x cannot be deleted because it is protected.",
    ),
    Record(
        "az has no command `ml`",
        r"'ml' is (?:misspelled or )?not (?:recognized|in the 'az' command group)",
        "az's extension for Azure Machine Learning is not installed.",
        "az extension add --name ml",
        "https://learn.microsoft.com/azure/machine-learning/how-to-configure-cli",
        "ERROR: 'ml' is misspelled or not recognized by the system.",
    ),
    Record(
        "The disk is full",
        r"No space left on device|\bENOSPC\b|database or disk is full",
        "There is no room on the disk that is written to.",
        "df -h    (then make room; what was written stays whole: azmlflow local repair says so)",
        "https://docs.python.org/3/library/errno.html#errno.ENOSPC",
        "OSError: [Errno 28] No space left on device",
    ),
)
