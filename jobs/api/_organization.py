"""What is asked of one organization stands under its id; who does not belong to it finds nothing there."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from jobs.api._door import door

ORGANIZATION = "/api/orgs/{organization_id}"


def _named(organization_id: Annotated[str, Path(description="Whose it is; 404 where one does not belong to it.")]) -> None:
    """Has the description tell of it; `_door.actor_of` is who looks it up."""


def of_organization(path: str, tag: str) -> APIRouter:
    """A part's router beneath an organization."""
    router = door(ORGANIZATION + path, tag)
    router.dependencies.append(Depends(_named))
    return router
