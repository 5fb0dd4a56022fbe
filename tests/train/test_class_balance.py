import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from leafcore.data.sampling import WeightedStream
from leafcore.train.class_balance import class_weights, picture_weights

ONE_OF_THREE = np.eye(3)[[0] * 6 + [1] * 3 + [2]]
SEVERAL = np.array([[1, 0], [1, 0], [1, 1], [1, 0]])


def test_weights_of_one_label_each_are_those_of_scikit_learn():
    wanted = compute_class_weight("balanced", classes=np.arange(3), y=ONE_OF_THREE.argmax(1))
    assert class_weights(ONE_OF_THREE, exclusive=True) == pytest.approx(wanted)


def test_a_positive_of_several_labels_weighs_as_many_negatives():
    assert class_weights(SEVERAL, exclusive=False).tolist() == [0.25, 3.0]


def test_a_label_without_pictures_has_a_weight():
    assert np.isfinite(class_weights(np.eye(3)[[0, 1]], exclusive=True)).all()


def test_a_picture_is_drawn_as_its_rarest_label_asks():
    assert picture_weights(SEVERAL).tolist() == [0.25, 0.25, 1.0, 0.25]


def test_balanced_draws_show_every_label_equally_often():
    stream = WeightedStream(torch.from_numpy(picture_weights(ONE_OF_THREE)), torch.Generator().manual_seed(0))
    shown = ONE_OF_THREE[stream.take(6000).numpy()].mean(0)
    assert shown == pytest.approx([1 / 3] * 3, abs=0.03)
