"""Sets written by hand, as the tests of exports have them."""

from tests.export.conftest import own_shelf, shelves

__all__ = ["own_shelf", "shelves"]
