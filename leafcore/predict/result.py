"""What a prediction found; free of torch.

```
runs/<id>/
  predictions.csv     the table, also of a run that was stopped: what it had named by then
  said.jsonl          what the classifier said, picture by picture, see `ledger.py`
  cams/               heat maps, if they were wanted
```
"""

from pydantic import BaseModel

from leafcore.predict.configs import Layout

TABLE = "predictions.csv"
CAMS = "cams"  # the folder of heat maps in the run's


class PredictResult(BaseModel):
    """What became of a predict run.

    Attributes:
        images: Pictures that were named.
        labels: How many got each label set.
        classes: What the classifier tells apart.
        thresholds: From which probability each label was named, as chosen on validation pictures when it was trained,
            else 0.5; empty where a picture gets its most probable label alone.
        views: How often each picture was looked at.
        layout: Whose columns the table has.
        csv: The table.
        unreadable: Pictures that could not be read, and why.
        fallback: What these count as in a competition's table, which wants a row of each; empty: they are left out.
        test_opened: How often the test split that is among the pictures has been looked at, this time included; 0: none
            is among them.
    """

    images: int
    labels: dict[str, int]
    classes: tuple[str, ...]
    thresholds: dict[str, float]
    views: int
    layout: Layout
    csv: str
    unreadable: dict[str, str]
    fallback: str = ""
    test_opened: int = 0
