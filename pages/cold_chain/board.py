"""What one person wants to see of a site, an area, a unit or all of it, arranged by themselves; several arrangements each."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from nicegui import events, ui

from data.cold_chain import boards
from data.cold_chain.boards import RANGES, Board, EntityType, Panel
from data.cold_chain.commands import layouts as commands
from data.cold_chain.queries import layouts
from data.cold_chain.tables import EntityDashboardLayout
from data.core.errors import NotFound, Refusal
from pages._shell import Looker, field_errors, screen
from pages.cold_chain._panels import KIND_WORDS, Around, add_panel, draw
from ui.dialog import confirm, panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.words import _, noop

RANGE_WORDS = {"24h": noop("24 hours"), "7d": noop("7 days"), "30d": noop("30 days")}
BACK = {EntityType.UNIT: "/cold-chain/units/{id}", EntityType.SITE: "/cold-chain?site={id}"}


@screen("/cold-chain/board", title="Board", place="cold_chain", permission="cold_chain.view")
async def whole_board(look: Looker, layout: int | None = None) -> None:
    assert look.actor.organization_id
    await _Arranged(look, EntityType.ORGANIZATION, look.actor.organization_id).open(layout)


@screen("/cold-chain/board/{entity_type}/{entity_id:uuid}", title="Board", place="cold_chain", permission="cold_chain.view")
async def board(look: Looker, entity_type: str, entity_id: UUID, layout: int | None = None) -> None:
    if entity_type not in set(EntityType):
        raise NotFound("There is no such board.")
    await _Arranged(look, EntityType(entity_type), entity_id).open(layout)


class _Arranged:
    """One person's boards of one thing: the chosen one drawn, and changed in place while it is being arranged."""

    def __init__(self, look: Looker, entity_type: EntityType, entity_id: UUID) -> None:
        self._look, self._type, self._id = look, entity_type, entity_id
        self._layouts: Sequence[EntityDashboardLayout] = ()
        self._chosen: EntityDashboardLayout | None = None
        self._board = boards.usual(entity_type)
        self._is_arranging = False

    async def open(self, slot: int | None) -> None:
        look = self._look
        assert look.frame
        async with look.transaction() as tx:
            name = await layouts.name_of(tx, self._type, self._id)
        look.frame.set_title(_("Board of {name}", name=name) if name else _("Board"))
        await self._load(slot)
        with look.frame.actions:
            self._actions = ui.element("div").classes("st-row")
        self._tabs = ui.element("nav").classes("st-row").props(f'aria-label="{_("Layouts")}"')
        self._space = ui.element("div")
        await self._draw()

    async def _load(self, slot: int | None) -> None:
        async with self._look.transaction() as tx:
            self._layouts = await layouts.layouts(tx, self._type, self._id)
        first = next((one for one in self._layouts if one.is_user_default), None)
        self._chosen = next((one for one in self._layouts if one.slot_number == slot), first)
        if self._chosen:
            self._board = boards.read(self._chosen.layout, self._chosen.widget_preferences, self._chosen.timeline_state)

    async def _draw(self) -> None:
        with self._actions.clear():
            self._draw_actions()
        with self._tabs.clear():
            self._draw_tabs()
        with self._space.clear():
            if not self._board.panels:
                empty_state(_("This board is empty."), _("Add the first panel."), icon="dashboard", action=_("Add a panel"), on_action=self._add)
                return
            with ui.row().classes("st-board" + (" is-arranging" if self._is_arranging else "")) as row:
                for place, one in enumerate(self._board.panels):
                    await self._draw_panel(place, one)
            if self._is_arranging:
                row.make_sortable(handle=".st-grip", on_end=self._dropped)

    def _draw_actions(self) -> None:
        if self._type is not EntityType.ORGANIZATION:
            button(_("Back"), kind="quiet", icon="arrow_back", href=BACK.get(self._type, "/cold-chain").format(id=self._id))
        if self._is_arranging:
            button(_("Add a panel"), self._add, icon="add")
            button(_("Done"), self._stop, kind="primary", icon="check")
        else:
            button(_("Arrange"), self._arrange, icon="dashboard_customize")

    def _draw_tabs(self) -> None:
        base = "/cold-chain/board" if self._type is EntityType.ORGANIZATION else f"/cold-chain/board/{self._type.value}/{self._id}"
        for one in self._layouts if len(self._layouts) > 1 or self._is_arranging else ():
            is_chosen = self._chosen is not None and one.id == self._chosen.id
            link = ui.link(one.name, f"{base}?layout={one.slot_number}").classes("st-way" + (" is-here" if is_chosen else ""))
            if is_chosen:
                link.props("aria-current=page")
        if self._is_arranging and self._chosen:
            button(_("New layout"), self._new, icon="add", kind="quiet")
            button(_("Rename"), self._rename, icon="edit", kind="quiet")
            if not self._chosen.is_user_default:
                button(_("Show this one first"), self._first, icon="star", kind="quiet")
            button(_("Delete"), self._delete, icon="delete", kind="quiet")
        ui.element("div").classes("st-grow")
        ranges = {one: _(RANGE_WORDS[one]) for one in RANGES}
        ui.toggle(ranges, value=self._board.range, on_change=self._range).props("no-caps unelevated").classes("st-choices")

    async def _draw_panel(self, place: int, one: Panel) -> None:
        with ui.element("section").classes(f"st-card st-board-panel is-w{one.width}"):
            with ui.element("div").classes("st-head"):
                if self._is_arranging:
                    ui.icon("drag_indicator").classes("st-grip").props("aria-hidden=true")
                ui.label(_(KIND_WORDS[one.kind])).classes("st-h2").props("role=heading aria-level=2")
                if self._is_arranging:
                    ui.element("span").classes("st-grow")
                    self._tools(place, one)
            await draw(Around(self._look, self._type, self._id, self._board.range), one)

    def _tools(self, place: int, one: Panel) -> None:
        """What dragging does, for keyboards and screen readers, and the panel's width."""
        last = len(self._board.panels) - 1
        for icon, words, change, is_off in (
            ("arrow_upward", _("Earlier"), lambda: boards.move(self._board, one.id, place - 1), place == 0),
            ("arrow_downward", _("Later"), lambda: boards.move(self._board, one.id, place + 1), place == last),
            ("close_fullscreen", _("Narrower"), lambda: boards.resize(self._board, one.id, -1), one.width == 1),
            ("open_in_full", _("Wider"), lambda: boards.resize(self._board, one.id, 1), one.width == boards.WIDEST),
            ("close", _("Take away"), lambda: boards.remove(self._board, one.id), False),
        ):
            tool = ui.button(icon=icon, on_click=lambda _event, change=change: self._keep(change())).props(f'flat round dense aria-label="{words}"')
            tool.set_enabled(not is_off)

    async def _keep(self, board: Board, *, redraw: bool = True) -> None:
        before, self._board = self._board, board
        async with self._look.command() as tx:
            assert self._chosen
            await commands.save_board(tx, self._chosen.id, board)
            before = board
        self._board = before
        if redraw or self._board is not board:
            await self._draw()

    async def _dropped(self, event: events.SortableEventArguments) -> None:
        await self._keep(boards.move(self._board, self._board.panels[event.old_index].id, event.new_index))

    async def _arrange(self) -> None:
        """Whoever arranges for the first time gets a layout of their own, beginning with what they see."""
        if self._chosen is None:
            async with self._look.command() as tx:
                await commands.create_layout(tx, self._type, self._id, name=_("My layout"), board=self._board)
            await self._load(None)
        self._is_arranging = self._chosen is not None
        await self._draw()

    async def _stop(self) -> None:
        self._is_arranging = False
        await self._draw()

    async def _range(self, event: events.ValueChangeEventArguments[str]) -> None:
        board = Board(self._board.panels, str(event.value))
        if self._chosen:
            await self._keep(board)
        else:
            self._board = board
            await self._draw()

    async def _add(self) -> None:
        if not self._is_arranging:
            await self._arrange()
        await add_panel(Around(self._look, self._type, self._id, self._board.range), self._added)

    async def _added(self, one: Panel) -> None:
        await self._keep(boards.add(self._board, one))

    async def _new(self) -> None:
        async def save(name: str) -> None:
            async with self._look.transaction() as tx:
                made = await commands.create_layout(tx, self._type, self._id, name=name, board=self._board)
            await self._load(made.slot_number)

        self._ask_name(_("New layout"), "", save)

    async def _rename(self) -> None:
        assert self._chosen
        chosen = self._chosen

        async def save(name: str) -> None:
            async with self._look.transaction() as tx:
                await commands.rename_layout(tx, chosen.id, name=name)
            await self._load(chosen.slot_number)

        self._ask_name(_("Rename"), chosen.name, save)

    def _ask_name(self, title: str, name: str, save: Callable[[str], Awaitable[None]]) -> None:
        with panel(title) as dialog:
            with Form() as form:
                form.text("name", _("Name"), name, required=True)

            async def send(values: dict[str, str]) -> dict[str, str] | None:
                try:
                    await save(values["name"])
                except Refusal as reason:
                    return field_errors(reason)
                dialog.close()
                await self._draw()
                return None

            form.buttons(_("Save"), send, on_cancel=dialog.close)
        dialog.open()

    async def _first(self) -> None:
        assert self._chosen
        async with self._look.command() as tx:
            await commands.show_first(tx, self._chosen.id)
        await self._load(self._chosen.slot_number)
        await self._draw()

    async def _delete(self) -> None:
        assert self._chosen
        if not await confirm(_("Delete this layout?"), action=_("Delete"), goes=[self._chosen.name]):
            return
        async with self._look.command() as tx:
            await commands.delete_layout(tx, self._chosen.id)
        self._board = boards.usual(self._type)
        await self._load(None)
        self._is_arranging = self._chosen is not None
        await self._draw()
