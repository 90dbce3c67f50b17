from pydantic import AliasPath, Field

from loader.raw.record import Record


class Plain(Record):
    id: int


class Renamed(Record):
    key_field = "story_id"

    story_id: str = Field(alias="objectID")


class Wrapped(Record):
    key_field = "name"

    name: str = Field(validation_alias=AliasPath("data", "name"))
    title: str = Field(validation_alias=AliasPath("data", "title"))


def test_the_key_is_read_where_the_model_says() -> None:
    for model, record in (
        (Plain, b'{"id": 7}'),
        (Renamed, b'{"objectID": "7"}'),
        (Wrapped, b'{"kind": "t3", "data": {"name": "7", "title": "A title"}}'),
    ):
        assert model.read(record).key == "7"
        assert model.read_key(record) == "7"


def test_the_key_of_a_record_that_fails_is_read_too() -> None:
    assert Wrapped.read_key(b'{"data": {"name": "7", "title": 5}}') == "7"
    assert Wrapped.read_key(b'{"data": null}') is None
