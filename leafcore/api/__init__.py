"""The REST API: a thin face of the verbs, mounted at `/api` beside the pages.

Streamlit's own protections do not cover mounted routes, so every request's Host, Origin and size are checked here, and
its token if one is set (see `access`). A failure answers `{"error": {"code": ..., "message": ...}}` with the words that
the command line and the pages use.
"""

import os
from collections.abc import Collection

from fastapi import FastAPI

from leafcore import __version__
from leafcore.api.bases import add_bases
from leafcore.api.chains import add_chains
from leafcore.api.description import add_description
from leafcore.api.failures import Refusal, add_failures
from leafcore.api.files import add_files, add_uploads
from leafcore.api.generate import add_generate
from leafcore.api.guard import LOCAL_HOSTS, BodyLimitMiddleware, GuardMiddleware
from leafcore.api.latent import add_latent_tools
from leafcore.api.predict import add_predict
from leafcore.api.queue import add_queue
from leafcore.api.reading import add_reading
from leafcore.api.reports import add_reports
from leafcore.api.review import add_review
from leafcore.api.runs import add_runs, add_steering
from leafcore.ask import WarmWorker
from leafcore.serving import Shutdown
from leafcore.workspace import Workspace


def build_api(
    workspace: Workspace,
    *,
    hosts: Collection[str] = (),
    shutdown: Shutdown | None = None,
    worker: WarmWorker | None = None,
) -> FastAPI:
    """Return the API over a workspace.

    Args:
        workspace: What it shows and writes to.
        hosts: Names under which the server may be addressed, beside this machine's and `$LEAF_ALLOWED_HOSTS`.
        shutdown: Begins when the server is asked to end; streams end with it.
        worker: Makes pictures from noise; one of the API's own if None.
    """
    api = FastAPI(
        title="Leaf Workbench",
        version=__version__,
        description=__doc__.splitlines()[0],
        responses={"4XX": {"model": Refusal, "description": "Refused, in one line."}},
    )
    api.add_middleware(BodyLimitMiddleware)
    allowed = {name.strip() for name in os.environ.get("LEAF_ALLOWED_HOSTS", "").split(",") if name.strip()}
    api.add_middleware(GuardMiddleware, hosts=LOCAL_HOSTS | allowed | set(hosts))
    add_failures(api)
    add_reading(api, workspace)
    add_runs(api, workspace, shutdown or Shutdown())
    add_steering(api, workspace)
    add_queue(api, workspace)
    add_files(api, workspace)
    add_review(api, workspace)
    add_reports(api, workspace)
    add_bases(api, workspace)
    add_chains(api, workspace)
    add_uploads(api, workspace)
    worker = worker or WarmWorker(workspace)
    add_generate(api, workspace, worker)
    add_latent_tools(api, workspace, worker)
    add_predict(api, workspace, worker)
    add_description(api)
    return api
