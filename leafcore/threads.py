"""Work that goes on in threads while the caller does something else."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(function: Callable[[Item], Result], items: Iterable[Item], *, ahead: int) -> Iterator[Result]:
    """Yield what a function makes of each item, in order, while threads work on the items that follow.

    Args:
        function: Called in threads, as many as there are cores.
        items: Drawn in the caller's thread, as they are needed.
        ahead: How many items are drawn beyond the one that is yielded, so that results never fill the memory.

    Raises:
        Exception: Whatever the function raised, at the place of its item; what has not begun by then is left undone.
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
