"""The moving average of a network's weights, which is what users keep of a generator if they ask for it."""

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def averaged(network: nn.Module, decay: float, *, use_buffers: bool = False) -> AveragedModel:
    """Return a moving average of a network, to be told of every step by `update_parameters`.

    Args:
        network: What is trained.
        decay: Share that the average keeps of itself at each step, in (0, 1); less at first, see `warmed_up`.
        use_buffers: Average the running statistics too: they belong to the averaged weights.
    """
    return AveragedModel(network, multi_avg_fn=warmed_up(decay), use_buffers=use_buffers)


def warmed_up(decay: float) -> Callable[[Any, Any, Any], None]:
    """Return a moving average that forgets its beginning fast: after n updates it decays by (1 + n) / (10 + n) at most.

    That is TensorFlow's `ExponentialMovingAverage` with `num_updates`; a short run would else keep its first weights.
    """

    def average(kept: Any, now: Any, updates: Any) -> None:
        count = int(updates)
        get_ema_multi_avg_fn(min(decay, (1 + count) / (10 + count)))(kept, now, updates)

    return average
