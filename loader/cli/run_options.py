"""The options of `headwater run` by which sources can be narrowed: each source declares its own."""

from collections.abc import Mapping

import click


class RunCommand(click.Command):
    """Has an option for each one that a source declares; sources are imported only if this command is typed."""

    def get_params(self, context: click.Context) -> list[click.Parameter]:
        """The command's own options, and after the first those of sources."""
        from loader.sources import list_options

        declared: list[click.Parameter] = [
            click.Option(
                [f"--{option.name}"],
                multiple=True,
                metavar=option.metavar,
                help=f"{option.help}; may be given repeatedly.",
            )
            for option in list_options()
            if option.metavar  # a run that follows ends with Ctrl-C and publishes nothing
        ]
        own = super().get_params(context)
        return [*own[:1], *declared, *own[1:]]


def name_given(given: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """What was typed, by the names that sources give their options."""
    from loader.sources import list_options

    by_parameter = {option.name.replace("-", "_"): option.name for option in list_options() if option.metavar}
    return {by_parameter[name]: values for name, values in given.items() if values}
