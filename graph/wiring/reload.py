"""SIGHUP: read the settings again and take over what may change."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Final

import structlog

from graph.config.settings import SettingsError
from graph.telemetry.logs import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.config.settings import Settings
    from graph.wiring.renewal import Renewal


READ_ANEW: Final = "secrets and documents were read anew"
NOTHING_CHANGED: Final = "secrets and documents were read, and none of them has changed"


class Reload:
    """Reloads, one time after the other however often it is asked to, and logs the outcome.

    Args:
        load: reads the settings.
        renewal: takes them over.
        reopen: opens files anew, whatever becomes of the settings.
    """

    def __init__(self, load: Callable[[], Settings], renewal: Renewal, reopen: Callable[[], None]) -> None:
        self._load = load
        self._renewal = renewal
        self._reopen = reopen
        self._wanted = False
        self._task: asyncio.Task[None] | None = None
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger(LOGGER)

    def request(self) -> None:
        """Reload, or once more when a reload is under way: it may have read the old values."""
        self._reopen()
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._wanted:
            self._wanted = False
            try:
                settings = self._load()
                renewed = await self._renewal.renew(settings)
            except SettingsError as error:
                # They name variables, never values.
                self._log.error("reload refused: everything stays as it was", problems=error.problems)
            except Exception as error:  # noqa: BLE001 - a gateway that answers must not end for this
                self._log.error("reload failed", exception=type(error).__name__)
            else:
                self._log.info(READ_ANEW if renewed.changed else NOTHING_CHANGED, **dataclasses.asdict(renewed))
