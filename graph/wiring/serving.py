"""The gateway's server: its own port, its admin port, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from graph.http.front import Front
from graph.http.health import AdminApp, Health
from graph.server.connection import ConnectionOptions
from graph.server.limits import HttpLimits
from graph.server.listen import ListenError, bind
from graph.server.server import Drain, Server
from graph.wiring.rejections import rejection_response

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from starlette.applications import Starlette

    from graph.config.settings import Settings
    from graph.telemetry.metrics import Metrics


def gateway_server(app: Starlette, settings: Settings, on_ready: Callable[[int], None]) -> Server:
    """A server of the gateway, with its admin port beside it unless there is to be none.

    `on_ready` is called with the port once connections are accepted.

    Raises:
        ListenError: when an address cannot be listened on.
    """
    health: Health = app.state.health
    sockets = bind(settings.konagraph_host, settings.konagraph_port)
    server = Server(
        app,
        sockets,
        ConnectionOptions(rejection_response, http_limits(settings)),
        on_ready=on_ready,
        drain=Drain(settings.konagraph_drain_delay, settings.konagraph_drain_timeout, health.drain),
    )
    if settings.konagraph_admin_port is not None:
        try:
            admin_sockets = _bind_admin(settings.konagraph_admin_host, settings.konagraph_admin_port)
        except ListenError:
            for one in sockets:
                one.close()
            raise
        server.beside.append(_admin_server(app, settings, admin_sockets))
    return server


def _bind_admin(host: str, port: int) -> list[socket.socket]:
    try:
        return bind(host, port)
    except ListenError as error:
        raise ListenError(f"{error} (KONAGRAPH_ADMIN_PORT)", error.number, "KONAGRAPH_ADMIN_PORT") from None


def _admin_server(app: Starlette, settings: Settings, sockets: list[socket.socket]) -> Server:
    """A server of an admin port, which has nothing to wait for at its end."""
    metrics: Metrics = app.state.metrics
    admin = AdminApp(app.state.health, lambda: Response(metrics.render(), media_type=metrics.content_type))
    return Server(
        Front(admin),
        sockets,
        ConnectionOptions(rejection_response, admin_limits(settings)),
        lifespan=False,
        drain=Drain(timeout=0.0),
    )


def http_limits(settings: Settings) -> HttpLimits:
    """The bounds of a connection."""
    return HttpLimits(
        header_bytes=settings.konagraph_max_header_bytes,
        headers=settings.konagraph_max_headers,
        url_bytes=settings.konagraph_max_url_bytes,
        header_timeout=settings.konagraph_header_timeout,
        body_timeout=settings.konagraph_body_timeout,
        write_timeout=settings.konagraph_write_timeout,
        keepalive=settings.konagraph_keepalive,
        allowed_hosts=settings.konagraph_allowed_hosts,
        fixed_hosts=settings.konagraph_auth == "none",
    )


def admin_limits(settings: Settings) -> HttpLimits:
    """The bounds of a connection to the admin port, which asks nobody for credentials."""
    return HttpLimits(allowed_hosts=settings.konagraph_allowed_hosts, fixed_hosts=True)
