"""Leaf Workbench: pages, REST API and lanes in one server. Start it with `streamlit run app.py`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import streamlit as st
from starlette.routing import Mount

from leafcore.api import build_api
from leafcore.journey import prepare_sample
from leafcore.lanes import Lanes
from ui.service import warm_worker, workspace


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[dict[str, object]]:
    """Start the lanes with the server; before it ends, let every worker save and end."""
    lanes = Lanes(workspace())
    lanes.start()
    prepare_sample(workspace())
    try:
        yield {}
    finally:
        warm_worker().stop()
        await anyio.to_thread.run_sync(lanes.stop)


app = st.App(
    str(Path(__file__).parent / "ui" / "navigation.py"),
    routes=[Mount("/api", app=build_api(workspace()))],
    lifespan=lifespan,
)
