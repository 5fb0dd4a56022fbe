"""The API's OpenAPI: what FastAPI derives from the routes, every kind's settings, examples, and the token."""

from typing import Any

from fastapi import FastAPI

from leafcore.access import TOKEN_VARIABLE
from leafcore.api.examples import ANSWERS, BODIES, NAME, NAMES, PARAMETERS
from leafcore.jobs import KINDS

REF = "#/components/schemas/{model}"
TEXTUAL = ("application/json", "text/")
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": f"Asked for only where the server's {TOKEN_VARIABLE} is set.",
}


def add_description(api: FastAPI) -> None:
    """Put every kind's settings, examples and the token into the description of an API."""
    derive = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            schema = derive()
            schema["components"]["securitySchemes"] = {"token": BEARER}
            schema["security"] = [{}, {"token": []}]
            _tell_kinds(schema["components"]["schemas"])
            for path, methods in schema["paths"].items():
                for method, operation in methods.items():
                    _exemplify(operation, method, path)
        assert api.openapi_schema is not None
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _tell_kinds(schemas: dict[str, Any]) -> None:
    """Say of a submission which settings each kind of run has."""
    plain = schemas["Submission"]
    mapping = {}
    for kind, entry in KINDS.items():
        settings = entry.config.model_json_schema(ref_template=REF)
        schemas.update(settings.pop("$defs", {}))
        name = f"Submission-{kind}"
        schemas[f"Settings-{kind}"] = settings
        schemas[name] = {
            **plain,
            "title": entry.title,
            "properties": {
                **plain["properties"],
                "kind": {"const": kind, "type": "string"},
                "settings": {"$ref": REF.format(model=f"Settings-{kind}")},
            },
            "required": ["kind", "settings"] if settings.get("required") else ["kind"],
        }
        mapping[kind] = REF.format(model=name)
    schemas["Submission"] = {
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "kind", "mapping": mapping},
    }


def _exemplify(operation: dict[str, Any], method: str, path: str) -> None:
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        example = NAMES.get(path, NAME) if name == "name" else PARAMETERS.get(name)
        if example is not None:
            parameter["example"] = example
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        if media.startswith(TEXTUAL):
            content["example"] = BODIES[method, path]
    refusal = operation["responses"]["4XX"]["content"]
    operation["responses"]["4XX"]["content"] = {
        "application/json": next(iter(refusal.values()))
    }  # whatever else it answers
    for status, answer in operation["responses"].items():
        for media, content in answer.get("content", {}).items():
            if status.startswith("2") and media.startswith(TEXTUAL):
                content["example"] = ANSWERS[method, path]
