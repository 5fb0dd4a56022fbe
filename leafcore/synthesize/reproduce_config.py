"""Settings of `reproduce`; free of torch."""

from leafcore.config import Config, setting

MADE = "made.png"  # what was made again, in the run's folder


class ReproduceConfig(Config):
    """Settings of `reproduce`."""

    picture: str = setting(
        ..., "The synthetic picture: a PNG with its recipe inside, or RUN/FILE of a set that is here.", ref="picture"
    )
    device: str = setting(
        "auto", "auto, cpu, or a GPU such as cuda:0; auto: the CPU if the picture was made on one.", ref="device"
    )
