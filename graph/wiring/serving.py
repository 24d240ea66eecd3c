"""One process of the gateway: its own port, its admin port, its signals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graph.http.health import AdminApp, Health, admin_app
from graph.http.middleware import PrivateAnswers
from graph.server.listen import ListenError, bind
from graph.server.server import make_server
from graph.server.shutdown import Drain, Server
from graph.wiring.http_limits import admin_limits, http_limits

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from graph.config.settings import Settings
    from graph.http.app import Gateway


def gateway_server(
    app: Gateway,
    settings: Settings,
    on_ready: Callable[[int], None],
    *,
    sockets: list[socket.socket] | None = None,
    admin_sockets: list[socket.socket] | None = None,
) -> Server:
    """A server of the gateway, with its admin port beside it unless there is to be none.

    Args:
        app: see `graph.app`.
        settings: see `graph.config.settings`.
        on_ready: called with the port once connections are accepted.
        sockets: of the gateway, instead of those that the settings name.
        admin_sockets: of the admin port, likewise.

    Raises:
        ListenError: when an address cannot be listened on.
    """
    health: Health = app.state.health
    if sockets is None:
        sockets = bind(settings.konagraph_host, settings.konagraph_port)
    server = make_server(
        app,
        sockets=sockets,
        on_ready=on_ready,
        limits=http_limits(settings),
        overload=app.state.overload,
        outbox=app.state.outbox,
        drain=Drain(settings.konagraph_drain_delay, settings.konagraph_drain_timeout, health.drain),
    )
    if admin_sockets is None and settings.konagraph_admin_port is not None:
        try:
            admin_sockets = bind_admin(settings.konagraph_admin_host, settings.konagraph_admin_port)
        except ListenError:
            for one in sockets:
                one.close()
            raise
    if admin_sockets is not None:
        admin = admin_app(health, lambda: getattr(app.state, "metrics", None))
        server.beside.append(admin_server(admin, settings, admin_sockets))
    return server


def bind_admin(host: str, port: int) -> list[socket.socket]:
    """The sockets of an admin port.

    Raises:
        ListenError: when its address cannot be listened on.
    """
    try:
        return bind(host, port)
    except ListenError as error:
        raise ListenError(f"{error} (KONAGRAPH_ADMIN_PORT)", error.number, "KONAGRAPH_ADMIN_PORT") from None


def admin_server(app: AdminApp, settings: Settings, sockets: list[socket.socket]) -> Server:
    """A server of an admin port, which has nothing to wait for at its end."""
    return make_server(
        PrivateAnswers(app),
        sockets=sockets,
        limits=admin_limits(settings),
        lifespan=False,
        drain=Drain(timeout=0.0),
    )
