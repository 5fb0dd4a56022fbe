import pytest

from ui.run_log import filtered

LOG = """starting
2026-11-21 14:55:52,238 INFO leafcore.reporting: phase: loading
2026-11-21 14:55:53,000 WARNING leafcore.reporting: rust has no validation picture
2026-11-21 14:55:54,000 ERROR leafcore.jobs: the run failed unexpectedly
Traceback (most recent call last):
ValueError: INFO of no use
"""


def test_everything_is_shown_unless_asked_otherwise():
    assert filtered(LOG, "all", "") == LOG.splitlines()


@pytest.mark.parametrize(("level", "count"), [("warnings", 4), ("errors", 3)])
def test_a_level_keeps_what_is_graver_and_tracebacks_stay_with_their_error(level, count):
    lines = filtered(LOG, level, "")
    assert len(lines) == count and lines[-1] == "ValueError: INFO of no use"


def test_a_word_finds_whole_entries_in_any_case():
    assert filtered(LOG, "all", "VALIDATION") == [LOG.splitlines()[2]]
    assert filtered(LOG, "errors", "valueerror")[0].endswith("the run failed unexpectedly")


def test_what_is_not_there_is_not_found():
    assert filtered(LOG, "errors", "loading") == [] and filtered("", "all", "") == []
