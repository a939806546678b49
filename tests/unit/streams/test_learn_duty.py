"""A duty comes and goes with its partition, and is never done twice at once."""

from threading import Event

from streams.learn.duty import Duty


class Work:
    def __init__(self) -> None:
        self.running = self.most = self.begun = 0
        self.began, self.slow = Event(), Event()

    def __call__(self, stop: Event) -> None:
        self.begun += 1
        self.running += 1
        self.most = max(self.most, self.running)
        self.began.set()
        stop.wait(20)
        self.slow.wait(20)
        self.running -= 1


def test_it_begins_and_stops() -> None:
    work = Work()
    work.slow.set()
    duty = Duty("work", work)
    duty.hold(held=False)
    assert not duty.alive()
    duty.hold(held=True)
    duty.hold(held=True)
    assert work.began.wait(20)
    duty.close(20)
    assert (work.begun, duty.alive()) == (1, False)


def test_who_gets_it_back_waits_for_the_one_before() -> None:
    work = Work()
    duty = Duty("work", work)
    duty.hold(held=True)
    assert work.began.wait(20)
    work.began.clear()
    duty.hold(held=False)
    duty.hold(held=True)
    work.slow.set()
    assert work.began.wait(20)
    duty.close(20)
    assert (work.begun, work.most) == (2, 1)


def test_what_ends_the_work_is_kept() -> None:
    def broken(stop: Event) -> None:
        raise ValueError("planted")

    duty = Duty("work", broken)
    duty.hold(held=True)
    duty.close(20)
    assert isinstance(duty.failure, ValueError)
