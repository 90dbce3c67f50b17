"""The settings of a source: read by dlt's rules from `sources.<name>.*`, and checked before anything is built."""

from collections.abc import Mapping
from typing import ClassVar, TypeVar

import dlt
from dlt.common.configuration import configspec, resolve_configuration
from dlt.common.configuration.exceptions import ConfigFieldMissingException, ConfigValueCannotBeCoercedException
from dlt.common.configuration.specs import BaseConfiguration
from dlt.common.configuration.specs.base_configuration import is_secret_hint

from loader.base.errors import SettingsError

S = TypeVar("S", bound="SourceSettings")

_KINDS = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "text"}


@configspec
class SourceSettings(BaseConfiguration):
    """The settings that every source has. A source adds its own as further fields.

    A field with a default of None whose type does not allow None is required.
    """

    # The settings that must not be below a number, each with that number.
    minimums: ClassVar[Mapping[str, float]] = {}

    enabled: bool = True

    def check(self, section: str) -> None:
        """Raises HeadwaterError for a value that cannot be used. `section` is where the settings are."""
        for name, minimum in self.minimums.items():
            if (value := getattr(self, name)) < minimum:
                raise SettingsError(f"{section}.{name} is {value:g}; it must not be below {minimum:g}.")


@configspec
class HttpSettings(SourceSettings):
    """The settings of a source that is an HTTP API."""

    base_url: str = ""
    api_key: dlt.TSecretStrValue | None = None
    # None: one, or the usual pace of the source.
    requests_per_second: float | None = None
    requests_per_day: int | None = None

    @property
    def pace(self) -> float:
        """Requests a second."""
        return 1.0 if self.requests_per_second is None else self.requests_per_second


def resolve_settings(settings: type[S], section: str, *, accept_partial: bool = False) -> S:
    """The settings in a section of dlt's configuration, with `accept_partial` also where required ones are missing.

    Raises HeadwaterError that names the setting and says what it must be.
    """
    try:
        resolved = resolve_configuration(settings(), sections=tuple(section.split(".")), accept_partial=accept_partial)
    except ConfigFieldMissingException as missing:
        raise SettingsError(describe_missing(missing.fields, section)) from None
    except ConfigValueCannotBeCoercedException as wrong:
        # From None: the value may be a secret, and dlt's message shows it.
        raise SettingsError(_describe_wrong(settings, wrong, section)) from None
    if not resolved.is_partial():
        resolved.check(section)
    return resolved


def describe_missing(fields: list[str], section: str) -> str:
    """What to set, and where."""
    name = f"{section}.{fields[0]}"
    variable = name.upper().replace(".", "__")
    return (
        f"{name} is not set. Set it in .dlt/local.config.toml or .dlt/secrets.toml, or in the environment ({variable})."
    )


def _describe_wrong(settings: type[SourceSettings], wrong: ConfigValueCannotBeCoercedException, section: str) -> str:
    kind = _KINDS.get(getattr(wrong.hint, "__name__", ""), f"of type {wrong.hint}")
    is_secret = is_secret_hint(settings.get_resolvable_fields().get(wrong.field_name, str))
    value = "" if is_secret else f" is {wrong.field_value!r}; it"
    return f"{section}.{wrong.field_name}{value} must be {kind}."
