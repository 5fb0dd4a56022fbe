"""The API under requests made up from its own description: whatever is asked, it answers as it says it does."""

import os
import random

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from leafcore.api import build_api
from leafcore.jobs import build_config, submit
from leafcore.serving import Shutdown
from leafcore.workspace import Workspace
from tests.conftest import carrier
from tests.noise_models import CLASSES, InThisProcess, plant_noise_model

EXAMPLES = int(os.environ.get("LEAF_FUZZ_EXAMPLES", "25"))  # requests per operation
OPERATIONS = [
    (path, method) for path, methods in build_api(Workspace("nowhere")).openapi()["paths"].items() for method in methods
]
CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance]
MODES = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]


@schemathesis.serializer("application/zip")
def as_it_is(context, value):
    """Send the body of an upload as it is."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


@pytest.fixture(scope="module")
def described(tmp_path_factory, leaf_folders):
    """The API over a workspace of its own, in which there is a little of everything that can be asked for."""
    workspace = Workspace(tmp_path_factory.mktemp("fuzzed") / "workspace")
    done = carrier(workspace)("import", source=leaf_folders, name="leaves")
    queued = submit(workspace, "render", build_config("render", {}))
    plant_noise_model(workspace, "three", done.result()["dataset"], CLASSES)
    shutdown = Shutdown()
    shutdown.begin()  # a stream of events ends at once
    app = build_api(workspace, hosts=["testserver"], shutdown=shutdown, worker=InThisProcess(workspace))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    known = {"run_id": [done.id, queued.id], "name": ["leaves", "three"], "checkpoint": ["three"]}

    def meet(context, parameters):
        """Let half of the requests name something that there is."""
        for name, choices in known.items():
            if name in (parameters or {}) and chance.random() < 0.5:
                parameters[name] = chance.choice(choices)
        return parameters

    chance = random.Random(0)
    schema.hook("map_path_parameters")(meet)
    schema.hook("map_query")(meet)
    return schema


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_breaks_the_api(described, path, method):
    operation = described[path][method]

    @hypothesis.given(case=hypothesis.strategies.one_of([operation.as_strategy(mode) for mode in MODES]))
    @hypothesis.settings(max_examples=EXAMPLES, derandomize=True, database=None)
    def answers_as_described(case):
        case.call_and_validate(checks=CHECKS, timeout=60)  # torch is loaded for the first picture

    answers_as_described()
