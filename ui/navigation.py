"""The pages, in sections, with the machine's state below them. Streamlit runs this script for every interaction."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402

from leafcore.workspace import ASSETS  # noqa: E402
from ui import address, live  # noqa: E402

PAGES = {
    "": [("home", "Home", "home", "Where you are on the way from a rare disease to a better classifier.")],
    "Data": [
        ("datasets", "Datasets", "photo_library", "Import pictures, see which classes are rare, look at them."),
        ("masks", "Masks", "content_cut", "Find the leaf in each picture. Tune the threshold, then save a mask set."),
    ],
    "Train": [
        ("train", "Train", "model_training", "Choose a recipe and queue a training run."),
        ("runs", "Runs", "list_alt", "Watch what runs, stop it, resume it, see losses and samples."),
        ("epochs", "Epochs", "timeline", "Compare the epochs of a run and keep the best one."),
    ],
    "Use": [
        ("studio", "Studio", "auto_awesome", "Translate healthy leaves into rare diseases and take them as a ZIP."),
        ("evaluate", "Evaluate", "balance", "Learn, with intervals, whether synthetic pictures help a classifier."),
        ("quiz", "Real or fake?", "quiz", "Can you tell synthetic leaves from photographs?"),
    ],
}

page = st.navigation(
    {
        section: [
            st.Page(
                ROOT / "pages" / f"{name}.py", title=title, icon=f":material/{icon}:", help=help, default=name == "home"
            )
            for name, title, icon, help in pages
        ]
        for section, pages in PAGES.items()
    }
)
st.set_page_config(page_title=f"{page.title} · Leaf Workbench", page_icon=str(ASSETS / "icon.png"), layout="wide")
st.logo(str(ASSETS / "logo.svg"), size="large", icon_image=str(ASSETS / "icon.png"))
with st.sidebar:
    live.status_strip()
st.title(page.title)
live.other_server()
with address.written_at_the_end():
    page.run()
