"""The settings of every recipe, and the table of recipes. Free of torch, so that pages and commands may read it.

Defaults are the publications'; presets say what differs for a trial on a CPU.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import field_validator, model_validator

from leafcore.config import Config, setting
from leafcore.data.labels import label_set
from leafcore.errors import ConfigError
from leafcore.workspace import check_name

Precision = Literal["auto", "fp32", "bf16"]


class TrainConfig(Config):
    """What every recipe needs to know."""

    BEST_BY: ClassVar[str] = ""  # the validation score, higher is better, that picks an epoch; empty: the last counts

    dataset: str = setting(..., "Dataset to learn from; only its train pictures are used.", ref="dataset")
    epochs: int = setting(100, "Epochs to train.", ge=1, le=10_000)
    batch_size: int = setting(1, "Pictures per step.", ge=1, le=1024)
    size_px: int = setting(256, "Side of the pictures the networks see.", unit="px", ge=32, le=1024, multiple_of=4)
    learning_rate: float = setting(2e-4, "Step size of the optimizer.", gt=0, le=1, advanced=True, group="Optimizer")
    seed: int = setting(0, "Seed of everything random in this run.", ge=0, advanced=True, group="Optimizer")
    max_steps_per_epoch: int = setting(
        0, "Cuts each epoch to so many steps; 0 means all.", ge=0, advanced=True, group="Saving"
    )
    save_every: int = setting(
        1, "Weights and samples are saved every so many epochs.", unit="epochs", ge=1, advanced=True, group="Saving"
    )
    keep_every: int = setting(
        0,
        "Of the saved weights only every so many epochs' are kept, beside the last and those in use; 0 keeps all.",
        unit="epochs", ge=0, advanced=True, group="Saving",
    )  # fmt: skip
    state_every_s: float = setting(
        300.0,
        "What a resume needs is also saved after so many seconds within an epoch.",
        unit="s",
        gt=0,
        advanced=True,
        group="Saving",
    )
    log_every: int = setting(
        1, "Losses are recorded every so many steps.", unit="steps", ge=1, advanced=True, group="Saving"
    )
    device: str = setting("auto", "auto, cpu, or a GPU such as cuda:0.", ref="device", advanced=True, group="Optimizer")
    precision: Precision = setting(
        "auto",
        "fp32 is exact; bf16 is up to twice as fast; auto takes bf16 on a GPU.",
        advanced=True,
        group="Optimizer",
    )
    tracker: Literal["none", "tensorboard", "wandb"] = setting(
        "none",
        "Follows the run elsewhere too: TensorBoard's files in the run's folder, or Weights & Biases.",
        ref="tracker",
        advanced=True,
        group="Saving",
    )
    promote_as: str = setting(
        "",
        "Promotes an epoch under this name when done: a classifier's best on validation pictures, else the last.",
        advanced=True,
        group="Saving",
    )

    @field_validator("promote_as")
    @classmethod
    def _promote_as(cls, value: str) -> str:
        try:
            return check_name(value, "promote_as") if value else value
        except ConfigError as error:
            raise ValueError(str(error)) from None


class TranslationConfig(TrainConfig):
    """CycleGAN (Zhu et al. 2017) with the settings of its reference implementation."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {
            "epochs": 2, "epochs_decay": 0, "size_px": 32, "batch_size": 4, "filters": 8, "blocks": 1,
            "disc_filters": 8, "disc_layers": 2, "max_steps_per_epoch": 12, "probes": 4,
        },
        "draft": {
            "epochs": 12, "epochs_decay": 12, "size_px": 64, "batch_size": 4, "filters": 16, "blocks": 4,
            "disc_filters": 32, "disc_layers": 2, "probes": 6,
        },
        "paper": {"save_every": 5, "log_every": 10},
    }  # fmt: skip

    a: str = setting("healthy", "Label set to translate from.", ref="label_set")
    b: str = setting(..., "Label set to translate to.", ref="label_set")
    epochs: int = setting(100, "Epochs at the full learning rate.", ge=1, le=10_000)
    epochs_decay: int = setting(100, "Epochs over which the learning rate then falls to zero.", ge=0, le=10_000)
    load_px: int = setting(
        0, "Side of the pictures before cropping; 0: 286 for 256, in proportion.", unit="px", ge=0, le=2048,
        advanced=True, group="Data",
    )  # fmt: skip
    flip: bool = setting(True, "Mirrors every other picture, at random.", advanced=True, group="Data")
    init: str = setting(
        "",
        "Start from these weights: a checkpoint, a translation run or run@epoch, or the path of a folder in which "
        "CycleGAN's or LeafGAN's own code saved latest_net_G_A.pth. Networks must be of the same form.",
        ref="start",
        advanced=True,
        group="Network",
    )
    generator: Literal["resnet", "unet"] = setting(
        "resnet",
        "Form of the generators: residual blocks, or a U-Net that keeps fine outlines.",
        advanced=True,
        group="Network",
    )
    filters: int = setting(
        64, "Channels of the generator's first layer (ngf).", ge=4, le=256, advanced=True, group="Network"
    )
    blocks: int = setting(9, "Residual blocks, of a ResNet generator.", ge=1, le=24, advanced=True, group="Network")
    downs: int = setting(
        0,
        "Halvings of the picture, of a U-Net generator; 0: as many as fit, 8 for 256 px.",
        ge=0,
        le=9,
        advanced=True,
        group="Network",
    )
    upsampling: Literal["transposed", "resize"] = setting(
        "transposed",
        "How a generator enlarges: transposed convolutions as published, or resizing, without checkerboards.",
        advanced=True,
        group="Network",
    )
    residual: bool = setting(
        False, "The generator predicts a change of the picture, not a new one.", advanced=True, group="Network"
    )
    ema_decay: float = setting(
        0.0, "Keeps the generators' moving average instead of their last weights, such as 0.999; 0: the last.",
        ge=0, lt=1, advanced=True, group="Network",
    )  # fmt: skip
    disc_filters: int = setting(
        64, "Channels of the discriminator's first layer (ndf).", ge=4, le=256, advanced=True, group="Network"
    )
    disc_layers: int = setting(
        3, "Strided layers of the discriminator after its first.", ge=1, le=5, advanced=True, group="Network"
    )
    weight_cycle: float = setting(10.0, "Weight of the cycle-consistency loss.", ge=0, advanced=True, group="Losses")
    weight_identity: float = setting(5.0, "Weight of the identity loss.", ge=0, advanced=True, group="Losses")
    pool_size: int = setting(
        50, "Fakes the discriminator's image pool remembers.", ge=0, le=10_000, advanced=True, group="Optimizer"
    )
    beta1: float = setting(0.5, "Adam's first momentum.", ge=0, lt=1, advanced=True, group="Optimizer")
    compiled: bool = setting(
        False,
        "Compiles the networks (torch.compile; CUDA graphs on a GPU): minutes at the start, then faster steps.",
        advanced=True,
        group="Optimizer",
    )
    probes: int = setting(
        8, "Validation pictures per domain drawn at every save.", ge=1, le=32, advanced=True, group="Saving"
    )

    @model_validator(mode="after")
    def _two_domains(self) -> "TranslationConfig":
        if label_set(self.a) == label_set(self.b):
            raise ValueError(f"a and b: got {self.a!r} twice, expected two different label sets.")
        return self

    @model_validator(mode="after")
    def _discriminator_fits(self) -> "TranslationConfig":
        if self.size_px // 2**self.disc_layers < 3:
            raise ValueError(
                f"disc_layers: got {self.disc_layers}, too many for pictures of {self.size_px} px; expected size_px / "
                "2^disc_layers of at least 3."
            )
        return self

    @model_validator(mode="after")
    def _generator_fits(self) -> "TranslationConfig":
        if self.generator == "unet" and self.size_px % 2**self.halvings:
            raise ValueError(
                f"downs: got {self.downs}, but {self.size_px} px cannot be halved as often; expected at most "
                f"{_halvings(self.size_px)}, or a size_px that is a multiple of {2**self.downs}."
            )
        return self

    @model_validator(mode="after")
    def _crop_fits(self) -> "TranslationConfig":
        if self.load_px and self.load_px < self.size_px:
            raise ValueError(f"load_px: got {self.load_px}, expected 0 or at least size_px, {self.size_px} px.")
        return self

    @property
    def halvings(self) -> int:
        """How often a U-Net generator halves the picture."""
        return self.downs or _halvings(self.size_px)

    @property
    def init_path(self) -> Path | None:
        """The folder or file to start from, if `init` is a path and no name of ours."""
        path = Path(self.init).expanduser()
        return path if len(path.parts) > 1 or path.is_absolute() or path.suffix == ".pth" else None

    @property
    def all_epochs(self) -> int:
        """Epochs at the full rate and while it falls."""
        return self.epochs + self.epochs_decay


def _halvings(size_px: int) -> int:
    """Return how often a side can be halved: 8 times for 256 px."""
    return (size_px & -size_px).bit_length() - 1


class CycleGANConfig(TranslationConfig):
    """Settings of the recipe `cyclegan`."""


class LeafGANConfig(TranslationConfig):
    """LeafGAN (Cap et al. 2020): CycleGAN that looks at the leaf only and leaves the background as it is."""

    masks: str = setting(..., "Mask set to use: the id of a masks run over the same dataset version.", ref="masks")
    weight_background: float = setting(5.0, "Weight of the background loss.", ge=0, advanced=True, group="Losses")
    blend: bool = setting(
        False,
        "Fakes keep the source outside the mask, exactly; the background loss is then 0.",
        advanced=True,
        group="Network",
    )


class LFLSegConfig(TrainConfig):
    """LFLSeg (Cap et al. 2020, section III-B): full leaf, partial leaf or non-leaf, used for its heat map."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"epochs": 2, "size_px": 96, "batch_size": 16, "max_steps_per_epoch": 12},
        "draft": {"epochs": 4, "size_px": 160, "max_steps_per_epoch": 60},
        "paper": {"backbone": "resnet101", "epochs": 20, "learning_rate": 1e-4},
    }

    nonleaf: str = setting(
        "rendered", "Folder of pictures without a leaf, or 'rendered' for scenes of our own.", ref="folder"
    )
    backbone: str = setting("tf_efficientnet_lite0", "Classifier: any timm model; the default needs no download.")
    pretrained: bool = setting(True, "Start from ImageNet weights.", advanced=True, group="Network")
    init: str = setting(
        "",
        "Start from these LFLSeg weights instead, whose backbone it then is: a checkpoint, an lflseg run, or a file "
        "such as LeafGAN's LFLSeg_resnet101.pth.",
        ref="init",
        advanced=True,
        group="Network",
    )
    epochs: int = setting(5, "Epochs to train.", ge=1, le=1000)
    batch_size: int = setting(32, "Pictures per step.", ge=3, le=1024)
    size_px: int = setting(224, "Side of the pictures the classifier sees.", unit="px", ge=64, le=1024, multiple_of=32)
    learning_rate: float = setting(1e-3, "Step size of AdamW.", gt=0, le=1, advanced=True, group="Optimizer")
    weight_decay: float = setting(1e-2, "Weight decay of AdamW.", ge=0, le=1, advanced=True, group="Optimizer")

    @property
    def init_file(self) -> Path | None:
        """The file to start from, if `init` names one and no model of ours."""
        path = Path(self.init).expanduser()
        return path if path.suffix in {".pth", ".pt", ".safetensors"} or path.is_absolute() else None


class ClassifierConfig(TrainConfig):
    """A disease classifier: one sigmoid per label if pictures have several, else a softmax."""

    BEST_BY: ClassVar[str] = "val_macro_f1"
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"epochs": 2, "size_px": 64, "max_steps_per_epoch": 12},
        "draft": {"epochs": 10, "size_px": 128, "max_steps_per_epoch": 30},
    }

    backbone: str = setting("tf_efficientnet_lite0", "Classifier: any timm model; the default needs no download.")
    pretrained: bool = setting(True, "Start from ImageNet weights.", advanced=True, group="Network")
    epochs: int = setting(15, "Epochs to train.", ge=1, le=1000)
    batch_size: int = setting(32, "Pictures per step.", ge=2, le=1024)
    size_px: int = setting(224, "Side of the pictures the classifier sees.", unit="px", ge=32, le=1024, multiple_of=32)
    learning_rate: float = setting(1e-3, "Step size of AdamW.", gt=0, le=1, advanced=True, group="Optimizer")
    weight_decay: float = setting(1e-2, "Weight decay of AdamW.", ge=0, le=1, advanced=True, group="Optimizer")


class DCGANConfig(TrainConfig):
    """DCGAN (Radford et al. 2016): pictures of noise, as published; classes, WGAN-GP and larger pictures by setting."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {
            "epochs": 2, "batch_size": 8, "filters": 8, "disc_filters": 8, "max_steps_per_epoch": 12, "save_every": 1,
        },
        "draft": {
            "epochs": 200, "batch_size": 32, "filters": 32, "disc_filters": 32, "diffaug": True, "ema_decay": 0.99,
            "save_every": 20,
        },
        "paper": {},
        "wgan-gp": {"loss": "wgan-gp", "learning_rate": 1e-4, "beta1": 0.0, "beta2": 0.9},
    }  # fmt: skip

    labels: tuple[str, ...] = setting(
        (), "Label sets to learn, with commas between them; empty: all.", ref="label_sets"
    )
    conditional: Literal["none", "projection", "acgan"] = setting(
        "none",
        "Makes pictures of a class: the discriminator is told it (projection), or has to tell it (acgan).",
    )
    loss: Literal["bce", "wgan-gp"] = setting(
        "bce", "What is fought over: real or fake as published, or a distance with a gradient penalty."
    )
    epochs: int = setting(500, "Epochs to train.", ge=1, le=100_000)
    batch_size: int = setting(128, "Pictures per step, of a critic per step of its own.", ge=2, le=1024)
    size_px: int = setting(64, "Side of the pictures: 64, 128 or 256.", unit="px", ge=64, le=256, multiple_of=64)
    save_every: int = setting(
        50, "Weights and samples are saved every so many epochs.", unit="epochs", ge=1, advanced=True, group="Saving"
    )
    flip: bool = setting(True, "Mirrors every other picture, at random.", advanced=True, group="Data")
    diffaug: bool = setting(
        False,
        "Changes colors, shifts and cuts out of real and fake alike, for a few hundred pictures or less (DiffAugment).",
        advanced=True,
        group="Data",
    )
    latent: int = setting(100, "Length of the latent vector.", ge=1, le=1024, advanced=True, group="Network")
    filters: int = setting(
        64, "Channels of the generator's last layer (ngf).", ge=4, le=256, advanced=True, group="Network"
    )
    disc_filters: int = setting(
        64, "Channels of the discriminator's first layer (ndf).", ge=4, le=256, advanced=True, group="Network"
    )
    spectral_norm: bool = setting(
        False,
        "Normalises the discriminator's layers by their largest singular value, in place of batch normalisation.",
        advanced=True,
        group="Network",
    )
    ema_decay: float = setting(
        0.0, "Keeps the generator's moving average instead of its last weights, such as 0.999; 0: the last.",
        ge=0, lt=1, advanced=True, group="Network",
    )  # fmt: skip
    real_label: float = setting(
        0.9, "What the discriminator is to say of real pictures; of bce.", gt=0.5, le=1, advanced=True, group="Losses"
    )
    weight_class: float = setting(1.0, "Weight of telling the class, of acgan.", ge=0, advanced=True, group="Losses")
    weight_penalty: float = setting(
        10.0, "Weight of the gradient penalty, of wgan-gp.", ge=0, advanced=True, group="Losses"
    )
    critic_steps: int = setting(
        5, "Steps of the critic for one of the generator, of wgan-gp.", ge=1, le=100, advanced=True, group="Optimizer"
    )
    beta1: float = setting(0.5, "Adam's first momentum.", ge=0, lt=1, advanced=True, group="Optimizer")
    beta2: float = setting(0.999, "Adam's second momentum.", ge=0, lt=1, advanced=True, group="Optimizer")
    compiled: bool = setting(
        False,
        "Compiles the networks (torch.compile; CUDA graphs on a GPU): minutes at the start, then faster steps.",
        advanced=True,
        group="Optimizer",
    )
    samples: int = setting(8, "Samples drawn at every save, per class.", ge=1, le=32, advanced=True, group="Saving")

    @field_validator("labels", mode="before")
    @classmethod
    def _label_sets(cls, value: object) -> object:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            return value
        return tuple(dict.fromkeys(label_set(str(part)) for part in parts if str(part).strip()))

    @field_validator("size_px", mode="before")
    @classmethod
    def _published_size(cls, value: object) -> object:
        if str(value) not in {"64", "128", "256"}:
            raise ValueError(f"size_px: got {value}, expected 64, 128 or 256 px.")
        return value

    @model_validator(mode="after")
    def _has_classes(self) -> "DCGANConfig":
        if self.conditional != "none" and len(self.labels) == 1:
            raise ValueError(
                f"conditional: got {self.conditional!r} with one label set; expected none, or several label sets."
            )
        return self

    @model_validator(mode="after")
    def _penalty_is_differentiable(self) -> "DCGANConfig":
        if self.compiled and self.loss == "wgan-gp":
            raise ValueError(
                "compiled: got true with wgan-gp, expected false; torch.compile cannot differentiate its gradients."
            )
        return self


@dataclass(frozen=True)
class RecipeEntry:
    """A row of the table of recipes.

    Attributes:
        title: What a person calls it.
        makes: What it is for, in a sentence.
        needs: What it learns from, in a sentence.
        config: Its settings.
        recipe: Where its class is, "module:Class"; imported by the worker only.
    """

    title: str
    makes: str
    needs: str
    config: type[TrainConfig]
    recipe: str


RECIPES: dict[str, RecipeEntry] = {
    "lflseg": RecipeEntry(
        "LFLSeg",
        "Learns to tell whole leaves from parts and from other things; its heat map becomes the mask.",
        "A dataset, and pictures without a leaf: your own, or drawn.",
        LFLSegConfig,
        "leafcore.train.lflseg:LFLSeg",
    ),
    "leafgan": RecipeEntry(
        "LeafGAN",
        "Translates leaves between two label sets and leaves the background alone.",
        "A dataset with both label sets, and a mask set of it.",
        LeafGANConfig,
        "leafcore.train.leafgan:LeafGAN",
    ),
    "cyclegan": RecipeEntry(
        "CycleGAN",
        "Translates whole pictures between two label sets, background included.",
        "A dataset with both label sets; no masks.",
        CycleGANConfig,
        "leafcore.train.cyclegan:CycleGAN",
    ),
    "dcgan": RecipeEntry(
        "DCGAN",
        "Makes new pictures of noise, of one label set, of several, or of each by its name.",
        "A dataset; two train pictures or more, better a hundred.",
        DCGANConfig,
        "leafcore.train.dcgan:DCGAN",
    ),
    "classifier": RecipeEntry(
        "Classifier",
        "Tells the labels of a picture; the judge of whether synthetic pictures help.",
        "A dataset with validation pictures.",
        ClassifierConfig,
        "leafcore.train.classifier:Classifier",
    ),
}
