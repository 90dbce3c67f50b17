"""The questions of `headwater init`: for the domains, and what their sources want to know."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from loader.base.errors import HeadwaterError
from loader.base.settings import read_settings
from loader.sources import load_sources
from loader.sources.contract import Source
from loader.sources.questions import Answer, Question
from loader.sources.settings import resolve_settings


class Interview:
    """Collects the answers: from the options that were given, by their parameters' names, or from the terminal.

    `settings` and `secrets` are what was answered differently from what is set, by the path of the setting; `missing`
    names the options without which something would have to be asked.
    """

    def __init__(self, given: Mapping[str, str], *, is_asking: bool) -> None:
        self.settings: dict[tuple[str, ...], Any] = {}
        self.secrets: dict[tuple[str, ...], Any] = {}
        self.missing: list[str] = []
        self._given = given
        self._is_asking = is_asking

    def ask_all(self) -> None:
        """Asks for the domains, then for what their sources want to know."""
        sources = load_sources().values()
        known = sorted({source.domain for source in sources})
        enabled = list(read_settings().domains)
        question = Question(
            "domains",
            f"Domains, separated by commas ({', '.join(known)})",
            "NAMES",
            lambda _: ",".join(enabled),
            lambda text: Answer({"domains": _read_domains(text, known)}),
        )
        domains = enabled
        if answer := self._answer(question, "domains", ",".join(enabled)):
            domains = answer.settings["domains"]
            self.settings["domains",] = domains
        for source in sources:
            if source.domain in domains:
                self._ask_about(source)

    def _ask_about(self, source: Source[Any]) -> None:
        settings = resolve_settings(source.settings, source.section, accept_partial=True)
        is_enabled = settings.enabled
        for question in source.questions:
            if not is_enabled and question.name != "enabled":
                continue
            answer = self._answer(question, f"{source.name}-{question.name}", question.show(settings))
            if answer is None:
                continue
            is_enabled = answer.settings.get("enabled", is_enabled)
            if answer.note:
                click.echo(f"  {answer.note}")
            place = self.secrets if question.is_secret else self.settings
            place.update({(*source.section.split("."), name): value for name, value in answer.settings.items()})

    def _answer(self, question: Question, name: str, present: str | None) -> Answer | None:
        """The answer to a question; None to keep the present one."""
        if (text := self._given.get(name_parameter(name))) is not None:
            try:
                return question.parse(text)
            except ValueError as error:
                raise HeadwaterError(f"{name_option(name, is_secret=question.is_secret)}: {error}.") from None
        if self._is_asking:
            return _ask(question, name, present)
        self.missing.append(name_option(name, is_secret=question.is_secret))
        return None


def _ask(question: Question, name: str, present: str | None) -> Answer | None:
    """Asks on the terminal, again after a wrong answer."""
    shown = ("one is set" if present else "none") if question.is_secret else present or "none"
    source, dash, _ = name.partition("-")
    text = f"{f'{source}: ' if dash else ''}{question.text} [{shown}]"
    while True:
        typed = click.prompt(text, default="", show_default=False, hide_input=question.is_secret).strip()
        if typed in ("", present):
            return None
        try:
            return question.parse(typed)
        except (HeadwaterError, ValueError) as error:
            click.echo(f"  {error}")


def _read_domains(text: str, known: Sequence[str]) -> list[str]:
    names = sorted({name.strip() for name in text.split(",") if name.strip()})
    if not names or not set(names) <= set(known):
        raise ValueError(f"{text!r} names no domains; there are: {', '.join(known)}")
    return names


def name_option(name: str, *, is_secret: bool) -> str:
    """How the option that answers a question is spelled."""
    return f"--{name}{'-file' if is_secret else ''}".replace("_", "-")


def name_parameter(name: str) -> str:
    """The name by which click hands over the option's value."""
    return name.replace("-", "_")
