"""A store of objects that speaks enough of S3 to be strict: every request is signed, and what it does not know it refuses."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

SIGNED = r"AWS4-HMAC-SHA256 Credential={key}/\d{{8}}/{region}/s3/aws4_request, ?SignedHeaders=[a-z0-9;-]*host[a-z0-9;-]*, ?Signature=[0-9a-f]{{64}}"


@dataclass
class Bucket:
    """What is in it, by key; `refused` is what it did not understand."""

    url: str = ""
    name: str = "copies"
    access_key: str = "AKIATEST"
    region: str = "ap-southeast-1"
    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, tuple[str, dict[int, bytes]]] = field(default_factory=dict)
    """The key and the pieces of each large object that is still coming."""
    refused: list[str] = field(default_factory=list)


@contextmanager
def bucket() -> Iterator[Bucket]:
    """An empty one on loopback."""
    made = Bucket()

    class Handler(_Handler):
        of = made

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    of: Bucket
    protocol_version = "HTTP/1.1"

    def handle_request(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        asked = parse_qs(address.query, keep_blank_values=True)
        root, _, key = unquote(address.path).lstrip("/").partition("/")
        signed = SIGNED.format(key=self.of.access_key, region=self.of.region)
        if not re.fullmatch(signed, self.headers.get("Authorization") or "") or root != self.of.name:
            self._refuse(403, "AccessDenied")
        elif self.command == "PUT" and key and not asked:
            self.of.objects[key] = body
            self._answer(200, ETag='"1"')
        elif self.command == "POST" and "uploads" in asked:
            upload = f"upload-{len(self.of.uploads)}"
            self.of.uploads[upload] = key, {}
            self._answer(200, f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>".encode())
        elif asked.get("uploadId", [""])[0] in self.of.uploads:
            self._part(key, asked, body)
        elif self.command == "GET" and asked.get("list-type") == ["2"]:
            self._list(asked.get("prefix", [""])[0])
        elif self.command == "GET" and not asked:
            found = self.of.objects.get(key)
            self._refuse(404, "NoSuchKey") if found is None else self._answer(200, found, ETag='"1"', **{"Last-Modified": "Sat, 21 Nov 2026 00:00:00 GMT"})
        elif self.command == "POST" and "delete" in asked:
            keys = re.findall("<Key>(.*?)</Key>", body.decode())
            for one in keys:
                self.of.objects.pop(one, None)
            self._answer(200, f"<DeleteResult>{''.join(f'<Deleted><Key>{escape(k)}</Key></Deleted>' for k in keys)}</DeleteResult>".encode())
        else:
            self._refuse(400, "NotImplemented")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_request

    def _part(self, key: str, asked: dict[str, list[str]], body: bytes) -> None:
        """A large object comes in pieces, numbered from 1, of 5 MB at least but the last; together they are one once it is said."""
        upload = asked["uploadId"][0]
        its_key, parts = self.of.uploads[upload]
        if its_key != key:
            self._refuse(404, "NoSuchUpload")
        elif self.command == "PUT":
            number = int(asked["partNumber"][0])
            parts[number] = body
            self._answer(200, ETag=f'"{number}"')
        elif self.command == "POST":
            told = [int(one) for one in re.findall(r"<PartNumber>(\d+)</PartNumber>", body.decode())]
            if told != sorted(parts) or any(len(parts[one]) < 5 << 20 for one in told[:-1]):
                self._refuse(400, "InvalidPart")
                return
            self.of.objects[key] = b"".join(parts[one] for one in told)
            del self.of.uploads[upload]
            self._answer(200, f"<CompleteMultipartUploadResult><Key>{escape(key)}</Key><ETag>&quot;1&quot;</ETag></CompleteMultipartUploadResult>".encode())
        else:
            del self.of.uploads[upload]
            self._answer(204)

    def _list(self, prefix: str) -> None:
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-21T00:00:00.000Z</LastModified><ETag>&quot;1&quot;</ETag>"
            f"<Size>{len(content)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for key, content in sorted(self.of.objects.items())
            if key.startswith(prefix)
        )
        self._answer(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode())

    def _refuse(self, status: int, code: str) -> None:
        self.of.refused.append(f"{self.command} {self.path}: {code}")
        self._answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is said of what went well."""
