"""What changes is told at once to programs that stay connected: over Socket.IO, or as lines of JSON over a WebSocket.

One source (`_farm_feed`, `_inbox_feed`), told to whoever listens (`_listeners`) in either form (`_socket_io`, `_lines`).
"""

from fastapi import APIRouter

from jobs.api.push import _lines, _socket_io

router = APIRouter()
router.routes.extend(_socket_io.routes)
router.add_api_websocket_route("/v1/ws", _lines.connected)
