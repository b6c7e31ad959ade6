"""Brings a database up to date: first the two roles that the application lives as, then the tables."""

import base64
import hashlib
import hmac
import random
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from psycopg.errors import DuplicateObject, InternalError_, UniqueViolation
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DBAPIError

from migrations.ddl import APP, SWEEP

HERE = Path(__file__).parent
TRIES = 10
AT_THE_SAME_MOMENT = (InternalError_, UniqueViolation, DuplicateObject)
"""What PostgreSQL says to whoever changes a role that another transaction is changing ("tuple concurrently updated")."""


def url(database_url: str) -> URL:
    """The address with our driver, whichever way it was written."""
    return make_url(database_url).set(drivername="postgresql+psycopg")


def role_url(database_url: str, role: str, secret_key: str) -> URL:
    """The same database as one of our two roles; its password is derived from the installation's key."""
    return url(database_url).set(username=role, password=role_password(role, secret_key))


def role_password(role: str, secret_key: str) -> str:
    digest = hmac.new(secret_key.encode(), f"database role {role}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def upgrade(database_url: str, secret_key: str) -> None:
    """Make or update the roles and run every migration that is missing, as the owner. One at a time per database."""
    engine = create_engine(url(database_url))
    try:
        _in_turn(engine, secret_key)
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(hashtext('steading migrations'))"))
            command.upgrade(alembic_config(connection), "head")
    finally:
        engine.dispose()


def _in_turn(engine: Engine, secret_key: str) -> None:
    """Make or update the roles. They belong to all databases of a server, further than a lock reaches: of several processes
    that start at the same moment, one goes first and the others try again."""
    for tries_left in range(TRIES - 1, -1, -1):
        try:
            with engine.begin() as connection:
                ensure_roles(connection, secret_key)
            return
        except DBAPIError as reason:
            if not tries_left or not isinstance(reason.orig, AT_THE_SAME_MOMENT):
                raise
            time.sleep(random.uniform(0.05, 0.3))


def alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    config.attributes["connection"] = connection
    return config


class UnsafeRole(RuntimeError):
    """One of the two roles could step past the wall; nothing is served with it."""


def ensure_roles(connection: Connection, secret_key: str) -> None:
    """Make both, or give them the passwords that follow from the key. What else a role may do only a superuser can change."""
    for role in (APP, SWEEP):
        password = role_password(role, secret_key)  # url-safe characters only, so that it may stand in a literal
        found = connection.execute(
            text("select rolsuper or rolbypassrls or rolcreaterole from pg_roles where rolname = :r"), {"r": role}
        ).scalar()
        if found:
            raise UnsafeRole(f"the role {role} has rights that step past row-level security; take them away or drop it")
        connection.exec_driver_sql(f"{'create' if found is None else 'alter'} role {role} login password '{password}'")
