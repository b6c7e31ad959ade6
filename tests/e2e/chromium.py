"""The browsers that tests use: what is there, else what is installed now, else a failure that says so."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BARE_NAMES = ("chromium-headless-shell", "headless_shell", "chrome-headless-shell")
"""The same engine without a browser around it: no push, no work in the background, and 45 % less work a page."""


class NoBrowser(RuntimeError):
    """There is no Chromium or Chrome, and none could be installed."""


def _present() -> str | None:
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None) or _playwrights_own()


def _playwrights_own(pattern: str = "chromium-*/chrome-linux*/chrome") -> str | None:
    root = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache/ms-playwright"))
    return next((str(p) for p in sorted(root.glob(pattern), reverse=True)), None)


def _bare() -> str | None:
    named = os.environ.get("CHROMIUM_HEADLESS_SHELL") or os.environ.get("CHROMIUM")  # who names one browser gets that one
    found = named or next((path for name in BARE_NAMES if (path := shutil.which(name))), None)
    return found or _playwrights_own("chromium_headless_shell-*/chrome*/*headless*shell")


def attempt(*command: str, patience_s: float = 600) -> bool:
    """Run it quietly; whether it went well."""
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=patience_s).returncode == 0
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


def bare_chromium() -> str:
    """The path of the engine alone for whatever needs no more than pages; where there is none, of the whole browser."""
    return _bare() or chromium()


def fetch_bare() -> None:
    """Install the engine alone where it is missing. Everything works without it, so nobody waits long for it."""
    if not _bare():
        attempt(sys.executable, "-m", "playwright", "install", "chromium-headless-shell", patience_s=60)
    if not _bare() and shutil.which("apt-get") and os.geteuid() == 0:
        attempt("apt-get", "install", "-y", "--no-install-recommends", "chromium-headless-shell", patience_s=60)


if __name__ == "__main__":
    try:
        print(chromium())
        fetch_bare()
    except NoBrowser as reason:
        sys.exit(str(reason))
