"""The broker that tests use besides our own: a Mosquitto that is there, else one that is installed now, else a failure that says so."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.e2e.chromium import attempt
from tests.factories.served import free_port

PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")


class NoMosquitto(RuntimeError):
    """There is no Mosquitto, and none could be installed."""


def _present() -> str | None:
    return os.environ.get("MOSQUITTO") or shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), *PLACES)))


@cache
def mosquitto() -> str:
    """The path of the broker's program; NoMosquitto where none is to be had."""
    if found := _present():
        return found
    if shutil.which("apt-get") and os.geteuid() == 0:
        attempt("apt-get", "update")
        attempt("apt-get", "install", "-y", "--no-install-recommends", "mosquitto")
        attempt("systemctl", "disable", "--now", "mosquitto")  # the tests start their own, and 1883 is somebody else's
    if found := _present():
        return found
    raise NoMosquitto("The tests with a real broker need Mosquitto: install it, or set MOSQUITTO to the path of its program.")


@dataclass
class Running:
    """A Mosquitto of the tests' own on a port of its own; `stop` and `start` are a power failure and its end."""

    port: int
    config: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Come up, and be there before this returns."""
        self.process = subprocess.Popen([mosquitto(), "-c", str(self.config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait(lambda: _listens(self.port), self.process)

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait(10)

    def reload(self) -> None:
        """Read the files again, as `pkill -HUP` makes it."""
        assert self.process
        self.process.send_signal(signal.SIGHUP)


@contextmanager
def running(folder: Path, *, files: Path | None = None) -> Iterator[Running]:
    """One that lets in whom `files` (of mqtt-acl) names; everybody where there are none."""
    port = free_port()
    lines = [f"listener {port} 127.0.0.1", "persistence false", "log_type error", "max_queued_messages 100000", "set_tcp_nodelay true"]
    if hasattr(os, "getuid") and os.getuid() == 0:
        lines.append("user root")  # the folder is ours alone
    if files is None:
        lines.append("allow_anonymous true")
    else:
        lines += ["allow_anonymous false", f"password_file {files / 'passwd'}", f"acl_file {files / 'acl'}"]
    config = folder / "mosquitto.conf"
    config.write_text("\n".join(lines) + "\n")
    broker = Running(port, config)
    broker.start()
    try:
        yield broker
    finally:
        if broker.process and broker.process.poll() is None:
            broker.kill()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(is_so: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if is_so():
            return
        assert process.poll() is None, "Mosquitto ended"
        time.sleep(0.02)
    raise AssertionError("Mosquitto does not listen")


if __name__ == "__main__":
    try:
        print(mosquitto())
    except NoMosquitto as reason:
        sys.exit(str(reason))
