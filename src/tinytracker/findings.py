"""What a check says of a network: which layer cannot run, or not well, and what to change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tinytracker.errors import TargetError


class Severity(StrEnum):
    """ERROR: the target cannot run it. WARNING: it runs, but slowly or not as meant. NOTE: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark. layer: the layer's name and number, or "model" for the whole. message: what is, with its
    figures and the limit it meets. remedy: what to change; empty where nothing needs changing."""

    layer: str
    severity: Severity
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.layer} {self.message}" + (f"; {self.remedy}" if self.remedy else "")


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether the target cannot run the model."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def refuse(findings: Iterable[Finding], subject: str) -> None:
    """Raises TargetError with the first error among the findings, if there is one.

    subject: the sentence it proves, such as "the Edge TPU cannot run all of mine".
    """
    for finding in findings:
        if finding.severity is Severity.ERROR:
            raise TargetError(f"{subject}: {finding}")
