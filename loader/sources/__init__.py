"""The registry: every package or module of this folder that defines SOURCE is a source, under its own name."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from loader.base.errors import HeadwaterError
from loader.base.settings import read_settings
from loader.sources.contract import ONLY, Option, RunOptions, Source
from loader.sources.settings import resolve_settings

_NO_OPTIONS = RunOptions()


@cache
def load_sources() -> dict[str, Source[Any]]:
    """All sources of all domains by name, in the order in which they are loaded."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return order_sources(module.SOURCE for module in modules if hasattr(module, "SOURCE"))


def order_sources(sources: Iterable[Source[Any]]) -> dict[str, Source[Any]]:
    """The sources by name, each after the sources that it comes `after`, else alphabetically."""
    waiting = sorted(sources, key=lambda source: source.name)
    ordered: dict[str, Source[Any]] = {}
    while waiting:
        ready = [source for source in waiting if ordered.keys() >= set(source.after)]
        if not ready:
            names = ", ".join(source.name for source in waiting)
            raise HeadwaterError(f"These sources come after each other, or after one that does not exist: {names}.")
        ordered[ready[0].name] = ready[0]
        waiting.remove(ready[0])
    return ordered


def list_options() -> list[Option]:
    """The options of all sources, each name once."""
    return list({option.name: option for source in load_sources().values() for option in source.options}.values())


def find_sources(name: str | None, domains: Sequence[str] | None = None) -> list[Source[Any]]:
    """The source of that name, or without a name all of the domains, configured or not.

    `domains`: those that are enabled, unless given. Raises HeadwaterError for a name that does not exist or belongs to
    another domain, and for a domain that has no source.
    """
    sources, enabled = load_sources(), read_settings().domains
    chosen = enabled if domains is None else domains
    known = sorted({source.domain for source in sources.values()})
    if unknown := sorted({*chosen} - {*known}):
        raise HeadwaterError(f"There is no domain {unknown[0]!r}. The domains are: {', '.join(known)}.")
    if name is None:
        return [source for source in sources.values() if source.domain in chosen]
    if name not in sources:
        available = sorted(source.name for source in sources.values() if source.domain in chosen)
        raise HeadwaterError(f"There is no source {name!r}. The sources are: {', '.join(available)}.")
    if sources[name].domain not in chosen:
        raise HeadwaterError(
            f"{name} belongs to the domain {sources[name].domain}, which is not enabled. Add it with"
            " `headwater init`, or in the environment to HEADWATER_DOMAINS."
        )
    return [sources[name]]


def select_sources(
    name: str | None, options: RunOptions = _NO_OPTIONS, domains: Sequence[str] | None = None
) -> list[Source[Any]]:
    """The sources to load: the one of that name, or without a name every configured one that takes the options.

    Raises HeadwaterError if there is none, or if the named one does not take the options.
    """
    if name is not None:
        (source,) = find_sources(name, domains)
        if refused := _list_refused(source, options):
            taken = ", ".join(f"--{option.name}" for option in source.options) or "no such option"
            raise HeadwaterError(f"{name} cannot be narrowed by --{refused[0]}; it takes {taken}.")
        return [source]
    if options.list(ONLY):
        raise HeadwaterError("--only names a resource of one source: dlt pipeline SOURCE run --only RESOURCE.")
    found = find_sources(None, domains)
    configured = [source for source in found if is_configured(source)]
    if not configured:
        raise HeadwaterError(_describe_unconfigured(found))
    fitting = [source for source in configured if not _list_refused(source, options)]
    if not fitting:
        given = " and ".join(f"--{option}" for option in options.narrowed_to)
        raise HeadwaterError(f"No configured source can be narrowed by {given}.")
    return fitting


def is_configured(source: Source[Any]) -> bool:
    """Whether a run without a name loads the source: it is enabled and has what it needs."""
    try:
        settings = resolve_settings(source.settings, source.section, accept_partial=True)
    except HeadwaterError:
        return True  # its own run reports the wrong setting, and the other sources are loaded
    return settings.enabled and source.is_enabled(settings)


def list_files(domains: Sequence[str]) -> list[Path]:
    """The user's own files that the settings of these domains name, such as a list of people."""
    found: list[Path] = []
    for source in find_sources(None, domains):
        with suppress(HeadwaterError):  # a wrong setting: the source's own run reports it
            found += source.list_files(resolve_settings(source.settings, source.section, accept_partial=True))
    return found


def _list_refused(source: Source[Any], options: RunOptions) -> list[str]:
    taken = {option.name for option in source.options}
    return [name for name in options.narrowed_to if name not in taken]


def _describe_unconfigured(sources: Iterable[Source[Any]]) -> str:
    needs = "; ".join(f"{source.name} needs {_describe_needs(source)}" for source in sources)
    domains = ", ".join(sorted({source.domain for source in sources}))
    return (
        f"No source of the enabled domains ({domains}) is configured. Run `headwater init`, or set what one of them"
        f" needs in .dlt/local.config.toml or the environment: {needs}."
    )


def _describe_needs(source: Source[Any]) -> str:
    settings = resolve_settings(source.settings, source.section, accept_partial=True)
    if not settings.enabled:
        return f"{source.section}.enabled = true"
    return source.needs or ", ".join(f"{source.section}.{name}" for name in _list_missing(settings))


def _list_missing(settings: Any) -> list[str]:
    missing = settings.__exception__
    return list(missing.fields) if missing else []
