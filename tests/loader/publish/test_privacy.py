"""Pseudonyms follow from the key alone, and dates move to days that exclude nobody."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader.base.errors import HeadwaterError
from loader.base.settings import read_settings
from loader.publish.privacy import Pseudonymiser, read_pseudonymiser

KEY = b"a key of this test, long enough for all"
DATES_OF_ONE_YEAR = st.integers(1, 9999).flatmap(
    lambda year: st.lists(st.dates(date(year, 1, 1), date(year, 12, 31)), min_size=1, max_size=20)
)


def test_a_pseudonym_is_the_same_for_the_same_key_and_another_for_another() -> None:
    first = Pseudonymiser(KEY).pseudonymise("paper", "W1")
    assert first == Pseudonymiser(KEY).pseudonymise("paper", "W1")
    others = [
        Pseudonymiser(KEY[1:]).pseudonymise("paper", "W1"),
        Pseudonymiser(KEY).pseudonymise("paper", "W2"),
        Pseudonymiser(KEY).pseudonymise("title", "W1"),
    ]
    assert len({pseudonym.partition("-")[2] for pseudonym in (first, *others)}) == 4


@given(DATES_OF_ONE_YEAR)
def test_a_moved_date_lies_in_its_year_and_is_the_true_one_of_no_record_that_looks_alike(dates: list[date]) -> None:
    texts = [f"W{number}" for number in range(len(dates))]
    moved = Pseudonymiser(KEY).move_dates(texts, dates)
    assert len(moved) == len(dates)
    assert {day.year for day in moved} == {dates[0].year}
    assert not set(moved) & set(dates)


def test_where_dates_fill_a_year_each_moves_off_its_own_day() -> None:
    dates = [date(2023, 1, 1) + timedelta(days=number) for number in range(365)]
    moved = Pseudonymiser(KEY).move_dates([f"W{number}" for number in range(365)], dates)
    assert all(day != true_day for day, true_day in zip(moved, dates, strict=True))


def test_another_record_in_the_year_moves_few_dates() -> None:
    dates = [date(2020, 1, 1) + timedelta(days=7 * number) for number in range(40)]
    texts = [f"W{number}" for number in range(40)]
    before = Pseudonymiser(KEY).move_dates(texts, dates)
    after = Pseudonymiser(KEY).move_dates([*texts, "W40"], [*dates, before[0]])
    assert [day for day, new in zip(before, after, strict=False) if day != new] == [before[0]]


def test_the_mode_may_stand_beside_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loader.base.settings.ROOT", tmp_path)
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text('[publication]\nprivacy = "public"\nsmallest_group = 7\n')
    (tmp_path / ".dlt" / "secrets.toml").write_text('[publication]\nprivacy = "pseudonymous"\n')
    settings = read_settings({})
    assert (settings.privacy, settings.smallest_group) == ("pseudonymous", "7")
    (tmp_path / ".dlt" / "config.toml").write_text("publication = 5\n")
    with pytest.raises(HeadwaterError, match=r"config\.toml cannot be read: publication must be a table"):
        read_settings({})


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PUBLICATION__PRIVACY": "private"}, "it must be 'public' or 'pseudonymous'"),
        ({"PUBLICATION__PRIVACY": "pseudonymous"}, "make one with `python -c"),
        ({"PUBLICATION__PRIVACY": "pseudonymous", "PUBLICATION__SMALLEST_GROUP": "1"}, "a whole number from 2 on"),
        ({"PUBLICATION__PRIVACY": "pseudonymous", "PUBLICATION__SMALLEST_GROUP": "many"}, "a whole number from 2 on"),
    ],
)
def test_a_setting_that_cannot_be_followed_is_refused(environment: dict[str, str], said: str) -> None:
    with pytest.raises(HeadwaterError, match=said):
        read_pseudonymiser(read_settings(environment))


def test_a_short_key_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLICATION__PRIVACY_KEY", "too-short-a-key")
    with pytest.raises(HeadwaterError, match="at least 32 characters") as refusal:
        read_pseudonymiser(read_settings({"PUBLICATION__PRIVACY": "pseudonymous"}))
    assert "too-short-a-key" not in str(refusal.value)


def test_the_mode_is_public_unless_it_is_set(tmp_path: Path) -> None:
    settings = read_settings({"HEADWATER_DATA": str(tmp_path)})
    assert settings.privacy == "public"
    assert read_pseudonymiser(settings) is None
