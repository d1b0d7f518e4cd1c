"""Redis, which carries wake-ups only, goes away in every way it can."""

import socket
import time
from collections.abc import Callable

from tests.faults.house import House
from tests.faults.scenario import WARM_UP, Scenario
from tests.faults.visitors import Visitors
from tests.parts.redis import RedisServer

AWAY = 4.0
BLACKHOLED = 12.0


def broker_faults() -> list[Scenario]:
    """Return the scenarios."""
    return [
        _scenario(f"stopped for {AWAY:.0f} s", _stopped),
        _scenario(f"killed, back after {AWAY:.0f} s", _killed),
        _scenario("flushed ten times", _flushed),
        _scenario(f"blackholed for {BLACKHOLED:.0f} s (SIGSTOP)", _blackholed),
        _scenario(f"paused for {AWAY:.0f} s (CLIENT PAUSE)", _paused),
    ]


def _scenario(name: str, happens: Callable[[RedisServer], None]) -> Scenario:
    def fault(house: House, visitors: Visitors) -> None:
        assert house.redis is not None
        visitors.wait_for_thanks(WARM_UP)
        happens(house.redis)

    return Scenario("redis", f"Redis {name}", fault, broker="redis")


def _stopped(redis: RedisServer) -> None:
    redis.stop()
    time.sleep(AWAY)
    redis.start()


def _killed(redis: RedisServer) -> None:
    redis.kill()
    time.sleep(AWAY)
    redis.start()


def _flushed(redis: RedisServer) -> None:
    for _ in range(10):
        redis.flush()
        time.sleep(0.2)


def _blackholed(redis: RedisServer) -> None:
    redis.freeze()
    time.sleep(BLACKHOLED)
    redis.thaw()


def _paused(redis: RedisServer) -> None:
    with socket.create_connection(("127.0.0.1", redis.port), timeout=5) as connection:
        connection.sendall(b"CLIENT PAUSE %d ALL\r\n" % int(AWAY * 1000))
        connection.recv(64)
    time.sleep(AWAY)
