"""The institutions and topics that the works in raw name."""

import msgspec

from loader.warehouse import RawSchema


class _Named(msgspec.Struct):
    id: str | None = None


class _Authorship(msgspec.Struct):
    institutions: list[_Named] | None = None


class _Work(msgspec.Struct):
    authorships: list[_Authorship] | None = None
    topics: list[_Named] | None = None


def list_mentioned_institutions(raw: RawSchema) -> list[str]:
    """Their OpenAlex ids, sorted."""
    return sorted(
        {
            institution.id
            for work in raw.read_documents("works", msgspec.json.Decoder(_Work))
            for authorship in work.authorships or []
            for institution in authorship.institutions or []
            if institution.id
        }
    )


def list_mentioned_topics(raw: RawSchema) -> list[str]:
    """Their OpenAlex ids, sorted."""
    return sorted(
        {
            topic.id
            for work in raw.read_documents("works", msgspec.json.Decoder(_Work))
            for topic in work.topics or []
            if topic.id
        }
    )
