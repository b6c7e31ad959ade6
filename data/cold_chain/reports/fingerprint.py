"""The facts of a cold chain's report in their canonical form: lists stand in the order of time, then of the id; units in the order of
site, area, name and id."""

from data.cold_chain.reports.facts import Facts
from data.core.fingerprint import as_canonical, as_fingerprint, attached_facts, fingerprint

__all__ = ["as_canonical", "as_fingerprint", "attached_facts", "canonical", "fingerprint"]


def canonical(facts: Facts) -> bytes:
    """The facts as they are hashed, and as they travel with the document."""
    return as_canonical(facts)
