"""The settings of every recipe, and the table of recipes. Free of torch, so that pages and commands may read it.

Defaults are the publications'; presets say what differs for a trial on a CPU.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from leafcore.config import setting
from leafcore.data.labels import label_set
from leafcore.train.classifier_config import ClassifierConfig as ClassifierConfig
from leafcore.train.dcgan_config import DCGANConfig as DCGANConfig
from leafcore.train.diffusion_config import DiffusionConfig as DiffusionConfig
from leafcore.train.dreambooth_config import DreamBoothConfig as DreamBoothConfig
from leafcore.train.noise_config import NoiseModelConfig as NoiseModelConfig
from leafcore.train.train_config import Precision as Precision
from leafcore.train.train_config import TrainConfig as TrainConfig


class TranslationConfig(TrainConfig):
    """CycleGAN (Zhu et al. 2017) with the settings of its reference implementation."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {
            "epochs": 2, "epochs_decay": 0, "size_px": 32, "batch_size": 4, "filters": 8, "blocks": 1,
            "disc_filters": 8, "disc_layers": 2, "max_steps_per_epoch": 12, "probes": 4, "save_every": 1,
        },
        "draft": {
            "epochs": 12, "epochs_decay": 12, "size_px": 64, "batch_size": 4, "filters": 16, "blocks": 4,
            "disc_filters": 32, "disc_layers": 2, "probes": 6, "save_every": 1,
        },
        "paper": {"log_every": 10},
    }  # fmt: skip

    a: str = setting("healthy", "Label set to translate from.", ref="label_set")
    b: str = setting(..., "Label set to translate to.", ref="label_set")
    epochs: int = setting(100, "Epochs at the full learning rate.", ge=1, le=10_000)
    epochs_decay: int = setting(100, "Epochs over which the learning rate then falls to zero.", ge=0, le=10_000)
    save_every: int = setting(
        5, "Weights and samples are saved every so many epochs.", unit="epochs", ge=1, advanced=True, group="Saving"
    )
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
    discriminator: Literal["patch", "aided"] = setting(
        "patch",
        "What tells real from fake: the published PatchGAN, or one aided by features that ImageNet taught, which sees "
        "spots of a few pixels.",
        advanced=True,
        group="Network",
    )
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
    "diffusion": RecipeEntry(
        "Diffusion",
        "Makes new pictures of noise step by step, of any class that it is asked for; slower and steadier than DCGAN.",
        "A dataset; two label sets or more for classes.",
        DiffusionConfig,
        "leafcore.train.diffusion:Diffusion",
    ),
    "dreambooth": RecipeEntry(
        "DreamBooth",
        "Teaches a Stable Diffusion what a word means: it then draws this disease from a prompt.",
        "A dataset, a few pictures will do; and a Stable Diffusion, fetched or in a folder.",
        DreamBoothConfig,
        "leafcore.train.dreambooth:DreamBooth",
    ),
    "classifier": RecipeEntry(
        "Classifier",
        "Tells the labels of a picture; the judge of whether synthetic pictures help.",
        "A dataset with validation pictures.",
        ClassifierConfig,
        "leafcore.train.classifier:Classifier",
    ),
}


def is_generative(kind: str) -> bool:
    """Whether a kind of run trains what makes pictures: translations, pictures from noise, or from a prompt."""
    return kind in RECIPES and issubclass(RECIPES[kind].config, TranslationConfig | NoiseModelConfig | DreamBoothConfig)


def is_scored(kind: str) -> bool:
    """Whether the epochs of a kind of run can be scored against real pictures: those of translations and noise models.

    What a prompt draws is verified picture by picture instead.
    """
    return kind in RECIPES and issubclass(RECIPES[kind].config, TranslationConfig | NoiseModelConfig)


def is_noise_model(kind: str) -> bool:
    """Whether a kind of run trains what makes pictures from noise."""
    return kind in RECIPES and issubclass(RECIPES[kind].config, NoiseModelConfig)


def is_translation(kind: str) -> bool:
    """Whether a kind of run trains a generator for each direction between two label sets."""
    return kind in RECIPES and issubclass(RECIPES[kind].config, TranslationConfig)
