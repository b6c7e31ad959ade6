"""What people write down by hand and what they did, over the JSON interface, with pictures."""

import io
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from PIL import Image

from data.cold_chain.by_hand import Written
from data.cold_chain.commands.logs import write_down
from data.core.actor import Actor
from data.core.session import transaction
from data.core.table import uuid7
from data.core.time import now
from data.flows import uplink
from jobs.api import readings as api_readings
from tests.api.conftest import Program, Programs
from tests.api.test_cold_places import at
from tests.factories.alerts import raised, trouble
from tests.factories.cold_chain import cold_store, measured
from tests.factories.people import World


def image() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(made, "PNG")
    return made.getvalue()


async def upload(program: Program, world: World, content: bytes, *, status: int = 201, kind: str = "image/png") -> dict[str, str]:
    answer = await program.client.post(f"{at(world)}/assets/upload", content=content, headers=program.headers | {"content-type": kind})
    assert answer.status_code == status, answer.text
    return answer.json()["data" if status < 400 else "error"]


async def test_a_round_is_written_down_once_with_what_was_done_and_mistakes_are_corrected(world: World, asking: Programs) -> None:
    store, colleague, path = await cold_store(world.owner), await asking.of(world.colleague), f"{at(world)}/manual-logs"
    photo = await upload(colleague, world, image())
    line = {"id": str(uuid7()), "unit_id": str(store.unit_id), "temperature": -10.25, "notes": "Door was open", "photo_id": photo["id"]}
    refused = await colleague.ask("POST", path, line, status=422)
    assert refused["details"]["field"] == "corrective_action"
    made = await colleague.ask("POST", path, line | {"corrective_action": "Shut it"}, status=201)
    assert (made["id"], made["temperature"], made["is_in_range"], made["corrective_action"], made["has_photo"]) == (line["id"], -10.25, False, "Shut it", True)
    assert made["logged_by"]["name"] == "Colin Colleague" and made["temperature_max"] == -17.78
    picture = await colleague.client.get(f"{path}/{made['id']}/photo", headers=colleague.headers)
    assert picture.content == image() and picture.headers["content-type"] == "image/png"
    again, future, strange = {"unit_id": str(store.unit_id), "temperature": -20}, (now() + timedelta(days=1)).isoformat(), str(uuid4())
    kept = await colleague.ask("POST", f"{path}/batch", {"logs": [line, again, again | {"logged_at": future}, again | {"unit_id": strange}, again | {"temperature": -5}]})
    assert [(one["kept"], one.get("field")) for one in kept] == [(True, None), (True, None), (False, "logged_at"), (False, "unit_id"), (False, "corrective_action")]
    found, total = await colleague.list(path, unit_id=store.unit_id, out_of_range=True)
    assert (total, found[0]["id"]) == (1, made["id"]) and (await colleague.list(path, search="colin"))[1] == 2
    right = await colleague.ask("POST", f"{path}/{made['id']}/correct", {"temperature": -18.5, "notes": "Misread"}, status=201)
    assert (right["corrects_id"], (await colleague.ask("GET", f"{path}/{made['id']}"))["corrected_by_id"]) == (made["id"], right["id"])
    await colleague.ask("POST", f"{path}/{made['id']}/correct", {"temperature": -18.5, "notes": "Misread"}, status=409)
    assert (await colleague.list(f"{path}/due"))[1] == 0 and (await colleague.list(f"{path}/due", only_due=False))[0][0]["is_last_by_hand"]
    viewer = await asking.of(world.viewer)
    assert (await viewer.list(path))[1] == 3
    await viewer.ask("POST", path, again, status=403)
    await viewer.ask("POST", f"{path}/batch", {"logs": [again]}, status=403)
    for wrong, field in ((again | {"id": strange}, "id"), (again | {"photo_id": strange}, "photo_id"), (again | {"temperature": 500}, "temperature")):
        assert (await colleague.ask("POST", path, wrong, status=422))["details"]["field"] == field


async def test_a_picture_is_looked_at_before_it_is_kept_and_shown_only_to_who_brought_it(world: World, asking: Programs) -> None:
    colleague, owner, viewer = [await asking.of(who) for who in (world.colleague, world.owner, world.viewer)]
    answer = await colleague.client.post(f"{at(world)}/assets/upload", files={"file": ("../a.jpg", image(), "image/jpeg")}, headers=colleague.headers)
    made = answer.json()["data"]
    assert (answer.status_code, made["file_name"], made["mime_type"], made["size_bytes"]) == (201, "a.png", "image/png", len(image()))
    assert (await colleague.client.get(f"{at(world)}/assets/{made['id']}", headers=colleague.headers)).content == image()
    await owner.ask("GET", f"{at(world)}/assets/{made['id']}", status=404)
    assert (await upload(colleague, world, b"not a picture", status=422))["details"] == {"field": "file"}
    assert (await upload(colleague, world, bytes(8_000_001), status=413))["code"] == "TOO_LARGE"
    await upload(colleague, world, b"x", status=415, kind="application/pdf")
    await upload(colleague, world, b"--x--", status=422, kind="multipart/form-data; boundary=x")
    await upload(colleague, world, b"", status=422, kind="multipart/form-data")
    await upload(viewer, world, image(), status=403)


async def test_what_was_done_is_written_down_about_an_alert_or_a_unit(world: World, asking: Programs) -> None:
    store, colleague, owner = await cold_store(world.owner), await asking.of(world.colleague), await asking.of(world.owner)
    [alert] = await raised(world, trouble(store.unit_id, scope=store.site_id), at=now())
    path, words = f"{at(world)}/corrective-actions", {"description": "Too warm", "action_taken": "Moved the food"}
    photo = await upload(colleague, world, image())
    made = await colleague.ask("POST", path, words | {"unit_id": str(store.unit_id), "photo_id": photo["id"]}, status=201)
    assert (made["subject"]["name"], made["has_photo"], made["acted_by"]["name"]) == ("Freezer 1", True, "Colin Colleague")
    assert (await colleague.client.get(f"{path}/{made['id']}/photo", headers=colleague.headers)).content == image()
    await colleague.ask("POST", path, words | {"alert_id": str(alert.id), "resolves": True}, status=403)
    assert (await owner.ask("POST", path, words | {"alert_id": str(alert.id), "resolves": True}, status=201))["has_resolved_alert"]
    assert (await owner.list(path))[1] == 2 and (await owner.list(path, alert_id=alert.id))[1] == 1
    for wrong, field in ((words, "unit_id"), (words | {"unit_id": str(store.unit_id), "action_taken": " "}, "action_taken")):
        assert (await colleague.ask("POST", path, wrong, status=422))["details"]["field"] == field
    await (await asking.of(world.viewer)).ask("POST", path, words | {"unit_id": str(store.unit_id)}, status=403)
    await colleague.ask("POST", path, words | {"unit_id": str(uuid4())}, status=404)


async def test_readings_come_measured_and_by_hand_one_by_one_in_pages_or_drawn_together(world: World, asking: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    store, viewer = await cold_store(world.owner), await asking.of(world.viewer)
    begin = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    instants = [begin + timedelta(minutes=10 * place) for place in range(6)]
    async with transaction(Actor.machine(world.organization_id, "ttn")) as tx:
        await uplink.store(tx, [measured(-20.0 - place, instant, humidity_percent=80.0) for place, instant in enumerate(instants)])
    async with transaction(world.colleague) as tx:
        lines = [Written(uuid7(), store.unit_id, Decimal(-19), instant + timedelta(minutes=1)) for instant in (instants[1], instants[5])]
        assert set((await write_down(tx, lines, at=now())).values()) == {None}
    path = f"{at(world)}/units/{store.unit_id}/readings"
    whole = await viewer.ask("GET", path)
    assert [(one["kind"], one["temperature"]) for one in whole["readings"]] == [
        ("measured", -20), ("measured", -21), ("manual", -19), ("measured", -22), ("measured", -23), ("measured", -24), ("measured", -25), ("manual", -19),
    ]  # fmt: skip
    assert whole["readings"][0]["humidity"] == 80 and whole["readings"][2]["logged_by"] == "Colin Colleague" and whole["piece_s"] is None
    told, after = [], ""
    while after is not None:
        page = await viewer.ask("GET", path, detail="raw", limit=2, **({"after": after} if after else {}))
        told, after = [*told, *page["readings"]], page["next"]
    assert [(one["kind"], one["temperature"]) for one in told] == [(one["kind"], one["temperature"]) for one in whole["readings"]]
    stretch = {"from": instants[2].isoformat(), "to": instants[4].isoformat()}
    assert [one["temperature"] for one in (await viewer.ask("GET", path, source="measured", **stretch))["readings"]] == [-22, -23]
    assert [one["temperature"] for one in (await viewer.ask("GET", path, source="manual"))["readings"]] == [-19, -19]
    monkeypatch.setattr(api_readings, "MOST", 2)
    drawn = await viewer.ask("GET", path, source="measured", **{"from": (begin - timedelta(days=20)).isoformat()})
    assert drawn["piece_s"] == 1800 and [(one["min"], one["max"]) for one in drawn["readings"]] == [(-22, -20), (-25, -23)]
    await viewer.ask("GET", path, **{"from": instants[3].isoformat(), "to": instants[2].isoformat()}, status=422)
    await (await asking.of(world.driver)).ask("GET", path, status=404)
