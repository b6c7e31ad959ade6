"""People arrange their own boards, several of each thing, and nobody else's."""

from uuid import uuid4

import pytest

from data.cold_chain import boards
from data.cold_chain.boards import Board, EntityType, Panel, PanelKind
from data.cold_chain.commands import layouts as commands
from data.cold_chain.queries import layouts
from data.core.actor import Actor
from data.core.errors import Conflict, Invalid, NotFound
from data.core.session import transaction
from tests.factories.cold_chain import ColdStore, cold_store
from tests.factories.people import World

UNIT = uuid4()
A, B, C = Panel(PanelKind.COUNTS, "a", 4), Panel(PanelKind.CHART, "b", 2, UNIT), Panel(PanelKind.NOTE, "c", 1, text="Ring the dairy")


def ids(board: Board) -> str:
    return "".join(one.id for one in board.panels)


def test_what_is_written_reads_back_the_same() -> None:
    board = Board((A, B, C), "7d")
    assert boards.read(*boards.written(board)) == board


@pytest.mark.parametrize(("panel", "to", "order"), [("a", 2, "bca"), ("c", 0, "cab"), ("b", 9, "acb"), ("b", -3, "bac"), ("x", 0, "abc")])
def test_a_panel_goes_to_its_place(panel: str, to: int, order: str) -> None:
    assert ids(boards.move(Board((A, B, C)), panel, to)) == order


def test_a_panel_is_never_wider_than_the_board_nor_nothing() -> None:
    board = Board((A, C))
    assert [one.width for one in boards.resize(boards.resize(board, "a", 1), "c", -1).panels] == [4, 1]


def test_what_nobody_knows_any_more_is_left_out_and_odd_values_are_mended() -> None:
    layout = {"panels": [{"id": "x", "kind": "hologram"}, {"id": "a", "kind": "counts", "width": 99}, "nonsense", {"kind": "note"}]}
    assert boards.read(layout, {"a": 3}, {"range": "1000y"}) == Board((A,))


def test_a_note_without_words_is_refused_and_so_is_one_panel_too_many() -> None:
    with pytest.raises(Invalid) as refusal:
        boards.add(Board(()), Panel(PanelKind.NOTE, text="  "))
    assert refusal.value.field == "text"
    full = Board(tuple(Panel(PanelKind.COUNTS, str(i)) for i in range(boards.MOST_PANELS)))
    with pytest.raises(Invalid):
        boards.add(full, A)


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


async def made(who: Actor, store: ColdStore, name: str = "Mine"):  # type: ignore[no-untyped-def]
    async with transaction(who) as tx:
        return await commands.create_layout(tx, EntityType.SITE, store.site_id, name=name)


async def test_the_first_layout_is_shown_first_until_another_is_chosen(world: World, store: ColdStore) -> None:
    one, two = await made(world.viewer, store), await made(world.viewer, store, "Phone")
    async with transaction(world.viewer) as tx:
        await commands.show_first(tx, two.id)
    async with transaction(world.viewer) as tx:
        found = await layouts.layouts(tx, EntityType.SITE, store.site_id)
        assert [(x.name, x.slot_number, x.is_user_default) for x in found] == [("Mine", 1, False), ("Phone", 2, True)]
        await commands.delete_layout(tx, two.id)
    async with transaction(world.viewer) as tx:
        assert [x.is_user_default for x in await layouts.layouts(tx, EntityType.SITE, store.site_id)] == [True]
        assert one.id == (await layouts.layouts(tx, EntityType.SITE, store.site_id))[0].id


async def test_a_saved_board_comes_back(world: World, store: ColdStore) -> None:
    mine = await made(world.colleague, store)
    async with transaction(world.colleague) as tx:
        await commands.save_board(tx, mine.id, Board((A, C), "30d"))
    async with transaction(world.colleague) as tx:
        found = await layouts.layout(tx, mine.id)
        assert boards.read(found.layout, found.widget_preferences, found.timeline_state) == Board((A, C), "30d")


async def test_nobody_sees_or_changes_anothers(world: World, store: ColdStore) -> None:
    mine = await made(world.colleague, store)
    for other in (world.owner, world.stranger):
        async with transaction(other) as tx:
            assert await layouts.layouts(tx, EntityType.SITE, store.site_id) == []
            for act in (commands.save_board(tx, mine.id, Board(())), commands.delete_layout(tx, mine.id), commands.rename_layout(tx, mine.id, name="x")):
                with pytest.raises(NotFound):
                    await act
    with pytest.raises(NotFound):
        await made(world.stranger, store)


async def test_ten_layouts_are_enough_and_a_name_is_needed(world: World, store: ColdStore) -> None:
    for place in range(commands.MOST_LAYOUTS):
        await made(world.owner, store, f"Layout {place}")
    with pytest.raises(Conflict):
        await made(world.owner, store)
    with pytest.raises(Invalid):
        await made(world.viewer, store, "  ")
