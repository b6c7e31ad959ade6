"""What may leave the house: where the tree is and how it is, not whose it is."""

from collections.abc import Sequence
from typing import Any

from data.trees.rules.filling import Form

PRIVATE = frozenset({"client", "address_tree_location", "assessors", "date", "time"})


def feature_collection(form: Form, *, job_number: str, user_name: str, images: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """GeoJSON of one job: a point (or no geometry), the form without personal fields, captions of the photos."""
    details = form.get("client_tree_details", {})
    gps = details.get("gps")
    public = {**form, "client_tree_details": {k: v for k, v in details.items() if k not in PRIVATE}}
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [gps["longitude"], gps["latitude"]]} if gps else None,
                "properties": {
                    "job_number": job_number,
                    "user_name": user_name,
                    "form_data": public,
                    "images": [{"caption": i.get("caption"), "uploaded_at": i.get("uploaded_at")} for i in images],
                },
            }
        ],
    }
