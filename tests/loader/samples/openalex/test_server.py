from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
import requests

from loader.samples import faults
from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.institution import generate_catalogue
from loader.samples.openalex.server import OpenAlexServer

GATED = "from_updated_date:2026-01-01"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return generate_catalogue(work_count=1000, roster_size=20)


@pytest.fixture(scope="module")
def shared_server(catalogue: Catalogue) -> Iterator[OpenAlexServer]:
    with OpenAlexServer(catalogue, daily_credits=1_000_000) as server:
        yield server


@pytest.fixture(scope="module")
def small() -> Catalogue:
    return generate_catalogue(work_count=30, roster_size=3)


@pytest.fixture
def serve(small: Catalogue) -> Iterator[Callable[..., OpenAlexServer]]:
    servers: list[OpenAlexServer] = []

    def start(**options: Any) -> OpenAlexServer:
        servers.append(OpenAlexServer(small, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def ask(server: OpenAlexServer, path: str, **parameters: str | int) -> requests.Response:
    return requests.get(f"{server.url}{path}", params=parameters, timeout=5, allow_redirects=False)


def list_ids(server: OpenAlexServer, path: str, **parameters: str | int) -> list[str]:
    return [each["id"] for each in ask(server, path, **parameters).json()["results"]]


def shorten(url: str) -> str:
    return url.rpartition("/")[2]


def test_cursor_paging_gives_every_work_once_in_order(shared_server: OpenAlexServer, catalogue: Catalogue) -> None:
    seen: list[str] = []
    cursor: str | None = "*"
    while cursor:
        page = ask(shared_server, "/works", cursor=cursor, per_page=100, select="id").json()
        seen += [each["id"] for each in page["results"]]
        cursor = page["meta"]["next_cursor"]
    assert seen == [work["id"] for work in catalogue.works]


def test_pages_have_25_results_unless_asked(shared_server: OpenAlexServer, catalogue: Catalogue) -> None:
    page = ask(shared_server, "/works", page=2).json()
    assert page["results"] == catalogue.works[25:50]
    assert page["meta"]["page"] == 2
    assert page["meta"]["count"] == 1000
    assert "next_cursor" not in page["meta"]
    assert page["group_by"] == []


def test_two_records_with_one_id_are_both_served(small: Catalogue) -> None:
    later = small.works[0] | {"cited_by_count": 12345, "updated_date": "2027-01-01T00:00:00.000000"}
    with OpenAlexServer(Catalogue.from_works([*small.works, later])) as server:
        wanted = later["id"]
        assert list_ids(server, "/works", filter=f"openalex:{wanted}") == [wanted, wanted]
        assert ask(server, f"/works/{shorten(wanted)}").json()["cited_by_count"] == 12345


@pytest.mark.parametrize("name", ["author.id", "authorships.author.id"])
def test_works_of_authors(shared_server: OpenAlexServer, catalogue: Catalogue, name: str) -> None:
    authors = {catalogue.authors[0]["id"], catalogue.authors[7]["id"]}
    expected = [
        work["id"] for work in catalogue.works if authors & {each["author"]["id"] for each in work["authorships"]}
    ]
    values = "|".join(shorten(author).lower() for author in sorted(authors))
    assert list_ids(shared_server, "/works", filter=f"{name}:{values}", per_page=200) == expected


@pytest.mark.parametrize("name", ["ids.openalex", "openalex", "openalex_id", "openalex-id"])
@pytest.mark.parametrize("path", ["works", "authors", "institutions", "topics"])
def test_records_by_id_short_or_in_full_whatever_the_case(
    shared_server: OpenAlexServer, catalogue: Catalogue, path: str, name: str
) -> None:
    first, second = (each["id"] for each in getattr(catalogue, path)[3:5])
    found = list_ids(shared_server, f"/{path}", filter=f"{name}:{shorten(first).lower()}|{second}")
    assert found == [first, second]


def test_filters_of_different_names_must_all_match(shared_server: OpenAlexServer, catalogue: Catalogue) -> None:
    dates = "from_publication_date:2016-05-01,to_publication_date:2019-12-31"
    asked = f"publication_year:2015-2020,type:review,{dates}"
    expected = [
        work["id"]
        for work in catalogue.works
        if work["type"] == "review" and "2016-05-01" <= work["publication_date"] <= "2019-12-31"
    ]
    assert expected
    assert list_ids(shared_server, "/works", filter=asked, per_page=100) == expected


def test_authors_by_institution_and_orcid(shared_server: OpenAlexServer, catalogue: Catalogue) -> None:
    author = next(each for each in catalogue.authors if each["orcid"] and each["last_known_institutions"])
    place = author["last_known_institutions"][0]
    for asked in (
        f"last_known_institutions.ror:{shorten(place['ror'])}",
        f"affiliations.institution.id:{place['id']}",
    ):
        assert author["id"] in list_ids(shared_server, "/authors", filter=asked, per_page=200)
    assert list_ids(shared_server, "/authors", filter=f"orcid:{shorten(author['orcid'])}") == [author["id"]]
    assert ask(shared_server, f"/authors/orcid:{shorten(author['orcid'])}").json() == author


def test_a_work_by_doi(shared_server: OpenAlexServer, catalogue: Catalogue) -> None:
    work = next(each for each in catalogue.works if each["doi"])
    bare = work["doi"].removeprefix("https://doi.org/")
    assert ask(shared_server, f"/works/doi:{bare}").json() == work
    assert ask(shared_server, f"/works/{work['doi']}").json() == work
    assert list_ids(shared_server, "/works", filter=f"doi:{bare.upper()}") == [work["id"]]


def test_sorting_and_selecting(shared_server: OpenAlexServer, catalogue: Catalogue) -> None:
    page = ask(shared_server, "/works", sort="cited_by_count:desc", select="id,cited_by_count").json()
    counts = [each["cited_by_count"] for each in page["results"]]
    assert counts == sorted((work["cited_by_count"] for work in catalogue.works), reverse=True)[:25]
    assert set(page["results"][0]) == {"id", "cited_by_count"}


def test_lists_cut_authors_at_100_and_single_works_do_not(shared_server: OpenAlexServer, catalogue: Catalogue) -> None:
    work = next(each for each in catalogue.works if len(each["authorships"]) > 100)
    listed = ask(shared_server, "/works", filter=f"openalex:{work['id']}").json()["results"][0]
    assert listed == work | {"authorships": work["authorships"][:100], "is_authors_truncated": True}
    assert ask(shared_server, f"/works/{shorten(work['id'])}").json() == work


def test_groups_count_every_work(shared_server: OpenAlexServer, catalogue: Catalogue) -> None:
    answer = ask(shared_server, "/works", group_by="publication_year", filter="publication_year:1900-2027")
    counts = {row["key"]: row["count"] for row in answer.json()["group_by"]}
    assert sum(counts.values()) == 1000
    assert counts["2020"] == sum(work["publication_year"] == 2020 for work in catalogue.works)
    types = ask(shared_server, "/works", group_by="type", cursor="*").json()
    assert types["group_by"][0] == {
        "key": "https://openalex.org/types/article",
        "key_display_name": "article",
        "count": sum(work["type"] == "article" for work in catalogue.works),
    }
    assert types["meta"]["next_cursor"] is None


def test_more_than_200_groups_need_a_cursor(shared_server: OpenAlexServer, catalogue: Catalogue) -> None:
    keys: list[str] = []
    cursor: str | None = "*"
    while cursor:
        page = ask(shared_server, "/works", group_by="authorships.author.id", cursor=cursor).json()
        assert len(page["group_by"]) <= 200
        keys += [row["key"] for row in page["group_by"]]
        cursor = page["meta"]["next_cursor"]
    assert keys == [author["id"] for author in catalogue.authors]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"filter": "DOESNTEXIST:1"}, "DOESNTEXIST is not a valid field. Valid fields are underscore or"),
        (
            {"select": "DOESNTEXIST"},
            "DOESNTEXIST is not a valid select field. Valid fields for select are: id",
        ),
        ({"serach": "whales"}, "serach is not a valid parameter."),
        ({"select": "id", "group_by": "type"}, "select does not work with group_by"),
        ({"filter": "openalex:" + "|".join(["W1"] * 101)}, "Maximum number of values exceeded for openalex."),
        ({"per_page": "201"}, "per-page parameter must be between 1 and 200"),
        ({"page": "101", "per-page": "100"}, "Maximum results size of 10,000 records is exceeded."),
        ({"page": "1", "cursor": "*"}, "Cannot use page parameter with cursor."),
        ({"cursor": "made-up"}, "Cursor value is invalid."),
        ({"group_by": "type", "page": "2"}, "Use cursor"),
        ({"group_by": "title"}, "title is not a valid field."),
        ({"sort": "title"}, "title is not a valid sort field."),
        ({"filter": "publication_year:soon"}, "publication_year must be a number"),
    ],
)
def test_wrong_queries_are_refused(shared_server: OpenAlexServer, parameters: dict[str, str], message: str) -> None:
    answer = ask(shared_server, "/works", **parameters)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message) or message in answer.json()["message"]
    assert answer.json()["error"] in ("Invalid query parameters error.", "Pagination error.")
    assert answer.headers["X-RateLimit-Credits-Used"] == "0"


def test_the_limits_themselves_are_allowed(shared_server: OpenAlexServer) -> None:
    assert ask(shared_server, "/works", page=100, per_page=100).json()["results"] == []
    assert len(list_ids(shared_server, "/works", per_page=200, mailto="a@example.org")) == 200
    assert ask(shared_server, "/works", filter="openalex:" + "|".join(["W1"] * 100)).status_code == 200


def test_unknown_records_and_paths_are_not_found(shared_server: OpenAlexServer) -> None:
    for path in ("/works/W1", "/venues", "/authors/orcid:0000-0000-0000-0000"):
        answer = ask(shared_server, path)
        assert answer.status_code == 404
        assert set(answer.json()) == {"error", "message"}


def test_merged_works_redirect(serve: Callable[..., OpenAlexServer], small: Catalogue) -> None:
    server = serve(merged={"https://openalex.org/W11": small.works[0]["id"]})
    assert ask(server, "/works/W11").status_code == 301
    assert requests.get(f"{server.url}/works/w11", timeout=5).json() == small.works[0]


def test_keys_are_checked_when_they_are_known(serve: Callable[..., OpenAlexServer]) -> None:
    server = serve(api_keys=frozenset({"good"}), paid_keys=frozenset({"paid"}))
    assert ask(server, "/works", api_key="good").status_code == 200
    bearer = requests.get(f"{server.url}/works", headers={"Authorization": "Bearer good"}, timeout=5)
    assert bearer.headers["X-RateLimit-Remaining"] == "9998"
    refused = ask(server, "/works", api_key="bad")
    assert (refused.status_code, refused.json()["message"]) == (401, "API key not found")
    assert ask(server, "/works").headers["X-RateLimit-Limit"] == "1000"
    gated = ask(server, "/works", filter=GATED, api_key="good")
    assert (gated.status_code, gated.json()["error"]) == (429, "Plan upgrade required")
    assert "Retry-After" not in gated.headers
    assert ask(server, "/works", filter=GATED, api_key="paid").json()["meta"]["count"] > 0


def test_the_budget_ends_and_returns_at_midnight(serve: Callable[..., OpenAlexServer]) -> None:
    now = [datetime(2026, 6, 15, 23, 0, tzinfo=UTC)]
    server = serve(daily_credits=2, clock=lambda: now[0])
    assert [ask(server, "/works").headers["X-RateLimit-Remaining"] for _ in range(2)] == ["1", "0"]
    refused = ask(server, "/works")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == refused.headers["X-RateLimit-Reset"] == "3600"
    assert refused.json()["message"].startswith("Insufficient budget")
    assert refused.json()["creditsRemaining"] == 0
    assert ask(server, "/works/W1").status_code == 404
    now[0] += timedelta(hours=1)
    assert ask(server, "/works").status_code == 200


def test_single_records_are_free_and_the_rate_limit_tells_what_is_left(
    serve: Callable[..., OpenAlexServer], small: Catalogue
) -> None:
    server = serve(daily_credits=100)
    assert ask(server, f"/works/{small.works[0]['id']}", api_key="k").headers["X-RateLimit-Remaining"] == "100"
    assert ask(server, "/works", api_key="k").headers["X-RateLimit-Credits-Used"] == "1"
    budget = ask(server, "/rate-limit", api_key="k").json()["rate_limit"]
    assert (budget["daily_budget_usd"], budget["daily_remaining_usd"]) == (0.01, 0.0099)
    assert ask(server, "/rate-limit").status_code == 401


def test_requests_are_remembered(serve: Callable[..., OpenAlexServer]) -> None:
    server = serve()
    ask(server, "/works", cursor="*", api_key="k")
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", "/works")
    assert request.parameters == {"cursor": "*", "api_key": "k"}
    assert "user-agent" in request.headers


def test_faults_come_in_order_on_their_path_and_then_end(serve: Callable[..., OpenAlexServer]) -> None:
    server = serve()
    server.fail_next(
        faults.answer_status(503, {"reason": "busy"}, {"Retry-After": "2"}),
        faults.answer_html(),
        path="/works",
    )
    assert ask(server, "/authors").status_code == 200
    busy = ask(server, "/works")
    assert (busy.status_code, busy.headers["Retry-After"], busy.json()) == (503, "2", {"reason": "busy"})
    assert ask(server, "/works").headers["Content-Type"].startswith("text/html")
    assert ask(server, "/works").json()["meta"]["count"] == 30


def test_bodies_can_be_cut_and_truncated(serve: Callable[..., OpenAlexServer]) -> None:
    server = serve()
    server.fail_next(faults.cut_body(), faults.truncate_json())
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask(server, "/works")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        ask(server, "/works").json()


def test_pages_can_be_empty_and_cursors_can_loop(serve: Callable[..., OpenAlexServer]) -> None:
    server = serve()
    server.fail_next(faults.empty_page(), faults.loop_cursor())
    empty = ask(server, "/works", cursor="*").json()
    assert empty["results"] == []
    assert empty["meta"]["next_cursor"]
    cursor = empty["meta"]["next_cursor"]
    assert ask(server, "/works", cursor=cursor).json()["meta"]["next_cursor"] == cursor


def test_stopping_ends_delays_and_connections(serve: Callable[..., OpenAlexServer]) -> None:
    server = serve()
    session = requests.Session()
    assert session.get(f"{server.url}/works", timeout=5).status_code == 200
    server.fail_next(faults.delay())
    stopper = Thread(target=server.stop)

    def stop_when_asked(request: requests.PreparedRequest) -> requests.PreparedRequest:
        stopper.start()
        return request

    with pytest.raises(requests.exceptions.ConnectionError):
        session.get(f"{server.url}/works", timeout=5, auth=stop_when_asked)
    stopper.join()
    with pytest.raises(requests.exceptions.ConnectionError):
        session.get(f"{server.url}/works", timeout=5)
