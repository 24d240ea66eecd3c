"""`konagraph probe` as a command: what it prints, and how it is stopped."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from graph.cli import main
from tests.independent.wallet import MEMBER_ID, card_no
from tests.probe.konaplate import Konaplate, credentials, environment

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def running() -> Iterator[Konaplate]:
    """A Konaplate in an event loop of its own, for a command that has one itself."""
    upstream = Konaplate(no_card="003_099")
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        runner.run(upstream.__aenter__())
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        yield upstream
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        runner.run(upstream.__aexit__(None, None, None))


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_command_prints_settings_and_nothing_of_the_card_or_the_member(running: Konaplate, form: str) -> None:
    arguments = ["probe", "--yes", "--format", form]
    result = CliRunner().invoke(main, arguments, input=f"{card_no(0)}\n", env=environment(running))
    assert result.exit_code == 1
    assert "KONAPLATE_NO_CARD_CODES=003_099" in result.stdout
    secrets = [card_no(0), "김비밀", "01012345678", "kim@example.com", "50000", "PAR0", str(MEMBER_ID)]
    given = running.credentials
    for text in (*secrets, given.secret_key, given.access_key, given.asp_id):
        assert text not in result.output


def test_a_probe_that_is_stopped_at_a_question_prints_what_it_has_found(running: Konaplate) -> None:
    result = CliRunner().invoke(main, ["probe"], input=f"{card_no(0)}\ny\ny\n", env=environment(running))
    assert result.exit_code == 1
    assert "good     signed call: accepted" in result.stdout
    assert "good     echo of the correlation id: that of the call" in result.stdout
    assert result.stdout.endswith(
        "BAD      probe: stopped before its end\n         -> start it again for what is missing here\n"
    )


def test_the_command_needs_a_card_number() -> None:
    given = credentials()
    settings = {
        "KONAPLATE_BASE_URL": "http://127.0.0.1:9/open-api",
        "KONAPLATE_ASP_ID": given.asp_id,
        "KONAPLATE_ACCESS_KEY": given.access_key,
        "KONAPLATE_SECRET_KEY": given.secret_key,
        "KONAPLATE_ENCRYPTION": "off",
    }
    result = CliRunner().invoke(main, ["probe", "--yes"], input="12\n", env=settings)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "16 digits" in result.stderr
