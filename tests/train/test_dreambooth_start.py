import shutil
from pathlib import Path

import pytest
from transformers import CLIPTokenizer

from leafcore.base_models import accept, fingerprint, open_base
from leafcore.errors import CheckpointError, ConfigError
from leafcore.train.configs import DreamBoothConfig
from leafcore.train.dreambooth_start import EVERYDAY, base_of_run, check_prompts, keep_base
from tests.watcher import Watcher


@pytest.fixture
def folder(tiny_base, tmp_path) -> Path:
    """A tiny Stable Diffusion that a test may change."""
    return Path(shutil.copytree(tiny_base, tmp_path / "base"))


@pytest.fixture
def run(tmp_path) -> Path:
    """A run's folder."""
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def replaced(folder: Path) -> None:
    """Put another model where a base was."""
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text() + " ")


# --- the base ---------------------------------------------------------------------------------------------------------


def test_a_run_that_goes_on_refuses_another_base_under_the_same_path(workspace, folder, run):
    base = base_of_run(workspace, str(folder), run)
    keep_base(run, base, fingerprint(folder))
    replaced(folder)
    keep_base(run, base_of_run(workspace, str(folder), run), fingerprint(folder))  # nothing was trained yet
    (run / "state.pt").touch()
    keep_base(run, base, fingerprint(folder))
    began_with = fingerprint(folder)
    replaced(folder)
    message = (
        rf"base: in {folder} is another model .* than this run began with \({began_with[:12]}\); put that one back"
    )
    with pytest.raises(CheckpointError, match=message):
        keep_base(run, base_of_run(workspace, str(folder), run), fingerprint(folder))


def test_a_run_that_goes_on_finds_its_base_where_it_was_moved_to(workspace, folder, run, tmp_path):
    keep_base(run, base_of_run(workspace, str(folder), run), fingerprint(folder))
    (run / "state.pt").touch()
    moved = folder.rename(tmp_path / "moved")
    accept(workspace, open_base(workspace, str(moved)))
    assert base_of_run(workspace, str(folder), run).folder == moved


# --- prompts ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def check(tiny_base, tmp_path):
    """Return a function that checks prompts with the tiny tokenizer, of 22 pieces, and returns what was warned of."""
    tokenizer = CLIPTokenizer.from_pretrained(tiny_base, subfolder="tokenizer")

    def check(**values: str) -> list[str]:
        watcher = Watcher(tmp_path / "watched")
        check_prompts(tokenizer, DreamBoothConfig.build({"dataset": "d", **values}), ["leaf_rust"], watcher)
        return watcher.warnings

    return check


def test_a_prompt_that_is_read_whole_is_worth_no_word(check):
    assert check(prompt="a photo of sks leaf", probes="a dog") == []
    assert check(prompt=" ".join(["sks", *["leaf"] * 21]), probes="a dog") == []


def test_the_end_of_a_prompt_that_is_not_read_is_told(check):
    (said,) = check(prompt=" ".join(["sks", *["leaf"] * 21, "dog"]), probes="a dog")
    assert "the end 'dog' is not read: the text encoder reads 22 pieces of a prompt, and this one has 23" in said
    (said,) = check(prompt="a photo of sks leaf", probes=" ".join(["photo"] * 24))
    assert "the end 'photo photo' is not read" in said


def test_a_token_that_names_what_the_pictures_show_is_warned_of(check):
    (said,) = check(token="rust", prompt="a rust leaf", probes="a dog")
    assert "'rust' is a word that the base knows" in said


def test_a_token_that_is_not_read_is_refused(check):
    with pytest.raises(ConfigError, match="prompt: got 'leaf .*: the token 'sks' is never read; shorten it"):
        check(prompt=" ".join([*["leaf"] * 22, "sks"]), probes="a dog")


@pytest.mark.parametrize(("place", "count"), [(9_000, 1), (EVERYDAY + 1, 0)])
def test_a_token_that_is_an_everyday_word_is_warned_of(tmp_path, place, count):
    class Vocabulary:
        """As CLIP's, as far as it is asked."""

        model_max_length = 77

        def __len__(self) -> int:
            return 49_408

        def __call__(self, text: str, **how: bool) -> object:
            return type("Taken", (), {"input_ids": [place for _ in text.split()]})

    watcher, config = (
        Watcher(tmp_path),
        DreamBoothConfig.build({"dataset": "d", "token": "rust", "prompt": "a rust leaf"}),
    )
    check_prompts(Vocabulary(), config, ["healthy"], watcher)
    assert len(watcher.warnings) == count and all(
        "'rust' is a word that the base knows" in one for one in watcher.warnings
    )
