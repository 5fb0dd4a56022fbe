"""The API's guard against requests that a browser was tricked into."""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from leafcore.api.failures import failure

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class GuardMiddleware:
    """Refuses requests that a browser was tricked into: for another host's name, or from another site's page.

    Args:
        app: What is guarded.
        hosts: The names under which this server may be addressed.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403, or pass the request on."""
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            host = headers.get(b"host", b"").decode("latin-1")
            origin = headers.get(b"origin", b"").decode("latin-1")
            reason = self._objection(host, origin)
            if reason:
                await failure("forbidden", reason, 403)(scope, receive, send)
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
