"""The Lambda function: one event in, one JSON answer out. What an event can ask for stands in `f1lib.aws.schema`.

Everything is written below /tmp, the only place that Lambda lets us write to. ``KEEP`` (fonts, the F1DB release)
stays for the next event in this sandbox, ``WORK`` is swept before and after each.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from f1lib.aws.events import read_event, run_event
from f1lib.aws.telemetry import Telemetry
from f1lib.workspace.workspace import open_workspace

WORK, KEEP = Path("/tmp/f1lib/work"), Path("/tmp/f1lib/keep")
# A stage that starts must be able to finish: the longest measured took a third of this.
RESERVE_MILLISECONDS = 180_000
# Where FastF1 keeps the token of the account's sign-in below XDG_DATA_HOME. It lasts four days, a sandbox minutes.
TOKEN = Path("fastf1", "f1auth_token.json")


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Do what ``event`` asks for; whatever goes wrong is logged and raised, so that Lambda sees it."""
    namespace, service = (
        os.environ.get(f"POWERTOOLS_{name}", "f1lib") for name in ("METRICS_NAMESPACE", "SERVICE_NAME")
    )
    telemetry = Telemetry(namespace, service, context.aws_request_id)
    with _swept():
        try:
            wanted = read_event(event)
            _sign_in()
            ws = open_workspace(as_of=wanted.now)
            ws = replace(ws, owner=f"lambda:{context.aws_request_id}")
            with _token_kept(telemetry):
                return run_event(ws, wanted, telemetry, lambda: _has_time(context))
        except Exception as error:
            asked = event if isinstance(event, dict) else {}
            action, said = str(asked.get("action"))[:60], f"{type(error).__name__}: {error}"
            telemetry.line("failed", failed=True, action=action, error=said)
            raise


def _has_time(context: Any) -> bool:
    return int(context.get_remaining_time_in_millis()) > RESERVE_MILLISECONDS


def _sign_in() -> None:
    """Put the F1 account from Secrets Manager where FastF1 looks for it, once a sandbox."""
    secret = os.environ.get("F1_ACCOUNT_SECRET")
    if secret and "F1_USERNAME" not in os.environ:
        from aws_lambda_powertools.utilities.parameters import get_secret

        account = json.loads(get_secret(secret))
        os.environ.update({name: account[name] for name in ("F1_USERNAME", "F1_PASSWORD") if name in account})


@contextmanager
def _token_kept(telemetry: Telemetry) -> Iterator[None]:
    """Bring the account's token from Secrets Manager into a new sandbox, and keep there what a sign-in gave."""
    secret, home = os.environ.get("F1_TOKEN_SECRET"), os.environ.get("XDG_DATA_HOME")
    if not secret or not home:
        yield
        return
    from aws_lambda_powertools.utilities.parameters import get_secret, set_secret

    file = Path(home) / TOKEN
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(get_secret(secret, force_fetch=True), encoding="utf-8")
    before = file.read_text(encoding="utf-8")
    try:
        yield
    finally:
        if (now := file.read_text(encoding="utf-8")) != before:
            try:
                set_secret(secret, now)
            except Exception as error:  # the next sandbox signs in again
                telemetry.line("the F1 token was not kept", failed=True, error=f"{type(error).__name__}: {error}")


@contextmanager
def _swept() -> Iterator[None]:
    """A clean ``WORK`` with everything that libraries expect in it, gone afterwards whatever happened."""
    shutil.rmtree(WORK, ignore_errors=True)
    for folder in (WORK / "tmp", WORK / "fastf1", KEEP / "matplotlib", KEEP / "downloads"):
        folder.mkdir(parents=True, exist_ok=True)
    before, tempfile.tempdir = tempfile.tempdir, str(WORK / "tmp")
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(WORK, ignore_errors=True)
