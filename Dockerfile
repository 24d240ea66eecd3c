# syntax=docker/dockerfile:1
ARG BASE=python:3.13-slim-bookworm
ARG NODE=node:22-bookworm-slim

# GraphiQL's files, which the wheel contains.
FROM ${NODE} AS explorer
WORKDIR /explorer
COPY explorer/package.json explorer/package-lock.json explorer/.npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund

# The project's wheel, and an environment with only the wheel and its runtime dependencies.
FROM ${BASE} AS build
WORKDIR /src
RUN python3 -m venv /tools && python3 -m venv /opt/konagraph
COPY requirements-build.lock requirements-runtime.lock ./
RUN /tools/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r requirements-build.lock \
    && /opt/konagraph/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: \
        -r requirements-runtime.lock
COPY pyproject.toml hatch_build.py konagraph.py README.md LICENSE ./
COPY docs/configuration.md docs/configuration.md
COPY schema/ schema/
COPY graph/ graph/
COPY explorer/ explorer/
COPY --from=explorer /explorer/node_modules explorer/node_modules
# `docker build --build-arg SOURCE_COMMIT="$(git rev-parse HEAD)"`: the wheel remembers it, and git is not here.
ARG SOURCE_COMMIT=
RUN /tools/bin/python -m hatchling build -t wheel -d /wheels \
    && /opt/konagraph/bin/pip install --no-cache-dir --no-index --no-deps --find-links /wheels/ konagraph \
    && /opt/konagraph/bin/pip check \
    && /tools/bin/cyclonedx-py environment --output-reproducible /opt/konagraph/bin/python \
        -o /opt/konagraph/sbom.cdx.json

FROM ${BASE}
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin konagraph \
    && install --directory --owner konagraph --mode 0700 /credentials /secrets /redis
COPY --from=build /opt/konagraph /opt/konagraph
ENV PATH=/opt/konagraph/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    KONAGRAPH_HOST=0.0.0.0
USER 10001
# The second port is for health and metrics, on loopback unless KONAGRAPH_ADMIN_HOST is set.
EXPOSE 8000 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9090/livez', timeout=2)"]
ENTRYPOINT ["konagraph"]
# --quiet: the container's log has only lines of JSON.
CMD ["serve", "--quiet"]
