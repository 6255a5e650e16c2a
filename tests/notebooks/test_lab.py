"""`make lab`: JupyterLab on a port, as root too, and through a proxy that has another name and a path."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from tests.support.standins import free_port

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "for-this-test"


def _asked(port: int, path: str, **given: object) -> tuple[int, bytes]:
    """The answer to a request as a proxy passes it on."""
    headers = {"Host": "lab.example.org", "X-Forwarded-Proto": "https", "Authorization": f"token {TOKEN}"}
    request = Request(f"http://127.0.0.1:{port}/behind/{path}", headers=headers, **given)  # type: ignore[arg-type]
    with urlopen(request, timeout=10) as answer:
        return answer.status, answer.read()


def test_the_lab_opens_on_its_port_under_its_path_for_another_name_and_starts_a_kernel(tmp_path: Path) -> None:
    pytest.importorskip("jupyterlab")
    port = free_port()
    words = ["make", "lab", f"PORT={port}", "BASE_URL=/behind/", "LAB_OPTIONS=--no-browser"]
    own = {"JUPYTER_TOKEN": TOKEN, "F1_LAKE_URL": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path)}
    environment = {**os.environ, **own, "JUPYTER_RUNTIME_DIR": str(tmp_path), "JUPYTER_DATA_DIR": str(tmp_path)}
    with (tmp_path / "log").open("w") as log:
        lab = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            until = time.monotonic() + 90
            while True:
                try:
                    status, page = _asked(port, "lab")
                    break
                except URLError:
                    assert lab.poll() is None, (tmp_path / "log").read_text()
                    assert time.monotonic() < until, (tmp_path / "log").read_text()
                    time.sleep(0.3)
            assert (status, b"JupyterLab" in page) == (200, True)
            names = {entry["name"] for entry in json.loads(_asked(port, "api/contents/explore")[1])["content"]}
            assert "weekend.ipynb" in names
            status, kernel = _asked(port, "api/kernels", data=b"{}", method="POST")
            assert status == 201
            _asked(port, f"api/kernels/{json.loads(kernel)['id']}", method="DELETE")
        finally:
            os.killpg(lab.pid, 15)
            lab.wait(timeout=30)
