"""The browser that tests use: one that is there, else one that is installed now, else a failure that says so."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


class NoBrowser(RuntimeError):
    """There is no Chromium or Chrome, and none could be installed."""


def _present() -> str | None:
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None) or _playwrights_own()


def _playwrights_own() -> str | None:
    root = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache/ms-playwright"))
    return next((str(p) for p in sorted(root.glob("chromium-*/chrome-linux*/chrome"), reverse=True)), None)


def attempt(*command: str) -> bool:
    """Run it quietly; whether it went well."""
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@cache
def chromium() -> str:
    """The path of the browser's program; NoBrowser where none is to be had."""
    if found := _present():
        return found
    attempt(sys.executable, "-m", "playwright", "install", "chromium")
    if found := _present():
        return found
    if shutil.which("apt-get") and os.geteuid() == 0:
        attempt("apt-get", "update")
        attempt("apt-get", "install", "-y", "--no-install-recommends", "chromium", "fonts-noto-core")
    if found := _present():
        return found
    raise NoBrowser("The browser tests need Chromium or Chrome: install one, or set CHROMIUM to its path.")


if __name__ == "__main__":
    try:
        print(chromium())
    except NoBrowser as reason:
        sys.exit(str(reason))
