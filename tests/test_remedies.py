import importlib.util

import pytest

from leafcore.errors import OutOfMemory, TrainingDiverged, as_leaf_error
from leafcore.remedies import advised, remedy
from leafcore.train.configs import ClassifierConfig, CycleGANConfig, DreamBoothConfig

GAN = CycleGANConfig(dataset="leaves", b="rust", batch_size=4, size_px=128, device="cuda:0").model_dump()


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        ("out_of_memory", {"batch_size": 2}),
        ("diverged", {"learning_rate": 1e-4}),
        ("device", {"device": "auto"}),
        ("driver", {"device": "cpu"}),
        ("disk_full", {}),
        ("dataset", {}),
        ("job", {}),
    ],
)
def test_a_failure_asks_for_one_change(code, fix):
    assert remedy(code, CycleGANConfig, GAN) == fix


def test_pictures_get_smaller_when_the_batch_cannot():
    assert remedy("out_of_memory", CycleGANConfig, {**GAN, "batch_size": 1}) == {"size_px": 64}
    least = ClassifierConfig(dataset="leaves", batch_size=2, size_px=96).model_dump()
    assert remedy("out_of_memory", ClassifierConfig, least) == {"size_px": 32}, "it takes no batch of one"


def test_dreambooth_learns_the_same_in_less_memory_before_it_learns_something_else(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "bitsandbytes")
    settings = DreamBoothConfig(
        dataset="leaves", method="full", learning_rate=5e-6, batch_size=2, size_px=512, device="cuda:0"
    ).model_dump()
    fixes = []
    while fix := remedy("out_of_memory", DreamBoothConfig, settings):
        fixes.append(fix)
        settings |= fix
    assert fixes[:2] == [{"gradient_checkpointing": True}, {"optimizer": "adamw8bit"}]
    assert fixes[2:4] == [{"batch_size": 1}, {"method": "lora", "learning_rate": 1e-4}]
    assert fixes[4:] == [{"size_px": 256}, {"size_px": 128}, {"size_px": 64}, {"size_px": 32}]


def test_eight_bits_are_offered_only_where_they_are_present():
    asked = DreamBoothConfig(dataset="leaves", method="full", gradient_checkpointing=True, device="cpu")
    assert remedy("out_of_memory", DreamBoothConfig, asked.model_dump()) == {"method": "lora"}


@pytest.mark.parametrize(
    ("values", "tries"),
    [
        ({}, "gradient_checkpointing true or size_px 256"),
        ({"gradient_checkpointing": True}, "size_px 256"),
        ({"method": "full", "learning_rate": 5e-6, "gradient_checkpointing": True, "batch_size": 4},
         "batch_size 2 or method lora with learning_rate 0.0001 or size_px 256"),
        ({"gradient_checkpointing": True, "size_px": 32}, "a device with more of it"),
    ],
)  # fmt: skip
def test_a_full_memory_says_what_dreambooth_can_do_without(values, tries):
    settings = DreamBoothConfig(**{"dataset": "leaves", "device": "cpu", **values}).model_dump()
    error = advised(OutOfMemory("The memory is full."), DreamBoothConfig, settings)
    assert isinstance(error, OutOfMemory) and str(error) == f"The memory is full: try {tries}."


def test_other_failures_and_other_kinds_say_what_they_said():
    for error, config in ((OutOfMemory("full"), CycleGANConfig), (TrainingDiverged("nan"), DreamBoothConfig)):
        assert advised(error, config, GAN) is error


def test_nothing_is_offered_that_the_settings_would_refuse():
    assert remedy("out_of_memory", CycleGANConfig, {**GAN, "batch_size": 1, "size_px": 32}) == {}
    assert remedy("device", CycleGANConfig, {**GAN, "device": "auto"}) == {}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RuntimeError("CUDA error: device-side assert triggered\nCUDA kernel errors might be ..."), "driver"),
        (RuntimeError("Found no NVIDIA driver on your system."), "driver"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
            "out_of_memory",
        ),
        (MemoryError(), "out_of_memory"),
    ],
)
def test_failures_of_the_machine_are_typed_in_one_line(error, code):
    known = as_leaf_error(error)
    assert known.code == code and "\n" not in str(known)


def test_a_full_gpu_is_out_of_memory_not_a_driver_that_gave_up():
    class OutOfMemoryError(RuntimeError):
        """As torch names it."""

    assert as_leaf_error(OutOfMemoryError("CUDA out of memory. Tried ... CUDA error")).code == "out_of_memory"
