"""What a linter says: which layer a target cannot run, or not well, and what to change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """ERROR: the target cannot run it. WARNING: it runs, but slowly or not as meant. NOTE: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark. layer: the layer's name and number, or "model" for the whole. message: what is, with its figures and the
    limit it meets. remedy: what to change; empty where nothing needs changing."""

    layer: str
    severity: Severity
    message: str
    remedy: str = ""


def has_errors(findings: list[Finding]) -> bool:
    """Whether the target cannot run the model."""
    return any(finding.severity is Severity.ERROR for finding in findings)
