"""Sources are found by their package, ordered, and selected by name, domain, configuration and options."""

from dataclasses import replace

import pytest

from loader.base.errors import HeadwaterError
from loader.sources import find_sources, load_sources, order_sources, select_sources
from loader.sources.contract import RunOptions
from tests.support.loading import configure, narrow


def test_a_source_comes_after_those_that_it_needs() -> None:
    (openalex,) = find_sources("openalex")
    first, second = replace(openalex, name="z"), replace(openalex, name="a", after=("z",))
    assert list(order_sources([second, first])) == ["z", "a"]
    with pytest.raises(HeadwaterError, match="come after each other, or after one that does not exist: a"):
        order_sources([second])


def test_a_name_that_does_not_exist_is_refused_with_those_there_are() -> None:
    with pytest.raises(HeadwaterError, match=r"no source 'nosuch'\. The sources are: .*openalex"):
        find_sources("nosuch")
    with pytest.raises(HeadwaterError, match=r"no domain 'nosuch'\. The domains are: .*academic"):
        find_sources(None, domains=("academic", "nosuch"))


def test_sources_of_other_domains_do_not_exist_but_for_one_that_is_named() -> None:
    assert {source.domain for source in find_sources(None, domains=("academic",))} == {"academic"}
    assert find_sources(None, domains=()) == []
    with pytest.raises(HeadwaterError, match="openalex belongs to the domain academic, which is not enabled"):
        find_sources("openalex", domains=())


def test_the_enabled_domains_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_DOMAINS", "txai")
    with pytest.raises(HeadwaterError, match="no domain 'txai'"):
        select_sources(None)


def test_where_nothing_is_configured_each_source_says_what_it_needs() -> None:
    with (
        configure("openalex", {"roster": "", "institution": None}),
        configure("semantic_scholar", {"enabled": "false"}),
        pytest.raises(HeadwaterError) as refused,
    ):
        select_sources(None, domains=("academic",))
    told = str(refused.value)
    assert told.startswith("No source of the enabled domains (academic) is configured.")
    assert "openalex needs a roster (sources.openalex.roster) or an institution" in told
    assert "semantic_scholar needs sources.semantic_scholar.enabled = true" in told


def test_a_source_that_is_switched_off_is_left_out_though_it_has_what_it_needs() -> None:
    with configure("semantic_scholar", {"enabled": "true"}), configure("openalex", {"enabled": "false"}):
        assert [source.name for source in select_sources(None, domains=("academic",))] == ["semantic_scholar"]
        assert [source.name for source in select_sources("openalex", domains=("academic",))] == ["openalex"]


def test_a_source_with_a_wrong_setting_is_selected_so_that_its_run_reports_it() -> None:
    with configure("openalex", {"requests_per_second": "fast"}):
        assert "openalex" in [source.name for source in select_sources(None, domains=("academic",))]


def test_an_option_that_no_source_takes_is_refused() -> None:
    symbol = RunOptions(narrowed_to={"symbol": ("X",)})
    with pytest.raises(HeadwaterError, match="openalex cannot be narrowed by --symbol; it takes --author"):
        select_sources("openalex", symbol)
    with pytest.raises(HeadwaterError, match="No configured source can be narrowed by --symbol"):
        select_sources(None, symbol)
    with pytest.raises(HeadwaterError, match="dlt pipeline SOURCE run --only RESOURCE"):
        select_sources(None, narrow("only", "works"))


def test_two_sources_that_take_an_option_of_one_name_mean_the_same_by_it() -> None:
    options = [option for source in load_sources().values() for option in source.options]
    assert len(set(options)) == len({option.name for option in options})
