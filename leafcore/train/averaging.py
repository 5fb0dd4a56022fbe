"""The moving average of a network's weights."""

from collections.abc import Callable
from typing import Any

from torch.optim.swa_utils import get_ema_multi_avg_fn


def warmed_up(decay: float) -> Callable[[Any, Any, Any], None]:
    """Return a moving average that forgets its beginning fast: after n updates it decays by (1 + n) / (10 + n) at most.

    That is TensorFlow's `ExponentialMovingAverage` with `num_updates`; a short run would else keep its first weights.
    """

    def average(kept: Any, now: Any, updates: Any) -> None:
        count = int(updates)
        get_ema_multi_avg_fn(min(decay, (1 + count) / (10 + count)))(kept, now, updates)

    return average
