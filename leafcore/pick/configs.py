"""Settings of `score`; free of torch."""

from pydantic import field_validator

from leafcore.config import Config, setting, split_names
from leafcore.embedding import BUNDLED
from leafcore.pick.scores import Direction

AUTO, NO_JUDGE = "auto", "none"


class ScoreConfig(Config):
    """Settings of `score`."""

    run: str = setting(
        ..., "Training run of a translation or a noise model; it may still be training.", ref="generator_run"
    )
    direction: Direction = setting("ab", "Which generator of a translation: ab translates A to B, ba the other way.")
    epochs: tuple[int, ...] = setting((), "Epochs to score, such as 4,8; none given: all that are saved.")
    count: int = setting(
        0,
        "Validation pictures to translate, the same at every epoch, 0: all; or to make from noise, 0: 200 to 1000.",
        ge=0,
        le=100_000,
        unit="pictures",
    )
    judge: str = setting(
        AUTO,
        "Classifier that names the fakes: a checkpoint or a run; auto takes the newest over the same dataset; none.",
        ref="judge",
    )
    backbone: str = setting(
        AUTO,
        f"Features of the distances: any timm model; auto takes inception_v3 where its weights are, else {BUNDLED}.",
        advanced=True,
    )
    pretrained: bool = setting(True, "Use ImageNet weights; without them distances mean little.", advanced=True)
    batch_size: int = setting(8, "Pictures per forward pass.", ge=1, le=1024, advanced=True)
    seed: int = setting(0, "Seed of the choice of pictures and of KID's folds.", ge=0, advanced=True)
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True)

    @field_validator("epochs", mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return split_names(value)
