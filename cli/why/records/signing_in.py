"""Nobody is signed in, or to the wrong place."""

from __future__ import annotations

from azmlflow.cli.why.questions.doctors import of_check
from azmlflow.cli.why.record import Record

_CODES = "https://learn.microsoft.com/entra/identity-platform/reference-error-codes"
_IDENTITY = "https://aka.ms/azsdk/python/identity/defaultazurecredential/troubleshoot"

RECORDS = (
    Record(
        "The wrong tenant is signed in to",
        r"You are currently logged-in to (?P<tenant>\S+) tenant\. You don't have access to (?P<subscription>\S+) "
        r"subscription",
        "You are signed in to tenant {tenant}, and see no subscription {subscription} there; or you have no role in it "
        "at all: then SDK v1 says the same.",
        "az account list --all    (then: az login --tenant TENANT; or ask for a persona: azmlflow roles)",
        "https://aka.ms/aml-notebook-auth",
        "UserErrorException: Message: You are currently logged-in to t1 tenant. You don't have access to s1 "
        "subscription, please check if it is in this tenant.",
        of_check("subscription"),
        "azureml-core",
    ),
    Record(
        "The pipeline's sign-in is not trusted",
        r"AADSTS(?:70021|700211|700212|700213|7002138)\b|No matching federated identity record found",
        "The application has no federated credential for just this repository, branch, pull request or environment; "
        "upper and lower case count.",
        "give the application a federated credential of the subject that the error names",
        "https://github.com/Azure/login/issues/482",
        "AADSTS700213: No matching federated identity record found for presented assertion subject "
        "'repo:team/models:pull_request'.",
    ),
    Record(
        "The secret of an application is wrong or has ended",
        r"AADSTS(?:7000215|7000222)",
        "The client secret that the program signs in with is wrong, or has expired.",
        "az ad app credential reset --id APPLICATION    (then set AZURE_CLIENT_SECRET anew)",
        _CODES,
        "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client "
        "secret value, not the client secret ID.",
    ),
    Record(
        "The application is not in the tenant",
        r"AADSTS700016",
        "The tenant has no application of this id: another tenant's, or it was deleted.",
        "az ad app list --display-name NAME    (and look at AZURE_CLIENT_ID and AZURE_TENANT_ID)",
        _CODES,
        "AADSTS700016: Application with identifier 'x' was not found in the directory 'y'.",
    ),
    Record(
        "More is wanted than a password",
        r"AADSTS(?:50076|50079|50158|53003|65001)",
        "The tenant asks for a second factor, another device or a consent, which a program cannot give.",
        "az login --tenant TENANT    (in a browser; then run the program again)",
        _CODES,
        "AADSTS50076: Due to a configuration change made by your administrator, or because you moved to a new "
        "location, you must use multi-factor authentication to access.",
    ),
    Record(
        "The token has expired",
        r"ExpiredAuthenticationToken|The access token expiry|AADSTS70043|AADSTS700082|Lifetime validation failed",
        "The sign-in is too old, or this machine's clock is wrong.",
        "az login",
        _CODES,
        "(ExpiredAuthenticationToken) The access token expiry UTC time is earlier than current UTC time.",
        of_check("clock"),
    ),
    Record(
        "Nobody is signed in",
        r"failed to retrieve a token from the included credentials|Please run '?\"?az login|"
        r"Credential authentication unavailable|CredentialUnavailableError|No accounts were found in the cache",
        "The program found no sign-in: not in variables, not by az, not of a managed identity.",
        "az login    (on the embedded Azure: azmlflow run -- COMMAND)",
        _IDENTITY,
        "DefaultAzureCredential failed to retrieve a token from the included credentials.",
        of_check("credentials"),
        "azure-identity",
    ),
    Record(
        "The subscription is not found",
        r"SubscriptionNotFound|The subscription '(?P<subscription>[0-9a-f-]{36})' could not be found",
        "The subscription is not there, or not visible to whoever is signed in.",
        "az account list --all",
        "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-not-found",
        "(SubscriptionNotFound) The subscription '00000000-0000-0000-0000-000000000009' could not be found.",
        of_check("subscription"),
        "azure-mgmt-resource, azure-ai-ml",
    ),
)
