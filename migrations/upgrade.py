"""Brings a database up to date: first the two roles that the application lives as, then the tables."""

import base64
import hashlib
import hmac
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url

from migrations.ddl import APP, SWEEP

HERE = Path(__file__).parent


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
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(hashtext('steading migrations'))"))
            _ensure_roles(connection, secret_key)
            command.upgrade(alembic_config(connection), "head")
    finally:
        engine.dispose()


def alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def _ensure_roles(connection: Connection, secret_key: str) -> None:
    for role in (APP, SWEEP):
        password = role_password(role, secret_key)  # url-safe characters only, so that it may stand in a literal
        exists = connection.execute(text("select true from pg_roles where rolname = :r"), {"r": role}).scalar()
        verb = "alter" if exists else "create"
        connection.exec_driver_sql(f"{verb} role {role} login nosuperuser nocreatedb nocreaterole nobypassrls password '{password}'")
