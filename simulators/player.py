"""Every declared device alive at once, and a scenario played on them."""

import asyncio
import difflib
import inspect
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from simulators.building import Building, Device
from simulators.desk import Desk
from simulators.gate import Gate
from simulators.locker import Locker
from simulators.mqtt import Broker
from simulators.panel import Panel
from simulators.reader import Reader
from simulators.scenario import Scenario, ScenarioError, Step
from simulators.simulator import Misbehaviour, Simulator
from simulators.zk_push import User, pin_of

log = logging.getLogger("simulators")

DESK = "hub"
"""what a scenario calls the desk, where it calls a device by its id"""
WAIT_FOR_LINES = 8.0
"""seconds that a scenario waits for its devices to be connected before it begins all the same"""


@dataclass(frozen=True, slots=True)
class Fleet:
    """How simulated devices of a building are made, and where they connect to."""

    building: Building
    broker: Broker
    seed: int = 0
    speed: float = 1.0

    def all(self, misbehave: Mapping[str, Misbehaviour]) -> "dict[str, Simulator[Any]]":
        """One for each declared device of a kind that is known here, by id."""
        made = {id_: self.one(device, misbehave.get(id_)) for id_, device in self.building.devices.items()}
        return {id_: simulator for id_, simulator in made.items() if simulator}

    def one(self, device: Device, misbehaviour: Misbehaviour | None = None) -> "Simulator[Any] | None":
        people, listen = self.building.people, self.building.listen
        match device.adapter:
            case "face_mqtt":
                faces = {person.id: person.name for person in people.values()}
                return Gate(device, self.broker, enrolled=faces, **self._common(misbehaviour))
            case "zkteco_push":
                users = {pin_of(each.id): User(each.name, each.cards[0]) for each in people.values() if each.cards}
                server = f"http://{listen.host}:{listen.readers}"
                return Reader(device, server, users=users, **self._common(misbehaviour))
            case "locker_mqtt":
                return Locker(device, self.broker, people=people, **self._common(misbehaviour))
            case "gbt26875":
                return Panel(device, listen.host, device.port or 5200, **self._common(misbehaviour))
            case other:
                log.warning("%s can't be simulated: there is no %s here", device.id, other)
                return None

    def _common(self, misbehaviour: Misbehaviour | None) -> dict[str, Any]:
        return {"seed": self.seed, "speed": self.speed, "misbehaviour": misbehaviour}


class Player:
    """Plays a scenario on devices that somebody else keeps running. Raises ScenarioError for steps that no device
    can do."""

    def __init__(
        self,
        scenario: Scenario,
        simulators: "Mapping[str, Simulator[Any]]",
        desk: Desk,
        *,
        seed: int = 0,
        speed: float = 1.0,
    ) -> None:
        self._scenario = scenario
        self._simulators = simulators
        self._desk = desk
        self._random = Random(f"{seed}/{scenario.title}")
        self._speed = speed
        self._results: dict[str, asyncio.Future[Any]] = {}
        if wrong := [line for step in scenario.steps if (line := self._mistake(step))]:
            raise ScenarioError("\n".join(wrong))

    async def play(self) -> None:
        """One cycle after the other; returns after the first where the scenario doesn't loop."""
        await self._lines_up()
        log.info("%s begins", self._scenario.title)
        first = True
        while True:
            await self._play_cycle(first=first)
            if not self._scenario.loop:
                log.info("%s has ended", self._scenario.title)
                return
            first = False

    async def _play_cycle(self, *, first: bool) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        steps = [step for step in self._scenario.steps if first or not step.once]
        self._results = {step.name: loop.create_future() for step in self._scenario.steps if step.name}
        tasks = [asyncio.create_task(self._play_step(step, began), name=str(step)) for step in steps]
        try:
            if self._scenario.loop:
                await asyncio.sleep(began + self._scenario.loop / self._speed - loop.time())
            else:
                await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _play_step(self, step: Step, began: float) -> None:
        loop = asyncio.get_running_loop()
        if step.after:
            if (await self._results[step.after]) is _FAILED:
                self._settle(step, _FAILED)
                return
            await asyncio.sleep((step.wait + self._random.uniform(0, step.jitter)) / self._speed)
            await self._act(step)
            return
        due = step.at
        while True:
            late_by = self._random.uniform(0, step.jitter)
            await asyncio.sleep(max(0.0, began + (due + late_by) / self._speed - loop.time()))
            await self._act(step)
            if not step.every:
                return
            due += step.every

    async def _act(self, step: Step) -> None:
        """Do it. What goes wrong is logged and ends what hangs on it, not the scenario."""
        result: Any = _FAILED
        try:
            parameters = {key: await self._value(value) for key, value in step.parameters.items()}
            if _FAILED not in parameters.values():
                result = getattr(self._target(step), step.action)(**parameters)
                if inspect.isawaitable(result):
                    result = await result
                log.info("%s %s", step.device, step.action)
        except (LookupError, ValueError, OSError) as error:
            result = _FAILED
            log.warning("%s: %s", step, str(error) or type(error).__name__)
        self._settle(step, result)

    async def _value(self, value: Any) -> Any:
        return await self._results[value[1:]] if isinstance(value, str) and value.startswith("@") else value

    def _settle(self, step: Step, result: Any) -> None:
        if step.name and not self._results[step.name].done():
            self._results[step.name].set_result(result)

    def _target(self, step: Step) -> "Simulator[Any] | Desk":
        return self._desk if step.device == DESK else self._simulators[step.device]

    def _mistake(self, step: Step) -> str:
        """Why this step can't be done; "" where it can."""
        if step.device != DESK and step.device not in self._simulators:
            return f"{step}: no such device{_nearest(step.device, self._simulators)}"
        target = self._target(step)
        known = target.actions | (target.common_actions if isinstance(target, Simulator) else frozenset())
        if step.action not in known:
            return f"{step}: it can't do that{_nearest(step.action, dict.fromkeys(known))}"
        try:
            inspect.signature(getattr(target, step.action)).bind(**step.parameters)
        except TypeError as error:
            return f"{step}: {error}"
        return ""

    async def _lines_up(self) -> None:
        wanted = {step.device for step in self._scenario.steps} - {DESK}
        lines = [asyncio.create_task(self._simulators[each].connected.wait()) for each in wanted]
        if lines:
            _, still_down = await asyncio.wait(lines, timeout=WAIT_FOR_LINES)
            for line in still_down:
                line.cancel()


_FAILED = object()
"""the result of a step that could not be done"""


def _nearest(name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(known))}"
