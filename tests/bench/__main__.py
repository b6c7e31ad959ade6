"""`make bench`: every figure that was aimed at, beside something simpler measured on the same machine, as one table."""

import time
from importlib import import_module
from typing import Annotated

import typer
import uvloop

from tests.bench.figures import Figure, table
from tests.bench.stage import Stage, stage

BENCHES = ("intake", "live", "map", "chart", "years", "farm_years", "sustained", "sweep", "outbox", "due", "report", "clients", "tap", "mqtt")

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command(help=__doc__)
def bench(
    names: Annotated[list[str] | None, typer.Argument(help=f"Which of {', '.join(BENCHES)}; all unless named.")] = None,
    quick: Annotated[bool, typer.Option("--quick", "-q", help="Small sizes, to see that it works; no figures to rely on.")] = False,
) -> None:
    if unknown := set(names or ()) - set(BENCHES):
        raise typer.BadParameter(f"there is no bench {', '.join(sorted(unknown))}")
    found: list[Figure] = []
    with stage(is_quick=quick) as here:
        for name in names or BENCHES:
            started = time.perf_counter()
            found += uvloop.run(_figures(name, here))
            typer.echo(f"{name}: {time.perf_counter() - started:.0f} s", err=True)
    typer.echo(table(found))


async def _figures(name: str, here: Stage) -> list[Figure]:
    found: list[Figure] = await import_module(f"tests.bench.{name}").figures(here)
    return found


if __name__ == "__main__":
    cli()
