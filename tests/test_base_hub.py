import shutil
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from leafcore import base_hub
from leafcore.base_hub import fetch, look_up
from leafcore.base_models import DEFAULT_BASE, accept, accepted, fingerprint, is_accepted, open_base
from leafcore.errors import CheckpointError, ConfigError, DiskFull, Stopped
from tests.hub import Hub, break_down, http, refuse, stand_in
from tests.watcher import Watcher

pytestmark = pytest.mark.usefixtures("offline")

UNET = "unet/diffusion_pytorch_model.safetensors"  # of 1 MB, in many pieces
OTHER = "someone/leaf-diffusion"  # of which nothing is known


@pytest.fixture
def folder(tiny_base, tmp_path) -> Path:
    """What the hub holds."""
    return Path(shutil.copytree(tiny_base, tmp_path / "base"))


@pytest.fixture
def hub(folder, monkeypatch) -> Hub:
    """The hub."""
    hub = Hub(folder, license="creativeml-openrail-m")
    stand_in(monkeypatch, hub)
    return hub


@pytest.fixture
def wanted(workspace):
    """A base whose license was accepted, and that is not here."""
    base = open_base(workspace, DEFAULT_BASE)
    accept(workspace, base)
    return base


# --- fetching ---------------------------------------------------------------------------------------------------------


def test_only_what_is_used_is_fetched(workspace, folder, hub, wanted):
    unwanted = ["v1-5.ckpt", "unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.fp16.safetensors"]
    for name in unwanted:
        (folder / name).write_bytes(b"0")
    watcher = Watcher(workspace.root)
    base = fetch(workspace, wanted, watcher)
    fetched = [name for name, _ in hub.asked]
    assert not set(unwanted) & set(fetched) and UNET in fetched and "README.md" in fetched
    assert watcher.phases == ["downloading"] and watcher.done == 1, "in MiB"
    assert base.is_here and base == open_base(workspace, DEFAULT_BASE) and base.license == "creativeml-openrail-m"
    assert fingerprint(base.folder) == fingerprint(folder)
    asked = len(hub.asked)
    assert fetch(workspace, base, watcher) == base and len(hub.asked) == asked


def test_a_stop_is_heard_within_a_file_and_the_next_fetch_goes_on_where_it_was(workspace, folder, hub, wanted):
    class Stopping(Watcher):
        @property
        def should_stop(self) -> bool:
            part = wanted.folder / f"{UNET}.part"
            return part.exists() and part.stat().st_size > 0

    with pytest.raises(Stopped):
        fetch(workspace, wanted, Stopping(workspace.root))
    held = (wanted.folder / f"{UNET}.part").stat().st_size
    assert 0 < held < (folder / UNET).stat().st_size
    assert not open_base(workspace, DEFAULT_BASE).is_here
    before = [name for name, _ in hub.asked]
    hub.asked.clear()
    base = fetch(workspace, wanted, Watcher(workspace.root))
    assert hub.asked[0] == (UNET, held) and not set(before[:-1]) & {name for name, _ in hub.asked}
    assert fingerprint(base.folder) == fingerprint(folder) and not list(base.folder.rglob("*.part"))


def test_two_that_want_it_at_once_fetch_it_once(workspace, folder, hub, wanted):
    begun, other_waits, found = threading.Event(), threading.Event(), []

    class Waiting(Watcher):
        def phase(self, name: str) -> None:
            super().phase(name)
            if name.startswith("waiting for"):
                other_waits.set()

    def meet(name: str) -> None:
        if name == UNET:
            begun.set()
            other_waits.wait(5)
            other_waits.set()

    def get(name: str) -> None:
        watcher = Waiting(workspace.root / name)
        found.append((fetch(workspace, wanted, watcher).is_here, watcher.phases))

    hub.meanwhile = meet
    first, second = (threading.Thread(target=get, args=(name,)) for name in ("first", "second"))
    first.start()
    assert begun.wait(30)
    second.start()
    for thread in (first, second):
        thread.join()
    said = f"waiting for {DEFAULT_BASE}, which another run fetches"
    assert found == [(True, ["downloading"]), (True, [said])] or found == [(True, [said]), (True, ["downloading"])]
    assert [start for name, start in hub.asked if name == UNET] == [0]
    assert fingerprint(wanted.folder) == fingerprint(folder)


def test_a_stop_is_heard_while_another_fetches_it(workspace, hub, wanted):
    workspace.locks.mkdir(parents=True, exist_ok=True)
    with FileLock(workspace.locks / f"base-{wanted.folder.name}.lock", is_singleton=False), pytest.raises(Stopped):
        fetch(workspace, wanted, Watcher(workspace.root, stop_after=0))
    assert hub.asked == []


def test_without_its_last_small_file_it_is_still_unfinished(workspace, folder, hub, wanted):
    def break_at_the_card(name: str) -> None:
        if name == "vae/config.json":
            raise http.ReadTimeout("no byte came")

    hub.meanwhile = break_at_the_card
    with pytest.raises(CheckpointError, match="could not be fetched"):
        fetch(workspace, wanted, Watcher(workspace.root))
    shutil.copyfile(folder / "vae" / "config.json", wanted.folder / "vae" / "config.json")
    shutil.copyfile(folder / "vae" / Path(UNET).name, wanted.folder / "vae" / Path(UNET).name)
    assert not open_base(workspace, DEFAULT_BASE).is_here, "nobody has said that these are all"
    hub.meanwhile = lambda name: None
    assert fetch(workspace, wanted, Watcher(workspace.root)).is_here


def test_a_connection_that_breaks_is_tried_again_from_there(workspace, folder, hub, wanted):
    broken: list[str] = []

    def break_once(name: str) -> None:
        if name == UNET and hub.asked[-1][1] == 0 and len(broken) < 8:
            broken.append(name)
            if len(broken) == 8:
                raise http.ReadError("the connection broke")

    hub.meanwhile = break_once
    base = fetch(workspace, wanted, Watcher(workspace.root))
    starts = [start for name, start in hub.asked if name == UNET]
    assert len(starts) == 2 and starts[1] > 0
    assert fingerprint(base.folder) == fingerprint(folder)


def test_a_file_that_arrived_damaged_is_dropped(workspace, folder, hub, wanted):
    content = (folder / UNET).read_bytes()
    part = wanted.folder / f"{UNET}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * len(content))
    with pytest.raises(CheckpointError, match=f"{UNET} of {DEFAULT_BASE} arrived damaged and was dropped; fetch it"):
        fetch(workspace, wanted, Watcher(workspace.root))
    assert not part.exists() and fetch(workspace, wanted, Watcher(workspace.root)).is_here


def test_a_full_disk_is_told_before_anything_is_fetched(workspace, hub, wanted, monkeypatch):
    def full(folder: Path, needed_bytes: int) -> None:
        raise DiskFull("full")

    monkeypatch.setattr(base_hub, "require_space", full)
    with pytest.raises(DiskFull):
        fetch(workspace, wanted, Watcher(workspace.root))
    assert hub.asked == []


def test_a_license_that_nobody_accepted_fetches_nothing(workspace, hub):
    with pytest.raises(ConfigError, match="accept_license: "):
        fetch(workspace, open_base(workspace, DEFAULT_BASE), Watcher(workspace.root))
    assert hub.asked == []


# --- a hub that does not answer ---------------------------------------------------------------------------------------


def test_without_a_net_the_error_names_the_folder_to_provide(workspace, wanted):
    with pytest.raises(CheckpointError) as caught:
        fetch(workspace, wanted, Watcher(workspace.root))
    said = str(caught.value)
    assert all(
        part in said for part in ("model_index.json, unet/, vae/, text_encoder/", str(wanted.folder), DEFAULT_BASE)
    )
    assert "\n" not in said


@pytest.mark.parametrize(
    ("name", "answer", "why"),
    [
        (OTHER, break_down, "ReadTimeout"),
        (OTHER, refuse(401), "RepositoryNotFoundError|HfHubHTTPError"),
        (OTHER, refuse(503), "HfHubHTTPError"),
        ("a/b--c", refuse(404), "HFValidationError"),
    ],
)
def test_whatever_goes_wrong_is_one_line_that_names_the_folder(workspace, monkeypatch, name, answer, why):
    stand_in(monkeypatch, answer)
    with pytest.raises(
        CheckpointError, match=rf"base: {name} is not on .* \(({why})\)\. Provide .* model_index"
    ) as said:
        look_up(workspace, name)
    assert "\n" not in str(said.value)


def test_a_connection_that_stays_broken_is_one_line_too(workspace, hub, wanted):
    def breaks(name: str) -> None:
        raise http.ReadTimeout("no byte came")

    hub.meanwhile = breaks
    with pytest.raises(CheckpointError, match=r"could not be fetched \(ReadTimeout\)\. Provide it as a folder"):
        fetch(workspace, wanted, Watcher(workspace.root))
    assert len(hub.asked) == base_hub.TRIES


def test_a_model_without_weights_that_can_be_read_is_refused_before_any_download(workspace, folder, hub, wanted):
    (folder / UNET).rename(folder / "unet" / "diffusion_pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"has no weights as safetensors in unet/; expected"):
        fetch(workspace, wanted, Watcher(workspace.root))
    assert hub.asked == []


# --- licenses ---------------------------------------------------------------------------------------------------------


def test_of_one_that_nobody_knows_license_and_size_are_read_before_they_are_accepted(workspace, folder, hub):
    before = open_base(workspace, OTHER)
    assert not before.is_known and before.words.startswith(f"license not known yet (https://huggingface.co/{OTHER})")
    with pytest.raises(ConfigError, match="the license of .* is not known yet"):
        accept(workspace, before)
    base = look_up(workspace, OTHER)
    assert base.license == "creativeml-openrail-m" and not base.is_here
    assert base.bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    stored = open_base(workspace, OTHER)
    assert stored == base, "the hub need not be asked again"
    accept(workspace, base)
    assert accepted(workspace)[OTHER]["license"] == "creativeml-openrail-m"


def test_a_license_of_its_own_is_called_by_its_name(workspace, hub):
    hub.card = {"license": "other", "license_name": "leaf-1.0", "license_link": "https://example.org/leaf"}
    base = look_up(workspace, OTHER)
    assert (base.license, base.license_url) == ("leaf-1.0", "https://example.org/leaf")


def test_another_license_than_was_accepted_is_asked_for_before_it_is_fetched(workspace, hub, wanted):
    hub.card = {"license": "cc-by-nc-4.0"}
    with pytest.raises(ConfigError, match="accept_license: .* license cc-by-nc-4.0"):
        fetch(workspace, wanted, Watcher(workspace.root))
    assert hub.asked == [] and not is_accepted(workspace, open_base(workspace, DEFAULT_BASE))


def test_the_card_that_came_with_it_decides(workspace, folder, hub, wanted):
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    with pytest.raises(ConfigError, match="accept_license: .* license mit"):
        fetch(workspace, wanted, Watcher(workspace.root))
    assert open_base(workspace, DEFAULT_BASE).license == "mit"
