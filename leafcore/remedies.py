"""What to change in a run's settings after it failed, so that it has a chance the next time."""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from leafcore.config import Config
from leafcore.errors import ConfigError, LeafError, OutOfMemory

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
    return next(iter(_remedies(code, config, settings)), {})


def advised(error: LeafError, config: type[Config], settings: Settings) -> LeafError:
    """Return a failure that says which settings would mend it, where the kind knows better than the failure.

    Args:
        error: As it was raised.
        config: The kind's settings.
        settings: The run's.
    """
    if error.code != "out_of_memory" or not _leaner(config, settings):
        return error
    changes = _remedies(error.code, config, settings)
    tries = " or ".join(" with ".join(f"{name} {_word(value)}" for name, value in each.items()) for each in changes)
    return OutOfMemory(f"The memory is full: try {tries or 'a device with more of it'}.")


def _remedies(code: str, config: type[Config], settings: Settings) -> list[dict[str, Any]]:
    """Return the changes that a failure asks for and the kind takes, the nearest first."""
    changes = _CHANGES[code](config, settings) if code in _CHANGES else []
    return [change for change in changes if _built(config, {**settings, **change}) is not None]


def _built(config: type[Config], settings: Settings) -> Config | None:
    try:
        return config.build(settings)
    except ConfigError:
        return None


def _leaner(config: type[Config], settings: Settings) -> list[list[dict[str, Any]]]:
    built = _built(config, settings)
    return built.leaner() if built is not None else []


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _smaller(config: type[Config], settings: Settings) -> list[dict[str, Any]]:
    """Take less memory for the same, else halve the batch, else come to something else, else halve the pictures."""
    same, *others = _leaner(config, settings) or [[]]
    return [*same, *_half(settings, "batch_size", 1), *chain.from_iterable(others), *_half(settings, "size_px", 32)]


def _half(settings: Settings, name: str, step: int) -> list[dict[str, Any]]:
    value = settings.get(name, 0)
    return [{name: value // 2 // step * step}] if value >= 2 * step else []


def _calmer(config: type[Config], settings: Settings) -> list[dict[str, Any]]:
    del config
    rate = settings.get("learning_rate", 0.0)
    return [{"learning_rate": rate / 2}] if rate else []


def _anywhere(config: type[Config], settings: Settings) -> list[dict[str, Any]]:
    del config
    return [{"device": "auto"}] if settings.get("device", "auto") != "auto" else []


def _without_gpu(config: type[Config], settings: Settings) -> list[dict[str, Any]]:
    del config
    return [{"device": "cpu"}] if settings.get("device", "cpu") != "cpu" else []


_CHANGES: dict[str, Callable[[type[Config], Settings], list[dict[str, Any]]]] = {
    "out_of_memory": _smaller,
    "diverged": _calmer,
    "device": _anywhere,
    "driver": _without_gpu,
}
