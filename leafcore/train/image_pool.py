"""The image pool: a history of fakes, lest a discriminator forget them (Shrivastava et al. 2017, section 2.3)."""

import torch


class ImagePool:
    """Keeps up to `size` fakes; once full, every other query is answered with an old one, and the new one replaces it.

    Args:
        size: How many fakes to keep; 0 answers every query with its own fakes.
        generator: Draws which.
    """

    def __init__(self, size: int, generator: torch.Generator) -> None:
        self._size = size
        self._generator = generator
        self._images: list[torch.Tensor] = []

    def query(self, fakes: torch.Tensor) -> torch.Tensor:
        """Exchange fresh fakes for what the discriminator shall see.

        Args:
            fakes: (N, 3, H, W), detached.

        Returns:
            (N, 3, H, W): for each fake itself, or an older one.
        """
        if self._size == 0:
            return fakes
        answers = []
        for fake in fakes:
            if len(self._images) < self._size:
                self._images.append(fake.clone())
                answers.append(fake)
            elif torch.rand((), generator=self._generator) < 0.5:
                index = int(torch.randint(self._size, (), generator=self._generator))
                answers.append(self._images[index].to(fake.device))  # a resumed pool is loaded to the CPU
                self._images[index] = fake.clone()
            else:
                answers.append(fake)
        return torch.stack(answers)

    def state_dict(self) -> dict[str, object]:
        """Return the fakes; the generator's state is the owner's to save."""
        return {"images": torch.stack(self._images) if self._images else None}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on with saved fakes."""
        images = state["images"]
        self._images = list(images) if isinstance(images, torch.Tensor) else []
