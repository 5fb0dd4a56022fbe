import torch

from leafcore.train.augment import StudyAugment


def stripes(count=64, size_px=32):
    """Return pictures that are bright on top and reddish at the left, so that a turn shows: (N, 3, S, S) uint8."""
    picture = torch.full((3, size_px, size_px), 60, dtype=torch.uint8)
    picture[:, : size_px // 2] = 180
    picture[0, :, : size_px // 2] += 40
    return picture.repeat(count, 1, 1, 1)


def test_each_picture_is_changed_on_its_own_and_the_same_seed_changes_it_alike():
    torch.manual_seed(3)
    changed = StudyAugment(32)(stripes())
    assert changed.shape == (64, 3, 32, 32) and changed.dtype == torch.uint8
    assert len({tuple(picture.flatten().tolist()) for picture in changed}) == 64
    torch.manual_seed(3)
    assert torch.equal(StudyAugment(32)(stripes()), changed)


def test_a_turn_brings_no_black_corner_into_the_picture():
    assert StudyAugment(32)(torch.full((32, 3, 32, 32), 200, dtype=torch.uint8)).min() > 200 * 0.8**3 - 1


def test_pictures_are_turned_every_way_but_keep_their_hue():
    changed = StudyAugment(32)(stripes(256)).float()
    top, bottom = changed[:, :, :16].mean((1, 2, 3)), changed[:, :, 16:].mean((1, 2, 3))
    assert (top > bottom + 40).sum() > 30 and (bottom > top + 40).sum() > 30
    assert (changed[:, 0] >= changed[:, 1] - 1).all() and (changed[:, 1] - changed[:, 2]).abs().max() <= 1
