"""What a run printed, and the files it made."""

import re

import streamlit as st

from leafcore.files import sizes
from leafcore.progress import size
from leafcore.runs import Run, open_run
from ui.choose import choose_way
from ui.service import workspace
from ui.watching import refresh

LEVELS = ("all", "warnings", "errors")
SHOWN = {"all": "", "warnings": "WARNING|ERROR|CRITICAL", "errors": "ERROR|CRITICAL"}
READ, TAIL = 20_000, 400  # lines that are searched, lines that are drawn
ENTRY = re.compile(r"^\S+ \S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) ")  # see `jobs.LOG_FORMAT`


def log_box(run: Run) -> None:
    """Draw the end of a run's log, of one level or with one word."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        level = choose_way("Level", LEVELS, "loglevel", default="all")
        word = st.text_input("Contains", key="logword", bind="query-params", width=280)

    def log(run_id: str) -> None:
        lines = filtered(open_run(workspace(), run_id).log(READ), level, word)
        if not lines:
            st.caption("No line says that." if word or level != "all" else "Nothing was printed.")
            return
        st.code("\n".join(lines[-TAIL:]), language=None, height=420)
        if len(lines) > TAIL:
            st.caption(f"The last {TAIL} of {len(lines):,} lines; all are in `log.txt`.")

    st.fragment(log, run_every=refresh(run))(run.id)


def filtered(log: str, level: str, word: str) -> list[str]:
    """Return the lines of a log's entries that are of a level or graver and contain a word.

    An entry is a line that begins with a time and a level, and what follows until the next such line: a traceback
    belongs to the error that it explains.

    Args:
        log: Of one run.
        level: One of `LEVELS`.
        word: In any case; empty for all.
    """
    entries: list[list[str]] = []
    for line in log.splitlines():
        if ENTRY.match(line) or not entries:
            entries.append([])
        entries[-1].append(line)
    wanted = re.compile(SHOWN[level])
    return [
        line
        for entry in entries
        if wanted.pattern == "" or ((found := ENTRY.match(entry[0])) and wanted.fullmatch(found[1]))
        if word.lower() in "\n".join(entry).lower()
        for line in entry
    ]


def files_box(run: Run) -> None:
    """Draw what lies in a run's folder, the largest first."""
    found = sizes(run.folder)
    st.caption(f"{len(found)} files, {size(sum(found.values()))}, in `{run.folder}`")
    table = [{"File": name, "MB": count / 1e6} for name, count in sorted(found.items(), key=lambda item: -item[1])]
    st.dataframe(table, hide_index=True, column_config={"MB": st.column_config.NumberColumn(format="%.3f")})
