"""A plain source is a declaration: settings, a model and pages. All else is done for it, and fails in one line."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import dlt
import duckdb
import msgspec
import pytest
from dlt.common.configuration import configspec

from loader.base.console import build_console
from loader.base.errors import HeadwaterError
from loader.base.settings import Settings, read_settings
from loader.fetch.pages import Page
from loader.raw.documents import Documents
from loader.raw.record import Record
from loader.runs.results import SourceLoad
from loader.runs.runner import estimate_sources, load_source, run_sources
from loader.samples.faults import Answer, Request, answer_status
from loader.samples.server import StandInServer, answer_json
from loader.sources.contract import ONLY, SINCE, Batch, Plan, RunOptions, Source, SourceRun
from loader.sources.settings import HttpSettings, SourceSettings, resolve_settings
from tests.support.loading import configure, narrow

RECORDS = msgspec.json.Decoder(list[msgspec.Raw])


class Story(Record):
    id: int
    title: str


@configspec
class NewsSettings(HttpSettings):
    base_url: str = "https://news.example"
    requests_per_second: float | None = 1000.0


def read(path: str, run: SourceRun[NewsSettings]) -> Iterator[Page]:
    yield Page([bytes(record) for record in run.open_session(key_header="x-key: {key}").get(path, {}, RECORDS)])


NEWS = Source(
    name="news",
    domain="headlines",
    settings=NewsSettings,
    resources=(
        Documents("stories", Story, partial(read, "/stories")),
        Documents("jobs", Story, partial(read, "/jobs")),
    ),
    options=(ONLY, SINCE),
)


class NewsServer(StandInServer):
    def answer(self, request: Request) -> Answer:
        return answer_json([{"id": number, "title": f"{request.path} {number}"} for number in range(3)])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"HEADWATER_DATA": str(tmp_path)})


@pytest.fixture
def server() -> Iterator[NewsServer]:
    with NewsServer() as made, configure("news", {"base_url": made.url}):
        yield made


def load(source: Source[Any], settings: Settings, options: RunOptions | None = None) -> SourceLoad:
    job = partial(load_source, options=options or RunOptions())
    (loaded,) = run_sources([source], settings, build_console(), job)
    return loaded


def count(load: SourceLoad) -> dict[str, int]:
    return {row.resource: row.counts.new for row in load.resources}


def test_a_plain_source_is_loaded_and_says_what_it_brought(settings: Settings, server: NewsServer) -> None:
    loaded = load(NEWS, settings)
    assert (loaded.source, loaded.domain, loaded.error) == ("news", "headlines", None)
    assert count(loaded) == {"stories": 3, "jobs": 3}
    with duckdb.connect(str(settings.warehouse)) as connection:
        assert connection.execute("select count(*), count(distinct id) from raw_news.stories").fetchone() == (3, 3)
    assert {row.counts.unchanged for row in load(NEWS, settings).resources} == {3}


def test_the_key_goes_into_the_header_that_the_source_names(settings: Settings, server: NewsServer) -> None:
    with configure("news", {"api_key": " secret "}):
        load(NEWS, settings)
    assert {request.headers["x-key"] for request in server.requests} == {"secret"}


def test_only_the_resource_that_is_requested_is_loaded(settings: Settings, server: NewsServer) -> None:
    assert count(load(NEWS, settings, narrow("only", "jobs"))) == {"jobs": 3}
    assert [request.path for request in server.requests] == ["/jobs"]
    error = load(NEWS, settings, narrow("only", "storys")).error
    assert error == "--only: news has no resource 'storys'; it has: stories, jobs."


def test_a_value_of_an_option_is_parsed_for_the_source_and_a_wrong_one_named(
    settings: Settings, server: NewsServer
) -> None:
    given: list[Any] = []

    def plan(run: SourceRun[NewsSettings]) -> Plan:
        given.append(run.options.find(SINCE))
        yield Batch(("jobs",), run)

    planned = Source("news", "headlines", NewsSettings, NEWS.resources, options=(SINCE,), plan=plan)
    assert load(planned, settings, narrow("since", "2026-01-31")).error is None
    assert given == [date(2026, 1, 31)]
    error = load(planned, settings, narrow("since", "soon")).error
    assert error == "--since is 'soon'; it must be a date, such as 2026-01-31."


@pytest.mark.parametrize(
    ("configured", "error"),
    [
        ({"requests_per_second": "fast"}, "sources.news.requests_per_second is 'fast'; it must be a number."),
        ({"requests_per_second": "0"}, "sources.news.requests_per_second is 0; it must be above 0."),
        ({"requests_per_day": "1.5"}, "sources.news.requests_per_day is '1.5'; it must be a whole number."),
        ({"requests_per_day": "0"}, "sources.news.requests_per_day is 0; it must be at least 1."),
        ({"enabled": "perhaps"}, "sources.news.enabled is 'perhaps'; it must be true or false."),
        ({"api_key": "two\nlines"}, "The key in sources.news.api_key contains characters that no key has."),
        ({"base_url": "news"}, "The base URL 'news' is not an http address."),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_what_it_must_be(
    settings: Settings, server: NewsServer, configured: dict[str, str], error: str
) -> None:
    with configure("news", configured):
        assert load(NEWS, settings).error == error
    assert server.requests == []


def test_a_required_setting_that_is_missing_is_named_with_its_variable() -> None:
    @configspec
    class TokenSettings(SourceSettings):
        token: dlt.TSecretStrValue = None  # type: ignore[assignment]

    with pytest.raises(HeadwaterError, match=r"^sources\.news\.token is not set\..* \(SOURCES__NEWS__TOKEN\)\.$"):
        resolve_settings(TokenSettings, "sources.news")


def test_a_batch_that_fails_is_raised_in_the_plan_which_may_go_on(settings: Settings, server: NewsServer) -> None:
    caught: list[str] = []

    def plan(run: SourceRun[NewsSettings]) -> Plan:
        try:
            yield Batch(("stories",), run)
        except HeadwaterError as error:
            caught.append(str(error))
        yield Batch(("jobs",), run)

    planned = Source("news", "headlines", NewsSettings, NEWS.resources, plan=plan)
    server.fail_next(answer_status(400, {"message": "Not today."}), path="/stories")
    loaded = load(planned, settings)
    assert (loaded.error, count(loaded)) == (None, {"jobs": 3})
    assert caught[0].endswith("Not today.")


def test_a_batch_that_fails_ends_a_plan_that_does_not_catch_it(settings: Settings, server: NewsServer) -> None:
    def plan(run: SourceRun[NewsSettings]) -> Plan:
        yield Batch(("stories",), run)
        yield Batch(("jobs",), run)

    planned = Source("news", "headlines", NewsSettings, NEWS.resources, plan=plan)
    server.fail_next(answer_status(400, {"message": "Not today."}), path="/jobs")
    loaded = load(planned, settings)
    assert (loaded.error or "").endswith("Not today.")
    assert count(loaded) == {"stories": 3}


def test_what_a_source_could_not_fetch_is_its_error_though_the_rest_is_loaded(
    settings: Settings, server: NewsServer
) -> None:
    def read_most(run: SourceRun[NewsSettings]) -> Iterator[Page]:
        run.progress.fail("Half of the stories are missing.")
        yield from read("/stories", run)

    loaded = load(Source("news", "headlines", NewsSettings, (Documents("stories", Story, read_most),)), settings)
    assert (loaded.error, count(loaded)) == ("Half of the stories are missing.", {"stories": 3})


def test_one_source_that_fails_keeps_no_other_from_its_load(settings: Settings, server: NewsServer) -> None:
    other = Source("other", "headlines", NewsSettings, NEWS.resources)
    with configure("other", {"base_url": server.url, "requests_per_second": "fast"}):
        loads = list(run_sources([other, NEWS], settings, build_console()))
    assert [load.error is None for load in loads] == [False, True]


def test_an_estimate_that_a_source_does_not_give_is_not_known(settings: Settings, server: NewsServer) -> None:
    assert list(estimate_sources([NEWS], settings, build_console())) == [("news", None)]
    assert server.requests == []
