"""Whose turn it is: an event loop that runs one callback at a time, and the hub's own threads, which run only when
they are let. So all that happens in a run follows from one series of choices, and happens again from the same one.
"""

import asyncio
import heapq
import threading
from collections import deque
from collections.abc import Callable
from contextvars import Context
from queue import Empty
from typing import Any, Generic, TypeVar

from tests.simulation.clock import Clock

T = TypeVar("T")


class Loop(asyncio.BaseEventLoop):
    """What work it hands to executors waits in `jobs`. `failed` is what nobody caught."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._soon: deque[asyncio.Handle] = deque()
        self._later: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = 0
        self.jobs: deque[tuple[asyncio.Future[Any], Callable[[], Any]]] = deque()
        self.failed: list[str] = []

    # what asyncio asks of a loop

    def time(self) -> float:
        return self._clock.monotonic()

    def is_running(self) -> bool:
        return False

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        handle = asyncio.Handle(callback, args, self, context)
        self._soon.append(handle)
        return handle

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        return self.call_soon(callback, *args, context=context)

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:  # type: ignore[override]
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._numbers += 1
        heapq.heappush(self._later, (when, self._numbers, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        done: asyncio.Future[Any] = self.create_future()
        self.jobs.append((done, lambda: func(*args)))
        return done

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.failed.append(f"{context.get('message')}: {context.get('exception')!r}")

    # what drives it

    def next_timer(self) -> float | None:
        while self._later and self._later[0][2].cancelled():
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None

    def can_turn(self) -> bool:
        while (first := self.next_timer()) is not None and first <= self.time():
            self._soon.append(heapq.heappop(self._later)[2])
        return bool(self._soon)

    def turn(self) -> None:
        """One callback."""
        handle = self._soon.popleft()
        if handle.cancelled():
            return
        asyncio._set_running_loop(self)
        try:
            handle._run()
        finally:
            asyncio._set_running_loop(None)

    def do_job(self) -> None:
        """What an executor's thread would do; its result comes as a callback."""
        done, work = self.jobs.popleft()
        try:
            result = work()
        except Exception as error:  # noqa: BLE001  # it belongs to who asked
            self.call_soon(_fail, done, error)
        else:
            self.call_soon(_settle, done, result)


def _settle(done: asyncio.Future[Any], result: Any) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: asyncio.Future[Any], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)


class Killed(BaseException):
    """The process of this thread is gone."""


class Worker(threading.Thread):
    """A thread of the hub. Between two turns it waits at its queue, or at its start."""

    def __init__(self, crew: "list[Worker]", *, target: Callable[..., None], args: Any = (), **named: Any) -> None:
        super().__init__(daemon=True, name=named["name"])
        self._work, self._arguments = target, args
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._killed = False
        self.queue: Queue[Any] | None = None
        crew.append(self)

    def run(self) -> None:
        try:
            self._go.acquire()
            if not self._killed:
                self._work(*self._arguments)
        except Killed:
            pass
        finally:
            self._killed = True
            self._back.release()

    def can_turn(self) -> bool:
        return self.ident is not None and not self._killed and (self.queue is None or bool(self.queue.waiting))

    def turn(self) -> None:
        """Until it waits again."""
        self._go.release()
        self._back.acquire()

    def rest(self, queue: "Queue[Any]") -> None:
        self.queue = queue
        self._back.release()
        self._go.acquire()
        if self._killed:
            raise Killed

    def kill(self) -> None:
        """It ends where it waits, and takes nothing more."""
        if not self._killed and self.ident is not None:
            self._killed = True
            self.turn()
            self.join()


class Queue(Generic[T]):
    """The spool's and the store's: who gets from it hands the turn back first."""

    def __init__(self) -> None:
        self.waiting: list[T] = []

    def put(self, item: T) -> None:
        self.waiting.append(item)

    def get(self) -> T:
        worker = threading.current_thread()
        assert isinstance(worker, Worker)
        worker.rest(self)
        return self.get_nowait()

    def get_nowait(self) -> T:
        if not self.waiting:
            raise Empty
        return self.waiting.pop(0)

    def empty(self) -> bool:
        return not self.waiting


class Ranked(Queue[Any]):
    """Smallest first."""

    def put(self, item: Any) -> None:
        heapq.heappush(self.waiting, item)

    def get_nowait(self) -> Any:
        if not self.waiting:
            raise Empty
        return heapq.heappop(self.waiting)
