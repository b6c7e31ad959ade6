"""Jobs, customers and billing profiles have numbers that people say aloud; no two are given out alike."""

from typing import cast

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from data.core.session import Transaction
from data.trees.tables import RuntimeCounter


async def one_at_a_time(tx: Transaction, name: str) -> None:
    """Let one transaction after the other do what takes these numbers, so that each sees what the former made."""
    start = insert(RuntimeCounter).values(organization_id=tx.organization_id, counter_name=name, last_value=0)
    await tx.execute(start.on_conflict_do_nothing())
    await tx.exec(select(RuntimeCounter).where(RuntimeCounter.counter_name == name).with_for_update())


async def next_number(tx: Transaction, name: str, prefix: str) -> str:
    """The next one, such as J0001. Holds the counter until the commit, so numbers have no gaps and no twins."""
    first = insert(RuntimeCounter).values(organization_id=tx.organization_id, counter_name=name, last_value=1)
    counted = first.on_conflict_do_update(
        index_elements=["organization_id", "counter_name"], set_={"last_value": col(RuntimeCounter.last_value) + 1}
    )
    number = cast(int, (await tx.execute(counted.returning(col(RuntimeCounter.last_value)))).scalar_one())
    return f"{prefix}{number:04d}"
