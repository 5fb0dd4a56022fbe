"""The verb that reports a comparison: one page, and a ZIP with the page, the tables, the card and the replay."""

import zipfile
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict

from leafcore.files import write_atomic, write_bytes
from leafcore.progress import Progress
from leafcore.report.card import card_text, model_card, reforms_sheet
from leafcore.report.configs import ReportConfig
from leafcore.report.facts import Facts, gather
from leafcore.report.page import report_page
from leafcore.report.replay import Expected, replay_files
from leafcore.report.tables import tables
from leafcore.workspace import Workspace

PAGE, PACKED = "report.html", "report.zip"


class ReportResult(BaseModel):
    """Where a report is.

    Attributes:
        comparison: The run that it reports.
        html: The page.
        zip: The page, its tables, the model card, the replay.
        bytes: Of the page.
        zip_bytes: Of the ZIP.
    """

    model_config = ConfigDict(frozen=True)

    comparison: str
    html: str
    zip: str
    bytes: int
    zip_bytes: int


def report(config: ReportConfig, workspace: Workspace, progress: Progress) -> ReportResult:
    """Write the report of a comparison.

    Raises:
        NotFoundError: The run has made no comparison, or is of an older version that kept too little.
        DiskFull: It did not fit.
    """
    progress.phase("reading")
    facts = gather(workspace, config.run)
    replaying = replay_files(facts, workspace)
    tolerance = Expected.model_validate_json(replaying["expected.json"]).tolerance
    progress.phase("drawing")
    html = report_page(facts, examples=config.examples, tolerance=tolerance).encode()
    progress.phase("packing")
    page, packed = progress.folder / PAGE, progress.folder / PACKED
    write_bytes(page, html)
    files = {PAGE: html, **_texts(facts, replaying)}
    write_atomic(packed, lambda file: _pack(file, f"report-{facts.run.id}", files))
    return ReportResult(
        comparison=facts.run.id,
        html=str(page),
        zip=str(packed),
        bytes=len(html),
        zip_bytes=packed.stat().st_size,
    )


def _texts(facts: Facts, replaying: dict[str, str]) -> dict[str, bytes]:
    """Return the other files of the ZIP."""
    card = card_text([*model_card(facts), reforms_sheet(facts)], f"Model card: comparison {facts.run.id}")
    texts = {"MODEL_CARD.md": card}
    texts |= {f"tables/{name}.csv": table.to_csv(index=False) for name, table in tables(facts).items()}
    texts |= {f"replay/{name}": text for name, text in replaying.items()}
    return {name: text.encode() for name, text in texts.items()}


def _pack(file: BinaryIO, folder: str, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(f"{folder}/{name}", (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o755 if Path(name).suffix == ".sh" else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
