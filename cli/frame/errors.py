"""What the command line tells people when something is wrong: what, where, and the next command to type.

Raised where the fault is known; rendered once, in `cli/main.py`.
"""

from __future__ import annotations


class CliError(Exception):
    """A fault that the user can do something about.

    Args:
        what: one sentence, what is wrong.
        where: the file, resource or setting that it is about, if it has a place.
        next: the command to type next, or what to change.
    """

    def __init__(self, what: str, *, where: str | None = None, next: str | None = None) -> None:
        super().__init__(what)
        self.what, self.where, self.next = what, where, next

    def document(self) -> dict[str, dict[str, str]]:
        """The error as `--output json` prints it: `{"error": {"what", "where"?, "next"?}}`."""
        parts = {"what": self.what, "where": self.where, "next": self.next}
        return {"error": {name: text for name, text in parts.items() if text}}


class Interrupted(Exception):
    """Ctrl-C, after what was under way has been brought to a halt."""
