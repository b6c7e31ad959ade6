"""Messages as devices and networks send them, kept as files."""

from pathlib import Path


def payload(name: str) -> bytes:
    """The bytes of the message kept under `name`."""
    return (Path(__file__).parent / name).read_bytes()
