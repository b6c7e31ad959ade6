"""`main.py` in a process of its own on loopback, as a machine and a browser meet it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """`main.py serve` (or another of its commands) on loopback."""

    url: str
    mqtt_port: int
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    command: Sequence[str] = ("serve",)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def start(self) -> None:
        """Start (again) and wait until it answers."""
        self.process = launch(self.environment, self.command)
        wait_until_healthy(self.url, self.process)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def launch(environment: dict[str, str], command: Sequence[str] = ("serve",)) -> subprocess.Popen[bytes]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "NICEGUI"))}
    return subprocess.Popen([sys.executable, "main.py", *command], cwd=ROOT, env=clean | environment)


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], *, patience_s: float = 60) -> None:
    """Wait until the server answers; an AssertionError where it ended or takes longer."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended"
        try:
            if httpx.get(f"{url}/health", timeout=2, verify=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the server does not answer")


def environment_of(database_url: str, secret_key: str, var_dir: Path, more: Mapping[str, str] = {}) -> dict[str, str]:
    """What `main.py serve` needs to be told, with ports that are free."""
    port, mqtt_port = free_port(), free_port()
    return {
        "DATABASE_URL": database_url, "SECRET_KEY": secret_key, "PUBLIC_URL": f"http://127.0.0.1:{port}", "PORT": str(port),
        "MQTT_PORT": str(mqtt_port), "VAR_DIR": str(var_dir), "BACKUP_LOG": "false", **more,  # the whole server's: other workers' too
    }  # fmt: skip


@contextmanager
def serving(database_url: str, secret_key: str, var_dir: Path, more: Mapping[str, str] = {}) -> Iterator[Server]:
    """`main.py serve` on that database (with `more` settings), until the block ends."""
    environment = environment_of(database_url, secret_key, var_dir, more)
    server = Server(environment["PUBLIC_URL"], int(environment["MQTT_PORT"]), environment, launch(environment))
    try:
        wait_until_healthy(server.url, server.process)
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
