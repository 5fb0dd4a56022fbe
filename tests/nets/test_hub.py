"""The hub, asked once: it answers, refuses, hangs up, or is not there. Nothing here leaves this machine."""

import logging
import ssl
from email.message import Message
from http.client import BadStatusLine
from urllib.error import HTTPError, URLError

import pytest
from huggingface_hub import constants

from leafcore.nets import hub


@pytest.mark.parametrize(
    ("failure", "answers"),
    [
        (HTTPError(constants.ENDPOINT, 403, "no", Message(), None), True),
        (URLError(ssl.SSLCertVerificationError("not known here")), True),
        (URLError(ConnectionRefusedError()), False),
        (TimeoutError(), False),
        (BadStatusLine("what"), False),
    ],
)
def test_what_the_hub_says_is_an_answer_and_what_the_net_says_is_none(monkeypatch, failure, answers):
    asked = []

    def urlopen(request, timeout):
        asked.append((request.get_method(), timeout))
        raise failure

    monkeypatch.setattr(hub, "urlopen", urlopen)
    assert hub.hub_answers() is answers and asked == [("HEAD", hub.ANSWER_S)]


def test_without_a_net_or_asked_to_stay_offline_nothing_answers(monkeypatch, offline):
    assert not hub.hub_answers()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "urlopen", lambda *args, **how: pytest.fail("it is not asked"))
    assert not hub.hub_answers()


def test_the_hub_s_client_is_quiet_for_a_while_only():
    logger = logging.getLogger("huggingface_hub.utils._http")
    with hub.quiet_hub():
        assert not logger.isEnabledFor(logging.WARNING) and logger.isEnabledFor(logging.ERROR)
    assert logger.isEnabledFor(logging.WARNING)
