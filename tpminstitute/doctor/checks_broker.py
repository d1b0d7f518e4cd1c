"""The broker, which carries wake-ups only: without it mail is slow, never lost."""

import tempfile
import time
from typing import Any

from tpminstitute.core.config import Settings
from tpminstitute.doctor.findings import Finding, at_risk, ok, wrong

SUBJECT = "Broker"
QUEUE = "tpminstitute"
LONGEST_WAIT = 2.0
SLOW_MS = 100.0
PILED_UP = 200
"""Wake-ups that nobody took; they are merged and expire, so a worker that runs keeps them near zero."""

SLOWER = "Until then mail goes out slower, and none is lost."


def check_broker(settings: Settings) -> list[Finding]:
    """Look at Redis, or at the built-in broker's folder."""
    return _redis(settings.redis_url) if settings.redis_url else _folder(settings)


def _redis(url: str) -> list[Finding]:
    import redis  # here, since the desk's doctor comes with every web process, and most have no Redis

    options: dict[str, Any] = {"socket_timeout": LONGEST_WAIT, "socket_connect_timeout": LONGEST_WAIT}
    try:
        with redis.Redis.from_url(url, **options, retry=None) as client:
            client.ping()
            begun = time.monotonic()
            client.ping()
            latency = (time.monotonic() - begun) * 1000
            facts: dict[str, Any] = client.info()
            waiting = client.llen(QUEUE)
    except redis.AuthenticationError as error:
        return [wrong(SUBJECT, f"Redis refuses the name or password of REDIS_URL ({error}).", f"Correct it. {SLOWER}")]
    except redis.exceptions.NoPermissionError as error:
        do = "Allow its user PING, INFO, and all commands on its own keys."
        return [wrong(SUBJECT, f"Redis doesn't allow what is needed ({error}).", do)]
    except (redis.RedisError, OSError) as error:
        do = f'Is it running, and is the address right? Try `redis-cli -u "$REDIS_URL" ping`. {SLOWER}'
        return [wrong(SUBJECT, f"Redis doesn't answer within {LONGEST_WAIT:.0f} s ({error}).", do)]
    return _redis_facts(facts, latency, int(waiting))  # type: ignore[arg-type,unused-ignore]


def _redis_facts(facts: dict[str, Any], latency: float, waiting: int) -> list[Finding]:
    found = []
    policy = str(facts.get("maxmemory_policy", "noeviction"))
    if facts.get("role") not in (None, "master"):
        says = "This Redis is a replica and takes no wake-ups."
        found.append(wrong(SUBJECT, says, "Point `REDIS_URL` at the primary."))
    if facts.get("maxmemory") and policy != "noeviction":
        says = f"Redis drops keys when its memory is full ({policy}), wake-ups among them."
        found.append(at_risk(SUBJECT, says, "Type `redis-cli CONFIG SET maxmemory-policy noeviction` and keep it so."))
    if latency > SLOW_MS:
        says = f"Redis answers in {latency:.0f} ms."
        found.append(at_risk(SUBJECT, says, "Look at its load with `redis-cli --latency`, or put it nearer."))
    if waiting > PILED_UP:
        found.append(_piled_up(waiting))
    return found or [ok(SUBJECT, f"Redis {facts.get('redis_version', '')} answers in {latency:.1f} ms ({policy}).")]


def _folder(settings: Settings) -> list[Finding]:
    folder = settings.broker_folder / "queue"
    if not folder.exists():
        return [ok(SUBJECT, "The built-in broker makes its folder at the first start.")]
    try:
        with tempfile.NamedTemporaryFile(dir=settings.broker_folder, prefix=".doctor-"):
            waiting = sum(1 for _ in folder.iterdir())
    except OSError as error:
        says = f"The built-in broker's folder {settings.broker_folder} can't be written to ({error.strerror})."
        return [wrong(SUBJECT, says, f"Give it to the service's user: `chown -R` it, or free the disk. {SLOWER}")]
    if waiting > PILED_UP:
        return [_piled_up(waiting)]
    return [ok(SUBJECT, f"The built-in one; {waiting} wake-up{'' if waiting == 1 else 's'} waiting.")]


def _piled_up(waiting: int) -> Finding:
    says = f"{waiting} wake-ups wait, and nobody takes them."
    return at_risk(SUBJECT, says, "Start a worker: `tpm worker`, or all with `tpm run`.")
