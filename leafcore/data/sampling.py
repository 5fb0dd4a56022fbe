"""Which pictures come next: endless random streams that can be saved and go on exactly where they were."""

import torch


class ShuffledStream:
    """Endless passes over `size` items, each pass in a new order.

    Args:
        size: How many items there are, at least one.
        generator: Draws the orders.
    """

    def __init__(self, size: int, generator: torch.Generator) -> None:
        self._size = size
        self._generator = generator
        self._order = torch.randperm(size, generator=generator)
        self._position = 0

    def take(self, count: int) -> torch.Tensor:
        """Return the next items.

        Returns:
            (count,) int64 in [0, size).
        """
        taken = []
        while count > 0:
            if self._position == self._size:
                self._order = torch.randperm(self._size, generator=self._generator)
                self._position = 0
            part = self._order[self._position : self._position + count]
            self._position += len(part)
            count -= len(part)
            taken.append(part)
        return torch.cat(taken)

    def state_dict(self) -> dict[str, object]:
        """Return where the stream is; the generator's state is the owner's to save."""
        return {"order": self._order, "position": self._position}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a saved place."""
        order, position = state["order"], state["position"]
        assert isinstance(order, torch.Tensor) and isinstance(position, int)
        self._order, self._position = order.clone(), position


class WeightedStream:
    """Endless independent draws of items, some more often than others.

    Args:
        weights: How often each item is drawn, in proportion; positive.
        generator: Draws them.
    """

    def __init__(self, weights: torch.Tensor, generator: torch.Generator) -> None:
        self._weights = weights
        self._generator = generator

    def take(self, count: int) -> torch.Tensor:
        """Return the next items; one may come several times.

        Returns:
            (count,) int64.
        """
        return torch.multinomial(self._weights, count, replacement=True, generator=self._generator)

    def state_dict(self) -> dict[str, object]:
        """Return nothing: each draw is independent, and the generator's state is the owner's to save."""
        return {}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on; the generator alone knows where."""
