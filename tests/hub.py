"""A Hugging Face Hub of a folder, in this process: the hub's own library asks it, and no net is touched."""

import hashlib
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub.errors import HTTPError

http: Any = import_module(
    HTTPError.__module__.partition(".")[0]
)  # which the library speaks through, httpx by some name
SHA = "0123456789abcdef0123456789abcdef01234567"
CHUNK = 2**16


class Hub:
    """Answers as the hub does for one model; remembers what it was asked.

    Args:
        folder: Holds the model's files.
        card: What its model card says.

    Attributes:
        asked: The files, each with the byte from which it was wanted.
        meanwhile: Called before each piece of a file is sent, with the file's name; may raise.
    """

    def __init__(self, folder: Path, **card: str) -> None:
        self.folder, self.card = folder, card
        self.asked: list[tuple[str, int]] = []
        self.meanwhile: Callable[[str], None] = lambda name: None

    def __call__(self, request: Any) -> Any:
        path = request.url.path
        if path.startswith("/api/models/"):
            return http.Response(200, json=self._info(path.removeprefix("/api/models/")))
        name = path.partition(f"/resolve/{SHA}/")[2]
        content = (self.folder / name).read_bytes()
        start = int(re.fullmatch(r"bytes=(\d+)-", request.headers["Range"]).group(1))
        self.asked.append((name, start))
        return http.Response(206 if start else 200, content=self._sent(name, content[start:]))

    def _sent(self, name: str, content: bytes) -> Iterator[bytes]:
        for start in range(0, len(content), CHUNK):
            self.meanwhile(name)
            yield content[start : start + CHUNK]

    def _info(self, name: str) -> dict[str, Any]:
        siblings = []
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            content = path.read_bytes()
            lfs = {"lfs": {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 0}}
            one = {"rfilename": path.relative_to(self.folder).as_posix(), "size": len(content)}
            siblings.append(one | (lfs if path.suffix == ".safetensors" else {}))
        return {"id": name, "sha": SHA, "siblings": siblings, "cardData": self.card}


def refuse(status: int) -> Callable[[Any], Any]:
    """Return a hub that answers with a status and nothing else."""
    return lambda request: http.Response(status, request=request)


def break_down(request: Any) -> Any:
    """Be a hub that says nothing for too long."""
    raise http.ReadTimeout("no byte came", request=request)


def stand_in(monkeypatch: Any, hub: Callable[[Any], Any]) -> None:
    """Let the library speak to this hub until the test ends."""
    client = http.Client(transport=http.MockTransport(hub), follow_redirects=True)
    for module in ("huggingface_hub.utils._http", "huggingface_hub"):
        monkeypatch.setattr(f"{module}.get_session", lambda: client)
    monkeypatch.setattr("huggingface_hub.hf_api.get_session", lambda: client)
    assert huggingface_hub.get_session() is client
