"""Who may ask the API: whoever has the token, where one is set, and whoever follows a link that a page made.

A browser that follows a link sends no token. So a page's links carry a signature of what they open, made with the
token: such a link opens that one thing, for as long as the token is the same.
"""

import hashlib
import hmac
import os
from urllib.parse import parse_qs, urlsplit

TOKEN_VARIABLE = "LEAF_API_TOKEN"
SIGNATURE = "signature"  # the parameter that holds it


def api_token() -> str:
    """Return the token that the API asks for: `$LEAF_API_TOKEN`; empty if it asks for none."""
    return os.environ.get(TOKEN_VARIABLE, "").strip()


def is_authorized(authorization: str) -> bool:
    """Whether a request may pass, by its `Authorization` header. How long the comparison takes tells nothing."""
    token = api_token()
    scheme, _, given = authorization.partition(" ")
    return not token or (scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()))


def signed(link: str) -> str:
    """Return a link of a page to the API with its signature, if the API asks for a token.

    Args:
        link: From the server's root on, such as "/api/runs/x/zip"; it may have parameters.
    """
    if not api_token():
        return link
    return f"{link}{'&' if '?' in link else '?'}{SIGNATURE}={_signature(urlsplit(link).path)}"


def is_signed(path: str, query: str) -> bool:
    """Whether a request's address carries the signature of its path.

    Args:
        path: From the server's root on.
        query: Its parameters, as they were sent.
    """
    given = parse_qs(query).get(SIGNATURE, [""])[0]
    return bool(api_token()) and hmac.compare_digest(given.encode(), _signature(path).encode())


def _signature(path: str) -> str:
    return hmac.new(api_token().encode(), path.encode(), hashlib.sha256).hexdigest()
