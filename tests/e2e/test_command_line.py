"""What the person at the terminal meets: help, and one clear line when something is missing."""

import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.conftest import SECRET_KEY
from tests.factories import forked
from tests.factories.served import ROOT, free_port

pytestmark = pytest.mark.e2e


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return forked.command(environment, *words)


def processes_of(folder: Path) -> list[psutil.Process]:
    """What still runs on that folder."""
    return [p for p in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(p.info["cmdline"] or [])]


def test_help_names_every_command() -> None:
    shown = subprocess.run([sys.executable, "main.py", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0
    for name in ("run", "serve", "migrate", "check-log", "mqtt-acl", "user"):
        assert name in shown.stdout


def test_serving_refuses_with_a_list_of_what_is_missing() -> None:
    refused = command("serve", SECRET_KEY="too short")
    assert refused.returncode == 1
    assert [line.split(":")[0].strip() for line in refused.stderr.splitlines()[1:]] == ["DATABASE_URL", "SECRET_KEY", "PUBLIC_URL"]


def test_a_database_that_is_not_there_is_one_clear_line() -> None:
    refused = command(
        "serve", DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/none", SECRET_KEY="x" * 40, PUBLIC_URL="http://localhost"
    )
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    [line] = refused.stderr.strip().splitlines()
    assert line.startswith("The database does not answer:")


def test_a_broken_data_folder_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "PG_VERSION").write_text("7\n")
    refused = command("run", "--port", str(free_port()), "--var-dir", str(tmp_path))
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1 and str(tmp_path) in refused.stderr


def test_a_setting_that_cannot_be_read_and_a_brokers_port_in_use_are_one_clear_line(database_url: str, tmp_path: Path) -> None:
    settings = {
        "DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "PUBLIC_URL": "http://localhost", "PORT": str(free_port()), "VAR_DIR": str(tmp_path),
    }  # fmt: skip
    refused = command("serve", **settings, FIND_MY_URL="http://localhost", FIND_MY_EXCLUDED_AREAS="somewhere")
    assert refused.returncode == 1 and refused.stderr.startswith("A setting cannot be read:") and "Traceback" not in refused.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = command("serve", **settings, MQTT_PORT=str(taken.getsockname()[1]))
        assert refused.returncode == 1 and "Traceback" not in refused.stderr
        assert refused.stderr.strip().splitlines()[-1].startswith("Steading cannot start:")


def test_a_port_in_use_is_one_clear_line_and_what_was_started_ends(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        in_use = taken.getsockname()[1]
        refused = command("run", "--port", str(in_use), "--mqtt-port", str(free_port()), "--var-dir", str(tmp_path))
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert refused.stderr.strip().splitlines()[-1].startswith(f"Port {in_use} on 127.0.0.1 cannot be used")
    assert processes_of(tmp_path) == []


def test_mosquittos_files_are_written_and_how_they_are_read_again_is_said(database_url: str, tmp_path: Path) -> None:
    settings = {
        "DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "MQTT_URL": "mqtt://steading:secret@localhost", "VAR_DIR": str(tmp_path),
    }  # fmt: skip
    written = command("mqtt-acl", **settings)
    assert written.returncode == 0 and "pkill -HUP -x mosquitto" in written.stdout
    assert (tmp_path / "mosquitto/acl").read_text().splitlines()[2:4] == ["user steading", "topic readwrite #"]
    assert "Nothing has changed" in command("mqtt-acl", **settings).stdout
    refused = command("mqtt-acl", "--to", str(tmp_path / "mosquitto/acl"), **settings)
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert refused.stderr.strip().splitlines()[-1].startswith("The files cannot be written:")
