"""Which limits held when: for the picture of a unit's past, and for counting what was outside of them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from data.cold_chain.limits import HIGH, LOW, Change, Scope, Span, spans
from data.cold_chain.values import UnitType
from data.core import columns
from data.core.session import Transaction

_SAID = text(f"""
select u.id, u.organization_id, a.site_id, u.unit_type::text,
  own.{LOW}, own.{HIGH}, of_site.{LOW}, of_site.{HIGH}, of_all.{LOW}, of_all.{HIGH}
from cold_chain.units u
join cold_chain.areas a on a.organization_id = u.organization_id and a.id = u.area_id
left join cold_chain.alert_rules own on own.organization_id = u.organization_id and own.unit_id = u.id
left join cold_chain.alert_rules of_site on of_site.organization_id = u.organization_id and of_site.site_id = a.site_id
left join cold_chain.alert_rules of_all
  on of_all.organization_id = u.organization_id and of_all.unit_id is null and of_all.site_id is null
where u.id = any(:units)
""")

_CHANGES = text(f"""
select organization_id, unit_id, site_id, changed_at, old_values, new_values from cold_chain.alert_rules_history
where organization_id = any(:organizations) and changed_at > :since and (unit_id is null or unit_id = any(:units))
  and (old_values ?| array['{LOW}', '{HIGH}'] or new_values ?| array['{LOW}', '{HIGH}'])
order by changed_at, id
""")


async def limits(tx: Transaction, unit_ids: Collection[UUID], since: datetime) -> Mapping[UUID, Sequence[Span]]:
    """The limits of these units, right from `since` on; a unit that is gone for good is not in the answer."""
    units = (await tx.execute(_SAID, {"units": columns.ids(unit_ids)})).all()
    values = {"organizations": columns.ids({u.organization_id for u in units}), "units": columns.ids(unit_ids), "since": since}
    changes: dict[tuple[UUID, Scope, UUID | None], list[Change]] = defaultdict(list)
    for organization_id, unit_id, site_id, changed_at, old, new in await tx.execute(_CHANGES, values):
        scope: Scope = "unit" if unit_id else "site" if site_id else "organization"
        before = {name: old.get(name) for name in {*old, *new}}
        changes[organization_id, scope, unit_id or site_id].append(Change(changed_at, scope, before))
    found = {}
    for unit_id, organization_id, site_id, unit_type, *said in units:
        said_by: dict[Scope, dict[str, Any]] = {
            "unit": {LOW: said[0], HIGH: said[1]}, "site": {LOW: said[2], HIGH: said[3]},
            "organization": {LOW: said[4], HIGH: said[5]},
        }  # fmt: skip
        its = [
            *changes[organization_id, "unit", unit_id], *changes[organization_id, "site", site_id],
            *changes[organization_id, "organization", None],
        ]  # fmt: skip
        found[unit_id] = spans(UnitType(unit_type), said_by, its)
    return found
