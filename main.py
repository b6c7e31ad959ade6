"""Steading from the command line: `run` a living demonstration, `serve` a business, and what keeps both in order."""

import asyncio
import logging
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
import uvicorn
from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware

from data.audit.log import write
from data.cold_chain.reports import commands as report_commands
from data.core import session
from data.core.bus import bus
from data.core.errors import Refusal
from data.core.session import UNREACHABLE, Database, across_tenants
from data.core.settings import Settings
from data.farm.reports import commands as farm_report_commands
from data.farm.rules.detail import Kept
from data.identity import commands as identity
from data.identity.secrets import Seal, use_seal
from data.identity.tables import Organization, Role
from data.platform.commands import use_folder
from jobs import (
    accounts,
    alerts,
    api,
    background,
    backup,
    cold_chain,
    deliveries,
    digests,
    farm,
    metrics,
    outbox,
    provisioning,
    regular,
    telegram,
    tracking,
    trees,
    upkeep,
    verification,
)
from jobs.by_hand import add_commands, stop
from jobs.channels._choice import public_key
from jobs.channels.payments import Payments
from jobs.documents import farm_reports, reports
from jobs.health import memory_mb
from jobs.networks import (
    _refusals,
    assessments,
    chirpstack,
    gateway,
    hub,
    ingest,
    mqtt,
    osmand,
    owntracks,
    stripe,
    telnyx,
    ttn,
)
from jobs.networks._door import intake
from jobs.timetable import Line, Timetable
from migrations.ddl import APP, SWEEP
from migrations.upgrade import UnsafeRole, role_url, upgrade

DOORS = (ttn, chirpstack, hub, ingest, gateway, owntracks, osmand, assessments, stripe, telnyx, api)
JOBS = (upkeep, backup, alerts, cold_chain, metrics, farm, tracking, deliveries, trees, digests, regular, telegram)

cli = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
user_cli = typer.Typer(help="People, from the command line.", no_args_is_help=True)
cli.add_typer(user_cli, name="user")
log = structlog.get_logger()

NOT_THERE: tuple[type[Exception], ...] = (OSError, TimeoutError, *UNREACHABLE)
"""What keeps the doors from opening and is somebody else's: a port, a broker, the database."""

Beside = Callable[[Settings], Any]
"""An asynchronous context that runs beside the application (the MQTT client, the simulated devices)."""


def lines(settings: Settings) -> list[Line]:
    """The whole timetable."""
    return [line for job in JOBS for line in job.timetable(settings)]


def works(settings: Settings) -> dict[str, background.Work]:
    """The kinds of long work that people may ask for, and who does them."""
    from pages.cold_chain._report_sheet import sheet
    from pages.farm._report_sheet import sheet as farm_sheet

    return {
        provisioning.KIND: provisioning.work(settings),
        report_commands.JOB: reports.work(lambda drawn, look, seal: sheet(drawn, look, seal=seal, origin=settings.origin)),
        farm_report_commands.JOB: farm_reports.work(lambda facts, look, seal: farm_sheet(facts, look, seal=seal, origin=settings.origin)),
    }


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database as the application's two roles, with the seal and the folder that belong to it."""
    app_url, sweep_url = (
        role_url(settings.database_url, role, settings.secret_key).render_as_string(hide_password=False)
        for role in (APP, SWEEP)
    )
    database = Database(app_url, sweep_url, write)
    session.use(database)
    use_seal(Seal(settings.secret_key, *filter(None, settings.previous_secret_keys.split(","))))
    use_folder(settings.var_dir / "files")
    try:
        yield database
    finally:
        session.use(None)
        await database.close()


@asynccontextmanager
async def at_work(settings: Settings, table: Sequence[Line], *besides: Beside) -> AsyncIterator[None]:
    """Everything that must run while the doors are open, in order; undone in reverse."""
    conninfo = role_url(settings.database_url, APP, settings.secret_key).set(drivername="postgresql").render_as_string(False)
    timetable = Timetable(table, conninfo, backup.while_leading(settings))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(opened(settings))
        bus.start(conninfo)
        stack.push_async_callback(bus.stop)
        await asyncio.wait_for(bus.is_connected.wait(), 15)
        intake.start()
        stack.push_async_callback(intake.stop)
        await stack.enter_async_context(mqtt.connected(settings))
        timetable.start()
        stack.push_async_callback(timetable.stop)
        worker = background.Background(works(settings))
        worker.start()
        stack.push_async_callback(worker.stop)
        for beside in besides:
            await stack.enter_async_context(beside(settings))
        yield


def compose(settings: Settings, *besides: Beside) -> FastAPI:
    """The application: machines' doors, people's pages, and the gate before the pages."""
    from nicegui import app as pages_app
    from nicegui import ui

    import pages
    from pages import _garbage, _gate, _map, _pace, _shell
    from pages.notifications._account_letters import account_letter
    from pages.notifications._letters import writer
    from ui.live import set_explain
    from ui.map import Tiles
    from ui.theme import install

    table, sending = lines(settings), partial(outbox.running, write=writer(settings.origin))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(at_work(settings, table, sending, *besides))
            except NOT_THERE as reason:  # told by `listen`, in one line
                app.state.failure = (str(reason) or type(reason).__name__).splitlines()[0]
            else:
                _gate.close_pages_of_ended_sessions()
                _garbage.tidy_up(memory_mb)
            yield

    app = FastAPI(title="Steading", lifespan=lifespan, openapi_url=None)
    app.state.failure, app.state.settings = "", settings
    app.state.stripe_webhook_secret = settings.stripe_webhook_secret
    app.state.farm_kept = Kept.for_days(settings.farm_raw_days, settings.farm_hourly_days)
    _refusals.install(app)
    for door in DOORS:
        app.include_router(door.router)

    _refusals.install(pages_app)
    pages_app.state.settings, pages_app.state.has_oidc = settings, bool(settings.oidc_issuer)
    pages_app.state.verify = verification.Verification()
    app.state.accounts = pages_app.state.accounts = accounts.Accounts(settings, account_letter)
    pages_app.state.push_key = public_key(settings)
    app.state.payments = pages_app.state.payments = (
        Payments(settings.stripe_secret_key, settings.origin, settings.stripe_api_url) if settings.stripe_secret_key else None
    )
    set_explain(_shell.explain)
    _map.use_tiles(Tiles(settings.tile_url, settings.tile_attribution))
    install(pages_app)
    pages.open_screens()
    ui.run_with(
        app, title="Steading", favicon=Path(__file__).parent / "ui/static/favicon.svg", reconnect_timeout=30,
        gzip_middleware_factory=None, show_welcome_message=False, tailwind=False,
    )  # fmt: skip
    _gate.guard_sockets()
    app.add_middleware(_gate.Gate, settings=settings)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    _pace.install(app)
    return app


def listen(settings: Settings, app: FastAPI, *, on_ready: Callable[[], None]) -> None:
    """Serve until told to stop; one clear line when the port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as reason:
            stop(f"Port {settings.port} on {settings.host} cannot be used: {reason.strerror}. Choose another with --port.")

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if app.state.failure:
                self.should_exit = True
            elif self.started:
                on_ready()

    config = uvicorn.Config(
        app, host=settings.host, port=settings.port, loop="uvloop", access_log=False, log_level="warning",
        ws_per_message_deflate=False, timeout_graceful_shutdown=3, server_header=False,
    )  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn hands the signal on: what we started ends too
    with suppress(KeyboardInterrupt):
        Server(config).run()
    if app.state.failure:
        stop(f"Steading cannot start: {app.state.failure}")


def set_up_logs() -> None:
    """One line an event; a traceback shows no values of variables, for keys and passwords are among them."""
    structlog.reset_defaults()
    writer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[*structlog.get_config()["processors"][:-1], writer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s [%(levelname)s] %(name)s: %(message)s")


def prepared(settings: Settings) -> None:
    """Bring the database up to date; one clear line when it is not there."""
    from sqlalchemy.exc import OperationalError, ProgrammingError

    try:
        upgrade(settings.database_url, settings.secret_key)
    except OperationalError as reason:
        stop(f"The database does not answer: {str(reason.orig).strip().splitlines()[0]}")
    except (ProgrammingError, UnsafeRole) as reason:
        stop(f"The database cannot be brought up to date: {str(getattr(reason, 'orig', reason)).strip().splitlines()[0]}")


@contextmanager
def embedded_database(var_dir: Path) -> Iterator[str]:
    """The embedded PostgreSQL under `var_dir`; one clear line when it does not start."""
    from data.core.embedded import EmbeddedFailed, embedded

    try:
        with embedded(var_dir / "pg") as server:
            yield server.database("steading")
    except EmbeddedFailed as reason:
        stop(str(reason))
    except OSError as reason:
        stop(f"{var_dir} cannot be used: {reason.strerror}")


def kept_key(var_dir: Path) -> str:
    """The demonstration's own secret key, made once."""
    file = var_dir / "secret_key"
    if not file.exists():
        var_dir.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(48))
    return file.read_text()


@cli.command()
def run(
    port: Annotated[int, typer.Option(help="Where the pages are served.")] = 8080,
    mqtt_port: Annotated[int, typer.Option(help="Where the embedded MQTT broker listens.")] = 1883,
    var_dir: Annotated[Path, typer.Option(help="Where the database and the files live.")] = Path("var"),
    devices: Annotated[bool, typer.Option(help="Start the simulated devices.")] = True,
) -> None:
    """Start all of it on this machine: embedded database and broker, a demonstration business, simulated devices."""
    from jobs import demonstration
    from ui.map import use_overlay

    set_up_logs()
    try:
        key = kept_key(var_dir)
    except OSError as reason:
        stop(f"{var_dir} cannot be used: {reason.strerror}")
    with embedded_database(var_dir) as database_url:
        settings = Settings(
            _env_file=None, database_url=database_url, secret_key=key, port=port, mqtt_port=mqtt_port, var_dir=var_dir,
            demonstration=True, backup_days=2, **(demonstration.SETTINGS if devices else {}),
        )  # type: ignore[call-arg]  # fmt: skip
        prepared(settings)
        asyncio.run(_with_database(settings, lambda: demonstration.ensure_world(settings)))
        app = compose(settings, *((demonstration.simulated,) if devices else ()))
        use_overlay(demonstration.streets())
        listen(settings, app, on_ready=lambda: typer.echo(demonstration.welcome(settings)))


@cli.command()
def serve() -> None:
    """Serve a business: your own database, key and address, from the environment."""
    set_up_logs()
    settings = Settings()  # type: ignore[call-arg]
    if missing := settings.missing_for_service():
        stop("Steading cannot serve yet. These settings are missing:", *(f"  {line}" for line in missing))
    prepared(settings)
    try:
        app = compose(settings)
    except Refusal as refusal:
        stop(f"A setting cannot be read: {refusal}")
    listen(settings, app, on_ready=lambda: typer.echo(f"Steading serves {settings.origin}"))


@cli.command()
def migrate() -> None:
    """Bring the database in DATABASE_URL up to date."""
    _with_a_database()
    typer.echo("The database is up to date.")


@user_cli.command("add")
def user_add(
    email: Annotated[str, typer.Option(prompt=True)],
    name: Annotated[str, typer.Option(prompt=True)],
    organization: Annotated[str, typer.Option(prompt=True, help="Its short name; made when there is none.")],
    role: Annotated[Role, typer.Option(help="What the person is there.")] = Role.OWNER,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
    platform_admin: Annotated[bool, typer.Option("--platform-admin", help="May look into every organization, to help.")] = False,
) -> None:
    """Add a person, and the organization if it is new."""

    async def add() -> None:
        from sqlmodel import select

        async with across_tenants("user add") as tx:
            found = (await tx.exec(select(Organization).where(Organization.slug == organization))).first()
            place = found or await identity.create_organization(tx, name=organization, slug=organization)
            person = await identity.create_user(tx, name=name, email=email, password=password, is_platform_admin=platform_admin)
            await identity.give_role(tx, person.id, role=role, organization_id=place.id)

    try:
        asyncio.run(_with_database(_with_a_database(), add))
    except Refusal as refusal:
        stop(str(refusal))
    typer.echo(f"{name} may now sign in as {email}.")


def _with_a_database() -> Settings:
    settings = Settings()  # type: ignore[call-arg]
    if missing := [line for line in settings.missing_for_service() if not line.startswith("PUBLIC_URL")]:
        stop(*missing)
    prepared(settings)
    return settings


async def _with_database(settings: Settings, work: Callable[[], Awaitable[Any]]) -> Any:
    async with opened(settings):
        return await work()


add_commands(cli, _with_a_database, _with_database)

if __name__ == "__main__":
    cli()
