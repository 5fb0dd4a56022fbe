"""The API's OpenAPI: what FastAPI derives from the routes, with an example of everything, and the token."""

from typing import Any

from fastapi import FastAPI

from leafcore.access import TOKEN_VARIABLE
from leafcore.api.examples import ANSWERS, BODIES, NAME, NAMES, PARAMETERS

TEXTUAL = ("application/json", "text/")
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": f"Asked for only where the server's {TOKEN_VARIABLE} is set.",
}


def add_description(api: FastAPI) -> None:
    """Put examples and the token into the description of an API."""
    derive = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            schema = derive()
            schema["components"]["securitySchemes"] = {"token": BEARER}
            schema["security"] = [{}, {"token": []}]
            for path, methods in schema["paths"].items():
                for method, operation in methods.items():
                    _exemplify(operation, method, path)
        assert api.openapi_schema is not None
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _exemplify(operation: dict[str, Any], method: str, path: str) -> None:
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        example = NAMES.get(path, NAME) if name == "name" else PARAMETERS.get(name)
        if example is not None:
            parameter["example"] = example
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        if media.startswith(TEXTUAL):
            content["example"] = BODIES[method, path]
    for status, answer in operation["responses"].items():
        for media, content in answer.get("content", {}).items():
            if status.startswith("2") and media.startswith(TEXTUAL):
                content["example"] = ANSWERS[method, path]
