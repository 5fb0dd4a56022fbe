"""The Studio's way from a prompt."""

import json

import pytest

from leafcore.base_models import accepted
from leafcore.checkpoints import promote
from leafcore.data.manifest import load
from leafcore.data.mask_sets import CARD
from leafcore.data.synthetic_sets import REJECTED, open_synthetic_set
from leafcore.files import read_json, write_json
from leafcore.questions import DrawQuestion
from leafcore.runs import list_runs
from leafcore.synthesize.sources import choose_sources
from leafcore.synthesize.verdicts import Check, Verification
from tests.conftest import carrier
from tests.noise_models import InThisProcess


@pytest.fixture
def studio(open_app, own, journey, tiny_base, monkeypatch):
    """The Studio over a model that was taught rust, and what its worker was asked."""
    tiny = {"base": str(tiny_base), "epochs": 1, "epoch_steps": 1, "prior_weight": 0.0}
    run = carrier(own)("dreambooth", dataset=journey.dataset, **tiny)
    promote(own, run.id, "sks")
    app, worker = open_app(own), InThisProcess(own)
    monkeypatch.setattr("ui.cached.warm_worker", lambda: worker)
    return app, worker


def texts(page):
    return " ".join(part.value for part in [*page.markdown, *page.caption])


def test_without_a_model_the_way_to_one_is_shown(open_app, own):
    page = open_app(own).open("studio", how="From a prompt")
    assert "No model draws from a prompt yet" in page.info[0].value
    assert any(link.proto.label == "Train DreamBooth" for link in page.get("page_link"))


def test_a_preview_over_photographs_is_drawn_and_then_queued_as_it_was_seen(studio, own, journey):
    app, worker = studio
    page = app.open("studio", how="From a prompt", prompt_over="healthy")
    assert not worker.asked and "a photo of sks leaf → **rust**" in texts(page)
    page.text_input(key="prompt").set_value("a photo of a leaf").run()
    assert "Without **sks**" in texts(app.checked())
    page.slider(key="prompt_steps").set_value(2)
    page.slider(key="prompt_strength").set_value(0.5)
    page.number_input(key="prompt_seed").set_value(5)
    page.button(key="prompt_preview").click().run()
    assert not app.checked().error
    (question,) = worker.asked
    assert isinstance(question, DrawQuestion) and len(question.images) == question.n == 2
    drawn_over = choose_sources(load(own, journey.dataset), "healthy", 8, seed=5)["image"]
    assert question.images == tuple(drawn_over.head(2)), "the run's first pictures"
    assert (question.strength, question.masks) == (0.5, journey.runs["masks"].id)
    assert {"source", "drawn over"} <= {text.value for text in page.caption}
    page.button(key="prompt_generate").click().run()
    assert not app.checked().error
    settings = list_runs(own, "synthesize")[0].record.settings
    assert settings["checkpoint"].startswith("sks#") and settings["verify"] == "auto"
    wanted = {"prompt": "a photo of a leaf", "sampling_steps": 2, "strength": 0.5, "source": "healthy", "count": 8}
    assert wanted.items() <= settings.items()


def test_a_step_of_a_chain_is_told_how_to_draw_and_its_preview_is_the_run(studio, own, journey):
    app, worker = studio
    page = app.open("studio", chain="sks", src="healthy")
    page.text_input(key="draw").set_value("a photo of a leaf")
    page.slider(key="draw_steps").set_value(2)
    page.slider(key="draw_strength").set_value(0.5)
    page.slider(key="draw_lora_strength").set_value(0.25)
    page.number_input(key="seed").set_value(5).run()
    assert "Without **sks**" in texts(app.checked())
    page.button(key="preview").click().run()
    assert not app.checked().error
    (question,) = worker.asked
    page.button(key="generate").click().run()
    assert not app.checked().error
    settings = list_runs(own, "synthesize")[0].record.settings
    wanted = {"prompt": "a photo of a leaf", "sampling_steps": 2, "strength": 0.5, "lora_strength": 0.25, "seed": 5}
    assert wanted.items() <= settings.items() and wanted.items() <= question.model_dump().items()
    sources = choose_sources(load(own, journey.dataset), "healthy", settings["count"], seed=5)["image"]
    assert question.images == tuple(sources.head(4)) and question.masks == settings["masks"]


def test_a_leaf_without_a_mask_is_an_error_beside_the_preview(studio, own, journey):
    app, worker = studio
    card = own.run(journey.runs["masks"].id) / CARD
    healthy = load(own, journey.dataset).select(labels="healthy")["image"]
    write_json(card, {**read_json(card), "skipped": dict.fromkeys(healthy, "damaged")})
    page = app.open("studio", chain="sks", src="healthy")
    for button in ("preview", "generate"):
        page.button(key=button).click().run()
        assert "sources have no mask" in page.error[-1].value and "or say sks:all" in page.error[-1].value


def test_a_license_that_was_accepted_elsewhere_is_asked_for_and_accepted_here(studio, own, tiny_base):
    app, _ = studio
    own.licenses.unlink()
    page = app.open("studio", how="From a prompt")
    assert "CreativeML OpenRAIL-M" in texts(page) and "not accepted here yet" in texts(page)
    page.button(key=f"base_accept-{tiny_base}").click().run()
    assert "not accepted here yet" not in texts(app.checked()) and str(tiny_base) in accepted(own)


def test_a_base_that_is_gone_is_asked_for_where_it_is_now(studio, own, tiny_base, tmp_path):
    app, _ = studio
    card = own.checkpoints / "sks" / "card.json"
    card.write_text(card.read_text().replace(str(tiny_base), str(tmp_path / "gone")))
    own.licenses.unlink()
    page = app.open("studio", how="From a prompt")
    assert any("there is no such folder" in error.value for error in page.error)
    page.text_input(key=f"base_folder-{tmp_path / 'gone'}").set_value(str(tiny_base)).run()
    assert "not accepted here yet" in texts(page)
    page.button(key=f"base_accept-{tiny_base}").click().run()
    assert not page.exception and str(tiny_base) in accepted(own)
    assert f"If one of these is the same, it is used: `{tiny_base}`" in texts(page)


def test_rejected_pictures_are_shown_with_their_reasons(open_app, own, journey):
    run = journey.runs["synthesize"]
    folder = own.run(run.id)
    manifest = open_synthetic_set(own, run.id).manifest
    manifest.head(1).assign(failed=json.dumps(["leaf"]), why="a full leaf by 0.10").to_csv(folder / REJECTED)
    checks = (
        Check(name="leaf", by="lflseg", least=0.5, failed=1),
        Check(name="copy", withheld="too few"),
        Check(name="change", by="the pixels", least=0.5, failed=2),
    )
    found = Verification(accepted=len(manifest), rejected=1, checks=checks)
    write_json(folder / "result.json", {**read_json(folder / "result.json"), "verification": found.model_dump()})
    page = open_app(own).open("studio", set=run.id)
    said = texts(page)
    assert f"**{len(manifest)} kept of {len(manifest) + 1} made**, rust; 1 failed the automatic check" in said
    assert f"**{len(manifest)} of {len(manifest) + 1} pictures passed the automatic check**" in said
    leaf = "Shows one full leaf: 1 failed; lflseg must see one full leaf with a probability of at least 0.5."
    assert leaf in said
    assert "Differs from its source: 2 failed; its leaf, or all of it if nobody knows the leaf, must change by" in said
    assert f"By hand: 0 kept, 0 rejected, {len(manifest)} unrated of {len(manifest)}" in said
    assert "Is no copy of a training picture: withheld, too few." in said
    assert any(box.label == "Failed the automatic check: 1" for box in page.expander)
