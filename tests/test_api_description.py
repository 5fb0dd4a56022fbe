"""What the API says of itself: an example of everything, and every example is true."""

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from leafcore.api import build_api
from leafcore.api.description import TEXTUAL
from leafcore.api.examples import ANSWERS, BODIES, NAMES, PARAMETERS
from leafcore.jobs import build_config
from leafcore.workspace import Workspace
from tests.server import HOST


@pytest.fixture(scope="module")
def description(tmp_path_factory):
    """The OpenAPI document."""
    workspace = Workspace(tmp_path_factory.mktemp("described"))
    with TestClient(build_api(workspace, hosts=[HOST])) as client:
        return client.get("/openapi.json").json()


def operations(description):
    """Yield every operation of the API, with its path and its method."""
    return [
        (path, method, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]


def shown(operation):
    """Yield every body and answer that is text, by where it is."""
    parts = {"body": operation.get("requestBody", {})} | operation["responses"]
    return [
        (where, content)
        for where, part in parts.items()
        for media, content in part.get("content", {}).items()
        if media.startswith(TEXTUAL)
    ]


def test_every_body_and_answer_has_an_example_that_fits_its_schema(description):
    checked = 0
    for path, method, operation in operations(description):
        for where, content in shown(operation):
            schema = {"components": description["components"], **content.get("schema", {})}
            if where == "4XX":
                assert content["schema"] == {"$ref": "#/components/schemas/Refusal"}
                continue
            errors = [error.message for error in Draft202012Validator(schema).iter_errors(content["example"])]
            assert errors == [], (method, path, where)
            checked += 1
    assert checked > 30


def test_every_operation_says_how_it_refuses(description):
    assert all("4XX" in operation["responses"] for _, _, operation in operations(description))
    (example,) = description["components"]["schemas"]["Refusal"]["properties"]["error"]["examples"]
    assert set(example) == {"code", "message"}


def test_every_part_of_an_address_has_an_example(description):
    for path, method, operation in operations(description):
        for parameter in operation.get("parameters", ()):
            assert parameter["in"] != "path" or parameter.get("example"), (method, path, parameter["name"])


def test_no_example_is_of_something_that_is_gone(description):
    known = {(method, path) for path, method, _ in operations(description)}
    parameters = [part for *_, operation in operations(description) for part in operation.get("parameters", ())]
    assert ANSWERS.keys() | BODIES.keys() <= known
    assert PARAMETERS.keys() <= {parameter["name"] for parameter in parameters}
    assert NAMES.keys() <= {path for _, path in known}


def test_the_example_of_a_submission_is_one(description):
    asked = BODIES["post", "/runs"]
    assert build_config(asked["kind"], asked["settings"]).count == 24
