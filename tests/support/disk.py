"""A disk of its own, an ext4 image mounted over a loop device, and copies of it as the disk holds it: a power cut."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

MEGABYTES = 512


@dataclass(frozen=True)
class Disk:
    """A mounted image: what was written through to it is in ``image``, what the kernel still holds is not."""

    image: Path
    folder: Path
    device: str

    def cut(self, copy: Path) -> None:
        """Copy the image as it is at one moment: copied again until nothing was written to it meanwhile."""
        for _ in range(50):
            before = self._written()
            subprocess.run(["cp", "--sparse=always", str(self.image), str(copy)], check=True)
            if self._written() == before:
                return
            time.sleep(0.02)
        raise RuntimeError(f"{self.device} is written to without a pause; stop who writes first")

    def _written(self) -> list[str]:
        """Requests of the device so far, and those in flight."""
        numbers = Path("/sys/block", Path(self.device).name, "stat").read_text(encoding="ascii").split()
        return [numbers[4], numbers[8]]


@contextlib.contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Disk]:
    """``image`` mounted at ``folder`` for the block; its journal is replayed as after a power cut."""
    folder.mkdir(exist_ok=True)
    device = subprocess.run(["losetup", "--find", "--show", str(image)], check=True, capture_output=True, text=True)
    name = device.stdout.strip()
    try:
        subprocess.run(["mount", "-t", "ext4", name, str(folder)], check=True)
        try:
            yield Disk(image, folder, name)
        finally:
            subprocess.run(["umount", str(folder)], check=True)
    finally:
        subprocess.run(["losetup", "--detach", name], check=True)


def new_image(path: Path) -> Path:
    """An empty ext4 image; a skip with the reason where images cannot be made or mounted here."""
    if os.geteuid() != 0:
        pytest.skip("mounting an image needs root")
    for command in ("mkfs.ext4", "losetup", "mount"):
        if not shutil.which(command):
            pytest.skip(f"{command} is not installed")
    with path.open("wb") as file:
        file.truncate(MEGABYTES * 1_000_000)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(path)], check=True)
    trial = path.with_name("trial")
    try:
        with mounted(path, trial):
            pass
    except (subprocess.CalledProcessError, OSError) as error:
        pytest.skip(f"an image cannot be mounted here: {error}")
    return path
