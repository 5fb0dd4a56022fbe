"""The ledger of a synthetic set: a row per picture, written as it is made; see `synthetic_sets` for the files."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from leafcore.data.synthetic_sets import REJECTED, STEPS, Provenance
from leafcore.files import write_bytes


class Ledger:
    """The rows of a synthetic set, appended as its pictures are written, so that a stop loses none.

    Args:
        folder: The run's folder; `rows.jsonl` in it is the ledger, `images/` holds the pictures.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "rows.jsonl"
        self.rows: list[dict[str, Any]] = self._read()
        self._drop_strays()

    def _read(self) -> list[dict[str, Any]]:
        """Return the rows whose picture is there, and drop the others; so is a line that a crash cut short."""
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        rows = [row for line in text.splitlines() if (row := _parse(line)) is not None]
        rows = [row for row in rows if (self._folder / "images" / row["file"]).exists()]
        kept = "".join(f"{json.dumps(row)}\n" for row in rows)
        if kept != text:  # what is appended next must not continue a broken line
            write_bytes(self._file, kept.encode())
        return rows

    def _drop_strays(self) -> None:
        """Remove the pictures that were written last, if a crash or a full disk came before the rows, or halved one."""
        steps = {str(step["file"]) for row in self.rows for step in row["chain"] if step.get("file")}
        for folder, known in (("images", self.files), (STEPS, steps)):
            for path in (self._folder / folder).glob("*"):
                if path.name not in known:
                    path.unlink(missing_ok=True)

    @property
    def files(self) -> set[str]:
        """The names of the pictures that have a row."""
        return {row["file"] for row in self.rows}

    @property
    def accepted(self) -> list[dict[str, Any]]:
        """The rows of the pictures that are in the set, in its order: those that verification did not reject."""
        return [row for row in sorted(self.rows, key=lambda row: str(row["file"])) if not row.get("failed")]

    def append(self, provenance: Provenance, sha256: str, phash: str = "") -> None:
        """Add the row of a picture that has just been written.

        Args:
            provenance: Its recipe.
            sha256: Of its file.
            phash: Its perceptual hash, see `duplicates.perceptual_hash`.
        """
        row = {**provenance.model_dump(mode="json"), "sha256": sha256, "phash": phash}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self.rows.append(row)

    def write_tables(self) -> None:
        """Write `manifest.csv`, a row per picture with everything known, and `labels.csv`, `image,labels`.

        What verification rejected is in neither, but in `rejected.csv`, so that nothing ever learns from it.
        """
        self._drop_strays()
        rows, rejected = self.accepted, [row for row in self.rows if row.get("failed")]
        if rejected:
            write_bytes(self._folder / REJECTED, _csv(rejected, list(rejected[0])))
        if not rows:
            return
        columns = dict.fromkeys(key for row in rows for key in row)  # older code may have begun this set
        write_bytes(self._folder / "manifest.csv", _csv(rows, list(columns)))
        labels = [{"image": row["file"], "labels": row["labels"]} for row in rows]
        write_bytes(self._folder / "labels.csv", _csv(labels, ["image", "labels"]))


def _parse(line: str) -> dict[str, Any] | None:
    try:
        row: dict[str, Any] = json.loads(line)
        return row
    except json.JSONDecodeError:
        return None


def _csv(rows: list[dict[str, Any]], columns: list[str]) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: json.dumps(value) if isinstance(value, list) else value for key, value in row.items()})
    return buffer.getvalue().encode()
