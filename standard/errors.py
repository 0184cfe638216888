"""What can be wrong with a message, as data: no sentence for people is made here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """One thing that a message must not be.

    ``code`` is a stable key: ``missing``, ``unexpected``, ``order``, ``choice``, ``too_many``,
    ``misspelt``, ``wrong_type``, ``too_long``, ``too_short``, ``not_in_domain``, ``pattern``,
    ``digits``, ``character``, ``charset``, ``encoding``, ``not_xml``, ``unsafe``, ``oversized``,
    ``too_deep``, ``unknown_element``, ``invalid``; ``message.check_envelope`` adds its own.
    ``path`` names the element below the root, repeated elements with their position from 1:
    ``prestadorParaOperadora/loteGuias/guiasTISS/guiaConsulta[2]/dadosAtendimento``.
    ``value`` is the offending text and may be clinical: never log it.
    ``limit`` is the length, count or number of digits that the schema allows.
    ``expected`` holds the names or values that the schema would take.
    """

    code: str
    path: str = ""
    line: int | None = None
    value: str | None = None
    limit: int | None = None
    expected: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [self.code]
        if self.path:
            parts.append(f"at {self.path}")
        if self.line:
            parts.append(f"line {self.line}")
        if self.limit is not None:
            parts.append(f"limit {self.limit}")
        return ", ".join(parts)


class TissError(ValueError):
    """A message that cannot be written or read; ``violation`` says what and where."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(str(violation))
        self.violation = violation

    @property
    def code(self) -> str:
        return self.violation.code

    @property
    def path(self) -> str:
        return self.violation.path


class EncodeError(TissError):
    """The values do not make a message of this version."""


class DecodeError(TissError):
    """The bytes are not a message of this version."""


class UnsafeXML(DecodeError):
    """The bytes carry a DTD, or exceed a limit of size or depth; nothing of them was used."""


class UnknownVersion(LookupError):
    """A TISS version whose schemas are not installed."""

    def __init__(self, version: str, installed: list[str]) -> None:
        super().__init__(f"TISS {version} is not installed; installed: {', '.join(installed)}")
        self.version = version
        self.installed = installed


class PackageError(ValueError):
    """A schema package that cannot be used.

    ``code`` is one of ``not_package`` (no message schemas of one version), ``damaged``,
    ``too_large``, ``incomplete`` (a file refers to one that is not there), ``changed`` (not as
    published, or not as installed) and ``unusable`` (the schemas say what no version ever did).
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
