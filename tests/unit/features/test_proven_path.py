"""A fast path answers only after it has agreed with the generic one on rows of the store."""

from features.store.paths import Found, Wanted
from features.store.proving import ProvenPath

ROWS: list[Found] = [{"u1": (1, {"orders": 1})}]
OTHER: list[Found] = [{"u1": (1, {"orders": 2})}]


class FakePath:
    def __init__(self, name: str, *answers: list[Found] | Exception) -> None:
        self.name, self.answers = name, list(answers)
        self.reads = 0
        self.closed = False

    def read(self, wanted: Wanted) -> list[Found]:
        self.reads += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


def test_a_path_that_agrees_takes_over() -> None:
    generic, fast = FakePath("generic", ROWS), FakePath("fast", ROWS)
    path = ProvenPath(generic, fast)
    assert path.name == "generic"
    assert path.read([]) == ROWS
    assert path.name == "fast"
    path.read([])
    assert (generic.reads, fast.reads) == (1, 2)


def test_reads_that_find_nothing_prove_nothing() -> None:
    generic, fast = FakePath("generic", [{}], ROWS), FakePath("fast", ROWS)
    path = ProvenPath(generic, fast)
    path.read([])
    assert (path.name, fast.reads) == ("generic", 0)
    path.read([])
    assert path.name == "fast"


def test_a_path_that_differs_every_time_is_given_up() -> None:
    generic, fast = FakePath("generic", ROWS), FakePath("fast", OTHER)
    path = ProvenPath(generic, fast)
    for _ in range(5):
        assert path.read([]) == ROWS
    assert (path.name, fast.reads, fast.closed) == ("generic", 3, True)


def test_a_row_that_was_written_in_between_is_no_proof_against_it() -> None:
    path = ProvenPath(FakePath("generic", ROWS), FakePath("fast", OTHER, ROWS))
    path.read([])
    path.read([])
    assert path.name == "fast"


def test_an_error_while_it_is_tried_is_the_generic_paths_answer() -> None:
    path = ProvenPath(FakePath("generic", ROWS), FakePath("fast", ConnectionError("gone"), ROWS))
    assert path.read([]) == ROWS
    assert path.name == "generic"
    path.read([])
    assert path.name == "fast"


def test_a_row_that_it_does_not_understand_ends_it() -> None:
    generic, fast = FakePath("generic", ROWS), FakePath("fast", ROWS, LookupError("no text"))
    path = ProvenPath(generic, fast)
    path.read([])
    assert path.read([]) == ROWS
    assert (path.name, fast.closed) == ("generic", True)
    path.read([])
    assert fast.reads == 2


def test_a_store_that_fails_stays_a_failure_once_it_is_proven() -> None:
    path = ProvenPath(FakePath("generic", ROWS), FakePath("fast", ROWS, ConnectionError("gone")))
    path.read([])
    try:
        path.read([])
    except ConnectionError:
        assert path.name == "fast"
    else:
        raise AssertionError("an outage was answered by the generic path")


def test_closing_closes_both() -> None:
    generic, fast = FakePath("generic", ROWS), FakePath("fast", ROWS)
    ProvenPath(generic, fast).close()
    assert generic.closed
    assert fast.closed
