"""`run` shows a world that lives: every device comes in through its own door, and a second start makes nothing anew."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.factories.served import ROOT, free_port, wait_until_healthy

pytestmark = pytest.mark.e2e

PATIENCE_S = 90


@contextmanager
def running(var_dir: Path) -> Iterator[psycopg.Connection]:
    """The demonstration in a process of its own, and a look into its database past every wall."""
    port = free_port()
    command = [sys.executable, "main.py", "run", "--port", str(port), "--mqtt-port", str(free_port()), "--var-dir", str(var_dir)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}", process, patience_s=120)
        with psycopg.connect(f"host={var_dir}/pg user=postgres dbname=steading", autocommit=True) as connection:
            yield connection
    finally:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=40)
    assert "Traceback" not in said, said
    assert f"http://127.0.0.1:{port}" in said and "owner@demo.example" in said
    assert [p for p in psutil.process_iter(["cmdline"]) if str(var_dir) in " ".join(p.info["cmdline"] or [])] == []


def number(connection: psycopg.Connection, question: str) -> int:
    row = connection.execute(question).fetchone()  # type: ignore[call-overload]
    return int(row[0])


def wait_for(is_so: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if is_so():
            return
        time.sleep(0.5)
    raise AssertionError(f"never: {what}")


HEARD = {
    "eight sensors through The Things Stack's webhook": ("select count(*) from cold_chain.units where last_reading_at > {since}", 8),
    "twelve boards through the broker": ("select count(*) from farm.devices where dialect <> 'gateway' and is_online and last_heartbeat_at > {since}", 12),
    "four devices behind a gateway that asks": ("select count(*) from farm.devices where dialect = 'gateway' and is_online and last_heartbeat_at > {since}", 4),
    "nine relays whose state is known": ("select count(*) from farm.devices where device_type = 'relay' and state_reported_at > {since}", 9),
    "eight drivers through their phones' apps": ("select count(*) from deliveries.active_driver_locations where recorded_at > {since}", 8),
    "tags through the haystack": ("select count(*) from tracking.trackers where last_report_requested_at > {since}", 30),
    "five tree jobs": ("select count(*) from trees.jobs", 5),
    "tree jobs in four states": ("select count(distinct status) from trees.jobs where status <> 'submitted_for_processing'", 4),
    "photos": ("select count(*) from trees.round_images", 8),
    "recordings": ("select count(*) from trees.round_recordings", 4),
}  # fmt: skip
MADE_ONCE = ("farm.devices", "cold_chain.units", "tracking.trackers", "deliveries.drivers", "trees.jobs", "identity.api_tokens", "identity.users")


@pytest.mark.long
def test_every_device_is_heard_through_its_own_door_and_a_second_start_makes_nothing_anew(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        began = first.execute("select quote_literal(now() - interval '2 minutes')").fetchone()
        assert began
        for what, (question, enough) in HEARD.items():
            wait_for(lambda q=question, n=enough: number(first, q.format(since=began[0])) >= n, what)  # type: ignore[misc]
        assert number(first, "select count(*) from platform.unknown_devices") == 0
        before = {table: number(first, f"select count(*) from {table}") for table in MADE_ONCE}
    with running(tmp_path) as second:
        question = "select count(*) from deliveries.active_driver_locations where recorded_at > now() - interval '10 seconds'"
        wait_for(lambda: number(second, question) == 8, "drivers drive again")
        assert {table: number(second, f"select count(*) from {table}") for table in MADE_ONCE} == before
