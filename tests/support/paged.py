"""A list that a server on the loopback address serves in every way of paging at once, and the faults of such lists."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import orjson

from loader.fetch.paging import Cursor, Header, LinkHeader, Offset, PageNumber, Paging
from loader.fetch.session import HttpSession
from loader.samples.faults import Answer, Fault, Request

SIZE = 3
WAYS: dict[str, Paging] = {
    "a cursor": Cursor(parameter="cursor", start="*", next="meta.next"),
    "a token": Cursor(parameter="cursor", next="meta.next"),
    "a token in a header": Cursor(parameter="cursor", next=Header("CB-AFTER")),
    "a Link header": LinkHeader(),
    "a page number": PageNumber("page"),
    "a page number from zero": PageNumber("p", start=0),
    "a page number of so many": PageNumber("page", pages="meta.pages"),
    "an offset": Offset("offset"),
}
NAMED_BY_SERVER = ["a cursor", "a token", "a token in a header", "a Link header"]
COUNTED_BY_CLIENT = [name for name in WAYS if name not in NAMED_BY_SERVER]


def list_records(count: int) -> list[dict[str, Any]]:
    return [{"id": f"R{number}", "title": f"Record {number}"} for number in range(count)]


def serve(records: Sequence[dict[str, Any]]) -> Any:
    """Answers with the page that is asked for: SIZE records, where to find the next ones, and counts."""

    def answer(request: Request) -> Answer:
        position = find_position(request)
        following = position + SIZE if position + SIZE < len(records) else None
        pages = -(-len(records) // SIZE)
        body = {
            "meta": {"count": len(records), "pages": pages, "next": following and f"c{following}"},
            "results": records[position : position + SIZE],
        }
        headers = {"X-Total-Count": str(len(records))}
        if following:
            query = "&".join(
                f"{name}={text}" for name, text in {**request.parameters, "cursor": f"c{following}"}.items()
            )
            headers |= {
                "CB-AFTER": f"c{following}",
                "Link": f'</start>; rel="first", <{request.path}?{query}>; rel="next"',
            }
        return Answer(200, orjson.dumps(body), headers)

    return answer


def find_position(request: Request) -> int:
    parameters = request.parameters
    if "page" in parameters:
        return (int(parameters["page"]) - 1) * SIZE
    if "p" in parameters:
        return int(parameters["p"]) * SIZE
    if "offset" in parameters:
        return int(parameters["offset"])
    return int(parameters.get("cursor", "c0").replace("*", "c0")[1:])


def change_body(**fields: Any) -> Fault:
    """The true answer with other fields, those of `meta` among them."""

    def change(_: Request, answer: Answer) -> Answer:
        body = orjson.loads(answer.body)
        meta = body["meta"] | fields.get("meta", {})
        return replace(answer, body=orjson.dumps({**body, **fields, "meta": meta}))

    return change


def leave_alone(_: Request, answer: Answer) -> Answer:
    return answer


def end_early(_: Request, answer: Answer) -> Answer:
    """The page without a next one."""
    headers = {name: text for name, text in answer.headers.items() if name not in ("CB-AFTER", "Link")}
    return change_body(meta={"next": None, "pages": 1})(_, replace(answer, headers=headers))


def lead_back(request: Request, answer: Answer) -> Answer:
    """The page with itself as the next one."""
    headers = {"CB-AFTER": "c3", "Link": f'<{request.path}?{urlencode(request.parameters)}>; rel="next"'}
    return change_body(meta={"next": "c3"})(request, replace(answer, headers=answer.headers | headers))


def build_session(url: str, **changed: Any) -> HttpSession:
    return HttpSession(url, **{"requests_per_second": 1000, "first_wait_seconds": 0.01, **changed})
