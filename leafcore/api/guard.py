"""The API's guard: against requests that a browser was tricked into, that have no token, or that are too large."""

from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leafcore.access import TOKEN_VARIABLE, is_authorized, is_signed
from leafcore.api.failures import failure

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
DESCRIPTION = frozenset({"/docs", "/openapi.json"})  # of the program, not of anybody's data: open without a token
STREAMED = ("/uploads", "/predict")  # read their body as it comes, and have limits of their own
MAX_BODY_BYTES = 2**20  # of what is read whole: settings


class GuardMiddleware:
    """Refuses requests for another host's name, from another site's page, or without the token where one is set.

    Args:
        app: What is guarded.
        hosts: The names under which this server may be addressed.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 or 401, or pass the request on."""
        if scope["type"] == "http":
            reason = self._objection(_header(scope, b"host"), _header(scope, b"origin"))
            if reason:
                await failure("forbidden", reason, 403)(scope, receive, send)
                return
            if not _is_admitted(scope):
                reason = f"Authorization: expected 'Bearer' and the token that {TOKEN_VARIABLE} holds on the server."
                refusal = failure("unauthorized", reason, 401)
                refusal.headers["WWW-Authenticate"] = "Bearer"
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _objection(self, host: str, origin: str) -> str:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:  # "[", for one
            name = ""
        if name not in self._hosts:
            return f"Host: got {host!r}, expected {', '.join(sorted(self._hosts))}. Set LEAF_ALLOWED_HOSTS to allow it."
        if origin and origin.partition("://")[2] != host:
            return f"Origin: got {origin!r}, expected this server's own pages."
        return ""


class BodyLimitMiddleware:
    """Refuses a body that is too large: one that is announced before it is read, another when the limit is passed.

    Args:
        app: What is guarded; it gets a body in one piece.
        most_bytes: The largest body; uploads, which no one holds in memory, have their own limit.
    """

    def __init__(self, app: ASGIApp, most_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413, or pass the request on."""
        if scope["type"] != "http" or _route(scope) in STREAMED:
            await self._app(scope, receive, send)
            return
        announced = _header(scope, b"content-length")
        try:
            body = None if announced.isdecimal() and int(announced) > self._most else await self._read(receive)
        except ClientDisconnect:
            return
        if body is None:
            reason = f"body: larger than the {self._most:,} bytes that settings may take; send files to /api/uploads."
            refusal = failure("too_large", reason, 413)
            refusal.headers["Connection"] = "close"  # the rest of the body is not waited for
            await refusal(scope, receive, send)
            return
        read: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again() -> Message:
            return read.pop() if read else await receive()

        await self._app(scope, receive_again, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """Return the body; None if it is too large.

        Raises:
            ClientDisconnect: There is nobody left to answer.
        """
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            if len(body) > self._most:
                return None
            if not message.get("more_body", False):
                return bytes(body)


def _is_admitted(scope: Scope) -> bool:
    if _route(scope) in DESCRIPTION or is_authorized(_header(scope, b"authorization")):
        return True
    return scope["method"] in {"GET", "HEAD"} and is_signed(scope["path"], scope["query_string"].decode("latin-1"))


def _route(scope: Scope) -> str:
    """Return a request's path within the API, wherever that is mounted."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def _header(scope: Scope, name: bytes) -> str:
    return str(dict(scope["headers"]).get(name, b"").decode("latin-1"))
