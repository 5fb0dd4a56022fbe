"""Whether the hub that pretrained weights come from can be reached, asked once; its own client asks for a minute."""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from huggingface_hub import constants

ANSWER_S = 5.0  # how long to wait for an answer


def hub_answers() -> bool:
    """Whether the hub answers within `ANSWER_S`; it need not be asked where HF_HUB_OFFLINE says to stay offline."""
    if constants.HF_HUB_OFFLINE:
        return False
    try:
        with urlopen(Request(constants.ENDPOINT, method="HEAD"), timeout=ANSWER_S):
            return True
    except HTTPError:  # an answer, if only a refusal of this question
        return True
    except URLError as error:  # whom to trust is for the hub's own client to say, which has certificates of its own
        return isinstance(error.reason, ssl.SSLError)
    except (OSError, HTTPException):  # it hung up
        return False


@contextmanager
def quiet_hub() -> Iterator[None]:
    """Let the hub's client log errors alone: what it retries and advises is none of the user's."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
