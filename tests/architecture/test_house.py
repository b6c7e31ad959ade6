"""The house rules that a machine can check."""

import csv
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Enum, create_engine

import data.tables  # noqa: F401 - every table is known
import pages
from data.core.table import SCHEMAS, metadata
from data.identity.permissions import PERMISSIONS
from migrations.upgrade import url

ROOT = Path(__file__).parents[2]
CODE = [p for folder in ("ui", "pages", "data", "jobs", "migrations", "tests") for p in (ROOT / folder).rglob("*.py")] + [ROOT / "main.py"]
NAMELESS = {"utils", "helpers", "common", "misc", "base", "manager", "service", "services", "handlers", "util"}
LARGEST = 400


def lines_of(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_no_module_holds_two_ideas() -> None:
    too_long = {str(p.relative_to(ROOT)): n for p in CODE if "versions" not in p.parts and (n := lines_of(p)) > LARGEST}
    assert too_long == {}


def test_every_module_has_a_name_that_says_something() -> None:
    assert [p for p in CODE if p.stem.strip("_") in NAMELESS] == []


def test_every_module_that_is_not_a_test_opens_with_a_sentence() -> None:
    silent = [
        str(p.relative_to(ROOT))
        for p in CODE
        if "tests" not in p.parts and p.read_text().strip() and not p.read_text().lstrip().startswith('"""')
    ]
    assert silent == []


def test_only_the_session_commits() -> None:
    guilty = [str(p.relative_to(ROOT)) for p in CODE if "tests" not in p.parts and re.search(r"\.commit\(", p.read_text())]
    assert guilty == ["data/core/session.py"]


def test_what_sees_every_tenant_is_opened_only_where_nobody_is_known_yet_or_by_jobs() -> None:
    identity = ("door", "support", "second_factor", "programs", "inspectors", "commands", "proof", "signing_up", "own_email")
    allowed = (*(f"data/identity/{name}.py" for name in identity), "data/core/session.py", "main.py", "jobs/")
    guilty = [
        name
        for p in CODE
        if "tests" not in p.parts
        and not (name := str(p.relative_to(ROOT))).startswith(allowed)
        and re.search(r"across_tenants\(", p.read_text())
    ]
    assert guilty == []


def test_the_whole_product_speaks_of_no_index_and_no_machine() -> None:
    host = re.compile("|".join(["python" + "hosted", r"pypi\.or" + "g", r"npmjs\.or" + "g", r"deb\.deb" + "ian", "/wor" + "k/"]))
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    guilty = [
        name
        for name in tracked
        if (ROOT / name).suffix not in {".woff2", ".png", ".jpg", ".json", ".topojson", ".geojson"}
        and (ROOT / name).is_file()
        and host.search((ROOT / name).read_text(errors="ignore"))
    ]
    assert guilty == []


def test_every_screen_is_listed_and_exists() -> None:
    there = {
        ".".join(p.relative_to(ROOT / "pages").with_suffix("").parts)
        for p in (ROOT / "pages").rglob("*.py")
        if not p.stem.startswith("_") and p.parent != ROOT / "pages"
    }
    assert there == set(pages.SCREENS)


@cache
def composed() -> dict[str, list[str]]:
    """The paths and the modules of a process that serves a business; it is composed once in a process."""
    code = (
        "import json, sys, main; from data.core.settings import Settings; from nicegui import app;"
        "main.compose(Settings(_env_file=None, database_url='postgresql://x', secret_key='x' * 40, public_url='http://x'));"
        "print(json.dumps({'paths': [getattr(r, 'path', '') for r in app.routes], 'modules': list(sys.modules)}))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def test_every_place_in_the_menu_has_a_route_and_a_known_permission() -> None:
    assert [i.href for i in pages.MENU if i.href not in composed()["paths"]] == []
    assert {i.permission for i in pages.MENU if i.permission} <= set(PERMISSIONS)


def test_every_permission_that_code_asks_for_is_in_the_matrix() -> None:
    asked = {
        name
        for p in CODE
        if "tests" not in p.parts
        for name in re.findall(r"(?:require|may|scopes)\(\s*\"([a-z_]+\.[a-z_]+)\"", p.read_text())
    }
    assert asked <= set(PERMISSIONS)


def test_every_module_of_jobs_is_in_the_timetable() -> None:
    import main

    with_lines = {f"jobs.{p.stem}" for p in (ROOT / "jobs").glob("*.py") if re.search(r"^def timetable\(", p.read_text(), re.M)}
    assert with_lines == {job.__name__ for job in main.JOBS}


def test_every_door_is_open() -> None:
    import main

    doors = {f"jobs.networks.{p.stem}" for p in (ROOT / "jobs/networks").glob("*.py") if re.search(r"^router\s*=", p.read_text(), re.M)}
    assert doors | {"jobs.api"} == {door.__name__ for door in main.DOORS}


def test_every_part_of_the_interface_for_programs_is_open() -> None:
    from jobs import api

    assert {f"jobs.api.{p.stem}" for p in (ROOT / "jobs/api").glob("[a-z]*.py")} == {part.__name__ for part in api.PARTS}


def test_serving_a_business_never_reaches_the_demonstration() -> None:
    assert [name for name in composed()["modules"] if "demonstration" in name] == []


def test_migrations_make_exactly_the_tables_that_the_code_knows(database_url: str) -> None:
    engine = create_engine(url(database_url))

    def is_ours(name: str | None, kind: str, parents: dict[str, str | None]) -> bool:
        if kind == "schema":
            return name in SCHEMAS
        return kind != "table" or f"{parents['schema_name']}.{name}" in metadata.tables

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_schemas": True, "include_name": is_ours, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_migrations_know_every_word_that_the_code_knows(owner_connection: psycopg.Connection) -> None:
    """Which words a set has is nothing that the comparison of tables looks at."""
    kept: dict[str, set[str]] = {}
    words = "select n.nspname || '.' || t.typname, e.enumlabel from pg_enum e join pg_type t on t.oid = e.enumtypid"
    for name, word in owner_connection.execute(f"{words} join pg_namespace n on n.oid = t.typnamespace"):
        kept.setdefault(name, set()).add(word)
    known = {
        f"{column.type.schema}.{column.type.name}": set(column.type.enums)
        for table in metadata.tables.values() for column in table.columns if isinstance(column.type, Enum)
    }  # fmt: skip
    assert {name: words for name, words in known.items() if kept.get(name) != words} == {}


TABLES = """
select n.nspname || '.' || c.relname, c.relrowsecurity and c.relforcerowsecurity, c.relispartition,
  exists (select from pg_policy p join pg_roles r on r.oid = any(p.polroles) where p.polrelid = c.oid and r.rolname = 'steading_app'),
  has_table_privilege('steading_app', c.oid, 'select, insert, update, delete')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname = any(%s)
"""


def test_every_table_is_walled_and_no_piece_of_one_can_be_reached_by_itself(owner_connection: psycopg.Connection) -> None:
    rows = owner_connection.execute(TABLES, [list(SCHEMAS)]).fetchall()
    assert len(rows) > 60
    assert [name for name, walled, *_ in rows if not walled] == []
    assert [name for name, _, is_piece, has_policy, _ in rows if not is_piece and not has_policy] == []
    assert [name for name, _, is_piece, _, reachable in rows if is_piece and reachable] == []


def test_every_tenant_table_lets_only_its_own_organization_through(owner_connection: psycopg.Connection) -> None:
    """A policy of `true` is for the installation's own tables, which hold nobody's rows."""
    open_tables = {
        name
        for (name,) in owner_connection.execute(
            "select schemaname || '.' || tablename from pg_policies where 'steading_app' = any(roles) and qual = 'true'"
        )
    }
    owned = {f"{t.schema}.{t.name}" for t in metadata.tables.values() if "organization_id" in t.columns}
    assert open_tables & owned == set()


SEED_MAP = ROOT / "docs/seed_map.csv"


def test_what_the_seed_map_points_to_is_there(owner_connection: psycopg.Connection) -> None:
    columns = set()
    for schema, table, column in owner_connection.execute("select table_schema, table_name, column_name from information_schema.columns"):
        columns |= {f"{schema}.{table}", f"{schema}.{table}.{column}"}
    with SEED_MAP.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["system", "table", "column", "target", "note"]
    assert [r for r in rows if r["target"] and r["target"] not in columns] == []
    assert [r for r in rows if not r["target"] and not r["note"]] == []
    assert {r["system"] for r in rows} == {"tracker", "coldchain", "trees", "delivery", "farm"}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_schema_is_a_domain(schema: str) -> None:
    assert (ROOT / "data" / schema).is_dir()
