"""What to change in a run's settings after it failed, so that it has a chance the next time."""

from collections.abc import Callable, Mapping
from typing import Any

from leafcore.config import Config
from leafcore.errors import ConfigError

Settings = Mapping[str, Any]


def remedy(code: str, config: type[Config], settings: Settings) -> dict[str, Any]:
    """Return the one change that a failure asks for, checked against the kind's own bounds.

    Args:
        code: The failure's, see `errors`.
        config: The kind's settings.
        settings: The run's.

    Returns:
        Settings by name; empty if the same settings will do once the cause is mended, or if nothing is left to try.
    """
    for change in _CHANGES[code](settings) if code in _CHANGES else []:
        try:
            config.build({**settings, **change})
        except ConfigError:
            continue
        return change
    return {}


def _smaller(settings: Settings) -> list[dict[str, Any]]:
    """Halve the batch, else the pictures."""
    halves: list[dict[str, Any]] = []
    for name, step in (("batch_size", 1), ("size_px", 32)):
        value = settings.get(name, 0)
        if value >= 2 * step:
            halves.append({name: value // 2 // step * step})
    return halves


def _calmer(settings: Settings) -> list[dict[str, Any]]:
    rate = settings.get("learning_rate", 0.0)
    return [{"learning_rate": rate / 2}] if rate else []


def _anywhere(settings: Settings) -> list[dict[str, Any]]:
    return [{"device": "auto"}] if settings.get("device", "auto") != "auto" else []


def _without_gpu(settings: Settings) -> list[dict[str, Any]]:
    return [{"device": "cpu"}] if settings.get("device", "cpu") != "cpu" else []


_CHANGES: dict[str, Callable[[Settings], list[dict[str, Any]]]] = {
    "out_of_memory": _smaller,
    "diverged": _calmer,
    "device": _anywhere,
    "driver": _without_gpu,
}
