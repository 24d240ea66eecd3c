"""Creates the secrets that the gateways and Redis share, unless they exist: `make_secrets.py GATEWAY REDIS`.

GATEWAY is the folder of the gateways' files, each named after its setting; REDIS that of Redis's access control
list. Needs only Python. The compose file runs it first.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
from pathlib import Path

# Only what a gateway needs (docs/configuration.md). The default user, which may do everything, is off.
RULES = """\
user default off
user health on nopass resetkeys resetchannels -@all +ping
user konagraph on resetkeys ~konagraph:* resetchannels -@all +evalsha +script|load +time +hmget +hset +pexpire \
+zremrangebyscore +zscore +zcard +zrange +zadd +get +set #{digest}
"""


def main(gateway: Path, redis: Path, address: str) -> None:
    """Write the missing files. The list contains only the digest of the password."""
    for name in ("KONAGRAPH_ID_KEY", "KONAGRAPH_AUDIT_KEY"):
        if not (gateway / name).exists():
            _write(gateway / name, secrets.token_urlsafe(48))
    if (gateway / "KONAGRAPH_CARD_REF_KEY").exists():
        return
    password = secrets.token_urlsafe(32)
    _write(redis / "users.acl", RULES.format(digest=hashlib.sha256(password.encode("ascii")).hexdigest()))
    _write(gateway / "KONAGRAPH_REDIS_URL", f"redis://konagraph:{password}@{address}")
    # Last, so that an interrupted run is repeated completely.
    _write(gateway / "KONAGRAPH_CARD_REF_KEY", secrets.token_urlsafe(48))


def _write(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    file.touch(mode=0o600, exist_ok=False)
    file.write_text(text, encoding="ascii")
    file.chmod(0o400)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), "redis:6379/0")
