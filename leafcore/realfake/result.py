"""What a `realfake` run found, as it is written down; free of torch.

```
runs/<id>/
  realfake.json     a `RealFakeResult` of the sets that are judged so far, written after each
```
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

RESULT = "realfake.json"

Machine = Literal["probe", "cnn"]
MACHINES: dict[Machine, str] = {"probe": "Linear probe", "cnn": "Fine-tuned network"}


class Told(BaseModel):
    """How well a machine tells held-out pictures, half of which are real.

    Attributes:
        hits: How many it named rightly.
        n: Of how many.
        accuracy: Their share; guessing gives one half.
        low: The lower end of the exact 95 % interval (Clopper and Pearson 1934).
        high: The upper end.
        auroc: How probable it is that a synthetic picture looks more synthetic to it than a real one; 0.5 by guessing.
    """

    model_config = ConfigDict(frozen=True)

    hits: int
    n: int
    accuracy: float
    low: float
    high: float
    auroc: float

    def verdict(self) -> str:
        """Say in words what the interval allows to be said."""
        facts = f"{self.accuracy:.0%} of {self.n}, {self.low:.0%} to {self.high:.0%}"
        return f"told apart: {facts}" if self.low > 0.5 else f"not shown to be told apart: {facts}; guessing gives 50%"


class SetTold(BaseModel):
    """What the machines make of one set.

    Attributes:
        set: The run that made it.
        title: What people call it.
        labels: The label sets that were shown, the same numbers of real and synthetic pictures of each.
        learned: Pictures of each kind that the machines learned from.
        judged: Pictures of each kind that they were judged on, one of a group.
        told: By machine.
        suspicion: By file of a synthetic picture that was judged, how probable the machines say, on average, that
            it is synthetic, from 0 to 1.
        withheld: Why nothing is told; empty if something is.
    """

    model_config = ConfigDict(frozen=True)

    set: str
    title: str
    labels: tuple[str, ...] = ()
    learned: int = 0
    judged: int = 0
    told: dict[Machine, Told] = {}
    suspicion: dict[str, float] = {}
    withheld: str = ""

    def verdict(self) -> str:
        """Say of each machine whether it tells the set from photographs."""
        if self.withheld:
            return self.withheld
        return "; ".join(f"{MACHINES[name]}: {told.verdict()}" for name, told in self.told.items())


class RealFakeResult(BaseModel):
    """What a `realfake` run ended with.

    Attributes:
        dataset: The dataset version of the photographs.
        size_px: The side to which all pictures were brought.
        quality: Of the JPEG that all pictures went through.
        backbone: The network of both machines.
        warning: What the side enlarges, so that blur may tell; empty if nothing.
        sets: In the order that was asked for.
    """

    dataset: str
    size_px: int
    quality: int
    backbone: str
    warning: str = ""
    sets: list[SetTold] = []
