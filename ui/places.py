"""Where each page is. Streamlit looks relative paths up from the entry script's folder, so links use absolute ones."""

from leafcore.workspace import PROJECT_ROOT


def path_of(name: str) -> str:
    """Return the script of a page by its name, for `st.Page`, `st.page_link` and `st.switch_page`."""
    return str(PROJECT_ROOT / "pages" / f"{name}.py")
