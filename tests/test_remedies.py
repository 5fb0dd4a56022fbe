import pytest

from leafcore.errors import as_leaf_error
from leafcore.remedies import remedy
from leafcore.train.configs import ClassifierConfig, CycleGANConfig

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
