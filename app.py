"""Leaf Workbench: pages, REST API and lanes in one server. Start it with `streamlit run app.py`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.routing import Mount

from leafcore.api import build_api
from leafcore.serving import Shutdown, serving
from ui.service import warm_worker, workspace

shutdown = Shutdown()


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[dict[str, object]]:
    """Work on the queue with the server; before it ends, let every worker save and end."""
    async with serving(workspace(), warm_worker(), shutdown):
        yield {}


app = st.App(
    str(Path(__file__).parent / "ui" / "navigation.py"),
    routes=[Mount("/api", app=build_api(workspace(), shutdown=shutdown, worker=warm_worker()))],
    lifespan=lifespan,
)
