"""What a classifier said of pictures, appended as it says it, so that a stop loses none and a resume asks none again.

```
runs/<id>/
  said.jsonl      a line per picture that was read: {"image": "a.jpg", "probabilities": [0.1, 0.9]}
```
"""

import json
from pathlib import Path

import numpy as np

from leafcore.files import write_bytes

FILE = "said.jsonl"


class SaidLedger:
    """The probabilities that were said so far.

    Args:
        folder: The run's.
        classes: How many probabilities each picture has.

    Attributes:
        said: By picture, (classes,) float32 in [0, 1].
    """

    def __init__(self, folder: Path, classes: int) -> None:
        self._file = folder / FILE
        self.said: dict[str, np.ndarray] = {}
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        lines = [line for line in text.splitlines() if self._take(line, classes)]
        kept = "".join(f"{line}\n" for line in lines)
        if kept != text:  # what is appended next must not continue a line that a crash cut short
            write_bytes(self._file, kept.encode())

    def _take(self, line: str, classes: int) -> bool:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            return False
        probabilities = np.asarray(row["probabilities"], np.float32)
        if len(probabilities) != classes:
            return False
        self.said[row["image"]] = probabilities
        return True

    def append(self, image: str, probabilities: np.ndarray) -> None:
        """Add a picture.

        Args:
            image: What it is called.
            probabilities: (classes,) float32 in [0, 1].
        """
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"image": image, "probabilities": probabilities.tolist()}) + "\n")
        self.said[image] = probabilities
