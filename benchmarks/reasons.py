"""Why a goal is not met, by its name as the table has it; said beside it for as long as it is not."""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, str]] = {}
