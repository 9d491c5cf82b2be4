# mypy: disable-error-code="no-untyped-call"
"""The connections of MLflow's stores to their database: set up when they are made.

MLflow sets up the same connection again in each session: three statements before each that somebody asked for, which
is a third of what a logged metric costs (mlflow/store/db/utils.py, `_get_managed_session_maker`).
"""

from __future__ import annotations

from typing import Any

from mlflow.store.db.utils import _get_managed_session_maker
from sqlalchemy import event
from sqlalchemy.orm import sessionmaker

# What MLflow 3.17 says; a test asks the MLflow that is installed.
PRAGMAS = ("PRAGMA foreign_keys = ON;", "PRAGMA busy_timeout = 20000;", "PRAGMA case_sensitive_like = true;")


def set_up_once(store: Any) -> None:
    """Have a store's connections set up once, and its sessions no more.

    Args:
        store: of MLflow's, over SQLite; nobody uses it yet.
    """
    if not event.contains(store.engine, "connect", _set_up):  # stores of one database share an engine
        event.listen(store.engine, "connect", _set_up)
        store.engine.dispose()  # those that are open were not
    store.ManagedSessionMaker = _get_managed_session_maker(sessionmaker(bind=store.engine), "set up")


def _set_up(connection: Any, _record: object) -> None:
    for pragma in PRAGMAS:
        connection.execute(pragma)
