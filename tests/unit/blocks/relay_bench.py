"""A plain PI with the relay test, and the process that it controls: what the tests of the relay look at."""

import math
from typing import Any

from dcs.blocks.declare import BlockType, block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import below_ready, clamp, input_ok
from dcs.blocks.regulation.relay_fields import (
    RELAY_TEST_EVENT,
    RELAY_TEST_INPUTS,
    RELAY_TEST_OUTPUTS,
    RELAY_TEST_PARAMS,
    RELAY_TEST_STATE,
)
from dcs.blocks.regulation.relay_test import relay_test
from dcs.core.modes import AUTO, IMAN, LO, MAN, OOS
from dcs.core.status import STATUS_GOOD
from dcs.tuning.texts import IDLE, RESULT_TEXTS
from tests.support.processes_to_control import Process
from tests.unit.blocks.bench import OnBench

PLAIN_PI: BlockType = block_type(
    "PLAIN_PI",
    "PI controller of the tests",
    inputs=[signal("pv", "%", "measurement"), signal("bkcal_in", "%", "accepted"), *RELAY_TEST_INPUTS],
    state=[
        i8("bkcal_in_linked", "1 when wired"),
        f8("integral_pct", "%", "integral term"),
        *RELAY_TEST_EVENT,
        *RELAY_TEST_STATE,
    ],
    outputs=[signal("out", "%", "output"), i8("mode", "actual mode"), *RELAY_TEST_OUTPUTS],
    params=[
        scale("pv_scale", "measurement"),
        scale("out_scale", "output"),
        f8("gain", "", "gain", default=0.5),
        f8("ti_s", "s", "reset time", default=20.0),
        f8("sp", "%", "setpoint", default=50.0),
        f8("out_low", "%", "lowest output"),
        f8("out_high", "%", "highest output", default=100.0),
        i8("direct_acting", "1: a rising measurement raises the output"),
        i8("target", "mode asked for", default=AUTO),
        *RELAY_TEST_PARAMS,
    ],
    internal=True,
)


@step(PLAIN_PI)
def plain_pi(b: Any, dt_s: float) -> None:
    """Just enough of a controller to be tested."""
    pv_good = input_ok(b.pv, b.pv_status, 0)
    b.mode = b.target if pv_good or b.target == OOS else MAN
    if b.bkcal_in_linked != 0 and not below_ready(b.bkcal_in, b.bkcal_in_status):
        b.mode = IMAN
    if (b.tune_request != 0 or b.tune_state != 0) and relay_test(b, dt_s, pv_good):
        b.mode, b.out = LO, b.tune_out
    pv = b.pv if pv_good else b.sp
    error = pv - b.sp if b.direct_acting != 0 else b.sp - pv
    if b.mode == AUTO:
        b.integral_pct = b.integral_pct + b.gain * error * dt_s / b.ti_s
        b.out = clamp(b.gain * error + b.integral_pct, b.out_low, b.out_high)
        return
    if b.mode == IMAN and math.isfinite(b.bkcal_in):
        b.out = b.bkcal_in
    b.integral_pct = b.out - b.gain * error


class Loop:
    """The PI at rest at 50 % on a process around 50 %."""

    def __init__(
        self, lag_s: float = 20.0, dead_s: float = 5.0, gain: float = 1.0, noise: float = 0.0, seed: int = 1,
        dt_s: float = 0.5, integrating: bool = False, **values: float,
    ) -> None:  # fmt: skip
        self.process = Process(gain, lag_s, dead_s, dt_s, integrating, noise, seed)
        start = {"out": 50.0, "integral_pct": 50.0, "pv_status": STATUS_GOOD, "tune_settle_s": 20.0}
        self.block = OnBench("PLAIN_PI", dt_s, **start | values)
        self.start_out = self.block.out
        self.history: list[tuple[float, float, int]] = []  # PV, OUT, mode

    def scan(self, count: int = 1) -> "Loop":
        for _ in range(count):
            pv = 50.0 + self.process.measured()
            self.block.step(pv=pv)
            self.process.move(self.block.out - self.start_out)
            self.history.append((pv, self.block.out, self.block.mode))
        return self

    def start(self) -> "Loop":
        self.block.tune_request = 1
        return self

    def run(self, seconds: float = 4000.0) -> "Loop":
        """Until the test is over."""
        for _ in range(round(seconds / self.block.dt_s)):
            self.scan()
            if self.block.tune_state == IDLE:
                return self
        raise AssertionError(f"still {self.block.tune_state} after {seconds} s")

    def until_relay(self) -> "Loop":
        while self.block.tune_state != 2:
            self.scan()
            assert self.block.tune_state != IDLE, self.result
        return self

    @property
    def result(self) -> str:
        return RESULT_TEXTS[self.block.tune_result]
