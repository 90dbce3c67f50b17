"""What a user may see: one line that says what is wrong and what to do."""


class HeadwaterError(Exception):
    """A failure that a user can fix. Its text is one line, without a secret; the exit status is 1."""


class StopLoadingError(HeadwaterError):
    """The source answers no further request in this run: no key, no budget, no requests left."""


class SettingsError(StopLoadingError):
    """The user must change a setting or a file first: the same run would fail again."""


class TemporaryError(HeadwaterError):
    """A failure that may pass within minutes: no answer from a server, a file that another process holds."""


def may_pass(error: BaseException) -> bool:
    """Whether it, or what caused it, may be gone within minutes, so that another try is worth it."""
    return any(isinstance(cause, TemporaryError) for cause in list_causes(error))


def list_causes(error: BaseException) -> list[BaseException]:
    """The error, what caused it, and so on to the root."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    return causes
