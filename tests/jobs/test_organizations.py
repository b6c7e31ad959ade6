"""A job that fails for one organization is done for all the others, and is known to have failed."""

import pytest

from data.core.session import Transaction
from jobs.organizations import in_each
from tests.factories.people import World


@pytest.mark.parametrize("broken", [0, 1])
async def test_one_organizations_trouble_keeps_no_other_waiting(world: World, broken: int) -> None:
    whose = [world.organization.id, world.other.id]
    done = []

    async def work(tx: Transaction) -> None:
        if tx.organization_id == whose[broken]:
            raise ValueError("its rows are odd")
        done.append(tx.organization_id)

    with pytest.raises(ExceptionGroup, match="1 organizations"):
        await in_each("tests", whose, work)
    assert done == [whose[1 - broken]]


async def test_what_works_for_all_raises_nothing(world: World) -> None:
    done = []

    async def work(tx: Transaction) -> None:
        done.append(tx.organization_id)

    await in_each("tests", [world.organization.id, world.other.id], work)
    assert done == [world.organization.id, world.other.id]
