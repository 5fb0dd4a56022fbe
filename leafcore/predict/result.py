"""What a prediction found; free of torch."""

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
        unreadable: Pictures that could not be read, and why; the table leaves them out.
        test_opened: How often the dataset's test split has been looked at, this time included; 0: not now.
    """

    images: int
    labels: dict[str, int]
    classes: tuple[str, ...]
    thresholds: dict[str, float]
    views: int
    layout: Layout
    csv: str
    unreadable: dict[str, str]
    test_opened: int = 0
