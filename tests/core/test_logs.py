from collections.abc import Iterator

import pytest
import structlog

from main import set_up_logs


@pytest.fixture
def logs() -> Iterator[None]:
    set_up_logs()
    yield
    structlog.reset_defaults()


def test_a_traceback_in_the_log_shows_no_values_of_variables(logs: None, capsys: pytest.CaptureFixture[str]) -> None:
    private_key = "".join(["a very ", "private key"])
    try:
        raise ValueError("it failed")
    except ValueError:
        structlog.get_logger().exception("job failed", job="tracking.fetch")
    said = capsys.readouterr().out
    assert "job failed" in said and "ValueError: it failed" in said
    assert private_key not in said
