"""Settings on the command line: a flag for each field of a config, and the command that a config is."""

import argparse
import json
import shlex
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args, get_origin

from pydantic.fields import FieldInfo

from leafcore.access import TOKEN_VARIABLE, api_token
from leafcore.config import Config
from leafcore.errors import ConfigError, as_leaf_error
from leafcore.jobs import KINDS
from leafcore.train.configs import RECIPES


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and takes flags only as they are written in the help."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        raise ConfigError(f"{self.prog}: {message}. `{self.prog} --help` explains.")


@dataclass(frozen=True)
class Flag:
    """How a config's field is called on the command line, where it is not simply `--name`.

    Attributes:
        flag: The flag, or a bare word for a positional argument.
        metavar: What its value is called in the help.
        many: Whether several values make a run each.
    """

    flag: str
    metavar: str = ""
    many: bool = False


FLAGS: dict[tuple[str, str], Flag] = {
    ("import", "source"): Flag("source", "PATH"),
    ("synthesize", "source"): Flag("--from", "LABELS"),
    ("synthesize", "chain"): Flag("--chain", "CHECKPOINT[,CHECKPOINT...]"),
    ("synthesize", "plan"): Flag("--plan", "PLAN.json"),
    ("synthesize", "checkpoint"): Flag("--checkpoint", "CHECKPOINT"),
    ("synthesize", "label"): Flag("--label", "LABELS"),
    ("split", "dataset"): Flag("dataset", "NAME"),
    ("scarce", "dataset"): Flag("dataset", "NAME"),
    ("scarce", "limit"): Flag("--max", "N"),
    ("scarce", "name"): Flag("--as", "NEW"),
    ("health", "dataset"): Flag("dataset", "NAME"),
    ("write", "dataset"): Flag("dataset", "NAME"),
    ("embed", "dataset"): Flag("dataset", "NAME"),
    ("embed", "synthetic"): Flag("--synthetic", "RUN[,RUN...]"),
    ("adopt", "file"): Flag("file", "PATH"),
    ("write-weights", "model"): Flag("model", "CHECKPOINT"),
    ("score", "run"): Flag("run", "RUN", many=True),
    ("pseudo-label", "run"): Flag("run", "RUN"),
    ("pseudo-label", "teacher"): Flag("--teacher", "CHECKPOINT"),
    ("pseudo-label", "co_teacher"): Flag("--co-teacher", "CHECKPOINT"),
    ("reproduce", "picture"): Flag("picture", "PICTURE"),
    ("export", "run"): Flag("run", "RUN"),
    ("evaluate", "synthetic"): Flag("--synthetic", "RUN[,RUN...]"),
    ("report", "run"): Flag("run", "RUN"),
    ("probes", "dataset"): Flag("dataset", "NAME"),
    ("evaluate", "arms"): Flag("--arms", "ARM[,ARM...]"),
    ("evaluate", "doses"): Flag("--doses", "PERCENT[,PERCENT...]"),
    ("evaluate", "heuristics"): Flag("--heuristics", "RULE[,RULE...]"),
    ("quality", "synthetic"): Flag("--synthetic", "RUN[,RUN...]"),
    ("realfake", "synthetic"): Flag("--synthetic", "RUN[,RUN...]"),
    ("scarcity", "limit"): Flag("--max", "N"),
    ("predict", "model"): Flag("model", "CHECKPOINT"),
    ("predict", "path"): Flag("path", "PATH"),
}


def add_fields(parser: Parser, kind: str) -> None:
    """Add a flag per setting of a kind of run."""
    config = KINDS[kind].config
    if config.PRESETS:
        named = (f"{name} ({config.PURPOSES[name]})" if name in config.PURPOSES else name for name in config.PRESETS)
        parser.add_argument("--preset", help=f"Named settings: {', '.join(named)}.".replace("%", "%%"))
    add_flags(parser, kind, config)


def add_flags(parser: Parser, kind: str, config: type[Config], left_out: Container[str] = ()) -> None:
    """Add a flag per setting. Values stay text; the config checks them, so that every face says the same.

    Args:
        parser: Of the command.
        kind: What `FLAGS` calls it.
        config: Whose settings.
        left_out: Those that nobody gives here.
    """
    parser.set_defaults(kind=kind)
    for name, field in config.model_fields.items():
        if name in left_out:
            continue
        named = FLAGS.get((kind, name), Flag(f"--{name.replace('_', '-')}"))
        options: dict[str, Any] = {"help": _help(field), "metavar": named.metavar or _metavar(field)}
        if named.flag.startswith("--"):
            options |= {"dest": f"set_{name}", "default": argparse.SUPPRESS}
            if kind in RECIPES and name == "b":
                options |= {"action": "append", "help": f"{options['help']} Again for another run with another one."}
            parser.add_argument(named.flag, **options)
        else:
            if not field.is_required():
                options |= {"nargs": "?", "default": argparse.SUPPRESS}
            parser.add_argument(f"set_{name}", **{"nargs": "+" if named.many else None, **options})


def _help(field: FieldInfo) -> str:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    unit = f" {extra['unit']}" if extra.get("unit") else ""
    default = (
        "" if field.is_required() or field.default in ("", None, ()) else f" (default {_word(field.default)}{unit})"
    )
    return f"{field.description}{default}".replace("%", "%%")


def _metavar(field: FieldInfo) -> str:
    """Return what a setting's value looks like: its choices, or its kind."""
    kinds = (field.annotation, *get_args(field.annotation))
    choices = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
    if choices or bool in kinds:
        return "|".join(map(str, choices or ["true", "false"]))
    return next((name for kind, name in ((int, "N"), (float, "X"), (Path, "PATH")) if kind in kinds), "TEXT")


def _word(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def command_of(kind: str, values: Mapping[str, Any], preset: str = "") -> str:
    """Return the command that makes a run of these settings.

    Args:
        kind: A key of `KINDS`.
        values: Settings by name; those left out are the preset's, or the defaults.
        preset: One of the config's, or empty.
    """
    if kind == "preflight":  # its flags are those of the run that is tried out
        trained = shlex.split(command_of(values["recipe"], values["settings"]))
        words = ["preflight" if word == "train" else word for word in trained[:4]] + trained[4:]
        return shlex.join([*words, *(["--queue"] if values.get("queue") else [])])
    words = ["python", "-m", "leafcore", *(["train"] if kind in RECIPES else []), kind]
    words += ["--preset", preset] if preset else []
    for name, value in values.items():
        flag = FLAGS.get((kind, name), Flag(f"--{name.replace('_', '-')}")).flag
        text = _listed(value) if isinstance(value, list | tuple) else _word(value)
        words += [flag, text] if flag.startswith("--") else [text]
    return shlex.join(words)


def _listed(values: Sequence[Any]) -> str:
    """Return a list as a flag takes it: names with commas between them, or JSON if it holds more than names."""
    if any(isinstance(value, Mapping) for value in values):
        return json.dumps(list(values), ensure_ascii=False)
    return ",".join(map(str, values))


def text_of(path: Path, flag: str) -> str:
    """Return the text of a file that a flag names.

    Raises:
        ConfigError: There is none, or it is no text.
    """
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{flag}: {path} cannot be read ({as_leaf_error(error) or error}).") from None


def request_of(kind: str, values: Mapping[str, Any], server: str) -> str:
    """Return the call of curl that queues a run of these settings.

    Args:
        kind: A key of `KINDS`.
        values: Settings by name, as JSON has them; those left out are the defaults.
        server: Its address, such as "http://localhost:8501".
    """
    token = f' -H "Authorization: Bearer ${TOKEN_VARIABLE}"' if api_token() else ""
    body = json.dumps({"kind": kind, "settings": dict(values)}, ensure_ascii=False)
    return f"curl {server}/api/runs -H 'Content-Type: application/json'{token} -d {shlex.quote(body)}"


def told(kind: str, config: Config) -> dict[str, Any]:
    """Return the settings that differ from the defaults, as JSON has them: those that a command has to name."""
    every = {name: value for name, value in config.model_dump(mode="json").items() if value is not None}
    fields = type(config).model_fields
    fresh = {name: field.get_default() for name, field in fields.items() if not field.is_required()}
    usual = type(config).model_construct(**fresh).model_dump(mode="json", include=set(fresh))
    short = {name: value for name, value in every.items() if name not in usual or value != usual[name]}
    if kind == "preflight":
        short["settings"] = told(short["recipe"], KINDS[short["recipe"]].config.build(short["settings"]))
        return short
    try:
        return short if type(config).build(short).digest() == config.digest() else every
    except ConfigError:  # what is usual of one setting may hang on another
        return every
