"""Every table that there is, so that whoever needs them all (migrations, the architecture's tests) imports one module."""

from importlib import import_module
from importlib.util import find_spec

DOMAINS = (
    "identity", "audit", "platform", "alerts", "notifications", "cold_chain", "farm", "tracking", "deliveries", "trees",
)  # fmt: skip

for _domain in DOMAINS:
    if find_spec(f"data.{_domain}.tables"):
        import_module(f"data.{_domain}.tables")
