"""Each thing at its own pace: what brought something is due soon, what did not waits longer and longer."""

from loader.sources.agenda import Agenda


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def put_off(agenda: Agenda, key: str, *, is_busy: bool) -> None:
    """With a wait of one to five seconds."""
    agenda.put_off(key, is_busy=is_busy, shortest_seconds=1, longest_seconds=5)


def test_a_busy_thing_is_due_soon_and_a_quiet_one_less_and_less_often() -> None:
    clock = Clock()
    agenda = Agenda(clock)
    assert agenda.count_seconds() == 0
    assert agenda.list_due(["busy", "quiet"]) == ["busy", "quiet"]
    waits = []
    for _ in range(5):
        put_off(agenda, "quiet", is_busy=False)
        waits.append(agenda.count_seconds())
        clock.now += agenda.count_seconds()
    assert waits == [1, 2, 4, 5, 5]
    put_off(agenda, "busy", is_busy=True)
    put_off(agenda, "quiet", is_busy=False)
    clock.now += agenda.count_seconds()
    assert agenda.list_due(["busy", "quiet"]) == ["busy"]
    clock.now += 4
    put_off(agenda, "quiet", is_busy=True)
    assert agenda.count_seconds() == 0
    put_off(agenda, "busy", is_busy=True)
    assert agenda.count_seconds() == 1


def test_what_has_waited_longest_is_first_and_what_has_more_is_last() -> None:
    clock = Clock()
    agenda = Agenda(clock)
    agenda.keep("has more")
    clock.now += 1
    assert agenda.list_due(["has more", "never looked at"]) == ["never looked at", "has more"]
    assert agenda.count_seconds() == 0
