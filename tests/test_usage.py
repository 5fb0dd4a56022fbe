from concurrent.futures import ThreadPoolExecutor

from leafcore.usage import Use, note, read_usage


def use(n: int = 1, **said) -> Use:
    return Use(source="api", checkpoint="three", weights_sha256="0" * 64, n=n, latency_ms=12.5, **said)


def test_requests_are_read_as_they_were_written(workspace):
    assert read_usage(workspace) == []
    uses = [use(8, called={"rust": 8}), use(1, cached=True)]
    for one in uses:
        note(workspace, one)
    assert read_usage(workspace) == uses


def test_many_at_once_lose_nothing(workspace):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: note(workspace, use(n)), range(200)))
    assert sorted(one.n for one in read_usage(workspace)) == list(range(200))


def test_a_damaged_line_hides_no_other(workspace):
    note(workspace, use(1))
    with workspace.usage.open("ab") as file:
        file.write(b'{"time": 3, "sour\n[]\n')
    note(workspace, use(2))
    assert [one.n for one in read_usage(workspace)] == [1, 2]


def test_only_the_newest_are_read_of_a_long_log(workspace):
    for n in range(60):
        note(workspace, use(n))
    assert [one.n for one in read_usage(workspace, most=3)] == [57, 58, 59]
