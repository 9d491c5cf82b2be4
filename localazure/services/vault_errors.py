"""How a vault refuses."""

from __future__ import annotations


class VaultRefused(Exception):
    """Key vault's refusal: HTTP status, code, sentence, the finer code inside, and the reason for the log alone."""

    def __init__(self, status: int, code: str, text: str, inner: str | None = None, reason: str = "") -> None:
        super().__init__(text)
        self.status, self.code, self.text, self.inner, self.reason = status, code, text, inner, reason


def missing(noun: str, name: str) -> VaultRefused:
    """What is not in a vault."""
    return VaultRefused(
        404,
        f"{noun.capitalize()}NotFound",
        f"A {noun} with (name/id) {name} was not found in this key vault. If you recently deleted this {noun} you "
        "may be able to recover it using the correct recovery command.",
    )
