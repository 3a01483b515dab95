"""Promises of the PID block, on the bench."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN, OOS
from dcs.core.status import (
    BAD,
    FSA,
    GOOD_CASCADE,
    IA,
    IFS,
    LIMIT_CONSTANT,
    LIMIT_HIGH,
    LIMIT_LOW,
    NI,
    NS,
    OK,
    STATUS_BAD,
    STATUS_GOOD,
    UNCERTAIN,
    limits_of,
    make_status,
    quality_of,
    sub_status_of,
)
from tests.unit.blocks.bench import CASCADE_IA, CASCADE_IR, CASCADE_NI, CASCADE_OK, OnBench, pid


def textbook(gain, ti_s, td_s, n, beta, gamma, dt_s, setpoints, measurements, start=50.0):
    """The positional ISA form on its own: trapezoid-free sums, derivative by backward difference."""
    out, integral, derivative = [], 0.0, 0.0
    part = 1.0 - math.exp(-dt_s / ti_s) if ti_s else 0.0
    bias = start - gain * (beta * setpoints[0] - measurements[0])
    last_error, last_x = None, gamma * setpoints[0] - measurements[0]
    for r, y in zip(setpoints, measurements, strict=True):
        if last_error is not None:
            integral += part * gain * last_error
        x = gamma * r - y
        if out:
            tf = td_s / n
            derivative = (tf * derivative + td_s * (x - last_x)) / (tf + dt_s)
        out.append(gain * (beta * r - y) + bias + integral + gain * derivative)
        last_error, last_x = r - y, x
    return out


@pytest.mark.parametrize("direct", [0, 1])
@pytest.mark.parametrize(
    ("gain", "ti_s", "td_s", "beta", "gamma"),
    [(1.0, 20.0, 0.0, 1.0, 0.0), (2.5, 8.0, 3.0, 0.4, 0.0), (0.7, 30.0, 6.0, 0.0, 1.0), (1.5, 0.0, 2.0, 1.0, 0.0)],
)
def test_equals_the_textbook_equation(gain, ti_s, td_s, beta, gamma, direct):
    """Promise: as long as nothing limits, the block is the ISA equation, whatever the structure and action."""
    setpoints = [50.0] * 3 + [52.0] * 40
    measurements = [50.0 + 0.3 * math.sin(0.3 * k) for k in range(43)]
    block = pid(gain=gain, ti_s=ti_s, td_s=td_s, beta=beta, gamma=gamma, direct_acting=direct)
    got = [block.step(sp=r, pv=y).out for r, y in zip(setpoints, measurements, strict=True)]
    sign = -1.0 if direct else 1.0
    want = textbook(sign * gain, ti_s, td_s, 10.0, beta, gamma, 1.0, setpoints, measurements)
    assert got == pytest.approx(want, abs=1e-9)


def test_closed_loop_settles_on_the_setpoint_like_a_continuous_loop():
    """Promise: with a short period a PI loop on a first-order lag behaves as the continuous one (scipy)."""
    from scipy.signal import TransferFunction, step

    gain, ti_s, process_s, dt_s = 2.0, 10.0, 10.0, 0.02
    block = pid(dt_s, gain=gain, ti_s=ti_s, sp=50.0)
    y, measured = 50.0, []
    block.step(pv=y)
    for _ in range(round(60 / dt_s)):
        out = block.step(sp=55.0, pv=y).out
        y += (1 - math.exp(-dt_s / process_s)) * (50.0 + (out - 50.0) - y)
        measured.append(y)
    # Ti equals the lag: the open loop is gain/(10 s), the closed one 1/(1 + 5 s).
    times, answer = step(TransferFunction([gain], [ti_s, gain]), T=[dt_s * (k + 1) for k in range(len(measured))])
    assert max(abs(m - 50.0 - 5.0 * a) for m, a in zip(measured, answer, strict=True)) < 0.02
    assert measured[-1] == pytest.approx(55.0, abs=1e-3)
    assert len(times) == len(measured)


def test_no_steady_offset_with_feed_forward_and_setpoint_weight():
    """Promise: external reset leaves no offset with beta < 1 and FF (the plain lag of the output does)."""
    block = pid(gain=1.0, ti_s=5.0, beta=0.3, ff=20.0, ff_status=STATUS_GOOD, ff_linked=1)
    y = 50.0
    for _ in range(400):
        out = block.step(sp=60.0, pv=y).out
        y += 0.1 * (out - y)
    assert y == pytest.approx(60.0, abs=1e-6)


CHANGES = [
    {"gain": 7.0},
    {"ti_s": 3.0},
    {"ti_s": 0.0},
    {"td_s": 0.0},
    {"td_s": 40.0},
    {"n": 3.0},
    {"beta": 0.0},
    {"gamma": 1.0},
    {"form": 1},
    {"proportional": 0},
    {"error_squared": 1},
    {"gap": 4.0, "gap_gain": 0.1},
    {"direct_acting": 1},
    {"ff_gain": 3.0},
    {"out_high": 100.0},
    {"out_rate_up": 0.1, "out_rate_down": 0.1},
    {"gain": 0.1, "ti_s": 0.0, "td_s": 0.0, "beta": 0.2, "form": 1},
]
TUNED = {
    "gain": 2.0, "ti_s": 50.0, "td_s": 10.0, "sp": 60.0, "ff": 10.0, "ff_status": STATUS_GOOD, "ff_linked": 1,
    "out_high": 90.0,
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("saturated", [False, True])
def test_a_changed_parameter_moves_nothing_in_its_scan(change, saturated):
    """Promise: in the scan of a change OUT is what it is without the change, even while everything moves."""
    changed, as_before = (pid(**TUNED, out=89.0 if saturated else 50.0) for _ in range(2))
    for k in range(12):
        for block in (changed, as_before):
            block.step(pv=(50.0 if saturated else 55.0) + (-3.0 if saturated else 0.5) * k)
    assert (as_before.out == 90.0) is saturated
    pv = 10.0 if saturated else 61.5
    assert changed.step(pv=pv, **change).out == as_before.step(pv=pv).out


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_parameter_makes_no_step_afterwards(change):
    """Promise: with a measurement at rest, what follows a change is the new law's integral alone."""
    block = pid(**TUNED)
    block.step(count=300, pv=60.0)
    before = block.step(pv=60.0, **change).out
    assert block.step(count=5, pv=60.0).out == pytest.approx(before, abs=1e-6)  # no error, no movement


def test_a_changed_parameter_acts_from_the_next_scan_on():
    block = pid(gain=1.0, ti_s=0.0)
    block.step(count=3)
    before = block.step(gain=4.0).out
    assert block.step(pv=49.0).out == pytest.approx(before + 4.0)


def test_a_gain_factor_schedules_the_gain_without_a_bump():
    """Promise: a factor that is wired multiplies the gain; Bad, negative or no number at all leaves the last one."""
    block = pid(gain=1.0, ti_s=0.0, gain_factor_linked=1, gain_factor=1.0, gain_factor_status=STATUS_GOOD)
    block.step(count=2, pv=48.0)
    before = block.out
    assert block.step(pv=48.0, gain_factor=3.0).out == before
    assert block.step(pv=47.0).out == pytest.approx(before + 3.0)
    for factor, status in ((math.nan, STATUS_GOOD), (9.0, STATUS_BAD), (-2.0, STATUS_GOOD)):
        block.step(gain_factor=factor, gain_factor_status=status)
        assert block.loop_gain == 3.0


def test_factors_schedule_reset_and_rate_time_without_a_bump():
    """Promise: in the scan of a new factor OUT is what it would have been; then it is as with the times themselves."""
    wires = {"ti_factor_linked": 1, "ti_factor_status": STATUS_GOOD, "td_factor_linked": 1, "td_factor_status": 192}
    scheduled = pid(gain=2.0, ti_s=20.0, td_s=8.0, ti_factor=1.0, td_factor=1.0, **wires)
    plain = pid(gain=2.0, ti_s=20.0, td_s=8.0)
    for k, (ti, td) in enumerate([(1.0, 1.0)] * 4 + [(0.5, 1.0)] * 4 + [(0.5, 2.0)] * 4 + [(3.0, 0.0)] * 4):
        pv = 50.0 - 0.3 * k * (k % 3)
        unchanged = (plain.ti_s, plain.td_s)
        plain.ti_s, plain.td_s = 20.0 * ti, 8.0 * td
        if unchanged == (plain.ti_s, plain.td_s):
            plain.settings_changed = 0
        plain.step(pv=pv)
        scheduled.step(pv=pv, ti_factor=ti, td_factor=td)
        assert scheduled.out == plain.out
        assert scheduled.integral_pct == plain.integral_pct


@pytest.mark.parametrize("factor", [0.0, -1.0, math.nan, math.inf, 1e4])
def test_a_factor_that_is_none_leaves_the_last_one(factor):
    block = pid(ti_s=20.0, ti_factor_linked=1, ti_factor=0.5, ti_factor_status=STATUS_GOOD)
    part = block.step(count=3).reset_part
    assert part == pytest.approx(1.0 - math.exp(-1.0 / 10.0))
    block.step(count=2, ti_factor=factor)
    assert block.reset_part == part
    block.step(count=2, ti_factor=0.25, ti_factor_status=STATUS_BAD)
    assert block.reset_part == part


def test_without_integral_action_a_factor_gives_none():
    block = pid(ti_s=0.0, gain=2.0, ti_factor_linked=1, ti_factor=1.0, ti_factor_status=STATUS_GOOD)
    block.step(count=2)
    for factor in (0.1, 5.0):
        before = block.step(ti_factor=factor, pv=45.0, count=2).out
        assert block.step(count=20).out == before


def test_ti_zero_is_proportional_with_bias():
    block = pid(ti_s=0.0, gain=2.0, out=30.0)
    block.step(pv=50.0)
    assert [block.step(pv=45.0).out for _ in range(3)] == [40.0, 40.0, 40.0]
    assert block.step(pv=50.0).out == 30.0


@given(sp=st.floats(0, 100), pv=st.floats(0, 100), out=st.floats(0, 100), gain=st.floats(0, 20), ti_s=st.floats(0, 1e4))
@settings(max_examples=60, deadline=None)
def test_man_to_auto_is_bumpless(sp, pv, out, gain, ti_s):
    """Promise: Man → Auto with any error leaves OUT where it is."""
    block = pid(sp=sp, pv=pv, out=out, gain=gain, ti_s=ti_s, target=MAN)
    block.step(count=3)
    assert block.mode == MAN
    assert block.step(target=AUTO).out == pytest.approx(out, abs=1e-9)
    assert block.mode == AUTO


@pytest.mark.parametrize(
    "bad", [(math.nan, STATUS_GOOD), (math.inf, STATUS_GOOD), (55.0, STATUS_BAD), (math.nan, STATUS_BAD)]
)
def test_an_untrusted_measurement_holds_and_returns_without_a_spike(bad):
    """Promise: actual Man, OUT held, target kept; back to Auto without a step even if the measurement has moved."""
    block = pid(gain=3.0, td_s=5.0)
    block.step(count=5, pv=48.0)
    before = block.out
    block.step(count=20, pv=bad[0], pv_status=bad[1])
    assert (block.mode, block.target, block.out) == (MAN, AUTO, before)
    assert block.step(pv=20.0, pv_status=STATUS_GOOD).out == pytest.approx(before, abs=1e-9)
    assert block.mode == AUTO


def test_target_to_man_if_bad_latches():
    block = pid(target_man_if_bad=1)
    block.step(count=2)
    block.step(pv_status=STATUS_BAD)
    block.step(count=3, pv_status=STATUS_GOOD)
    assert (block.mode, block.target) == (MAN, MAN)


def test_uncertain_is_obeyed_only_with_the_option():
    assert pid(pv_status=make_status(UNCERTAIN)).step(count=2).mode == MAN
    assert pid(pv_status=make_status(UNCERTAIN), uncertain_as_good=1).step(count=2).mode == AUTO


@pytest.mark.parametrize(("error", "limit", "code"), [(10.0, 100.0, LIMIT_HIGH), (-10.0, 0.0, LIMIT_LOW)])
def test_wind_up_stops_at_both_ends(error, limit, code):
    """Promise: after any time at a limit the output leaves it as soon as the error changes sign."""
    block = pid(gain=1.0, ti_s=10.0)
    block.step(count=2000, pv=50.0 - error)
    assert block.out == limit
    assert limits_of(block.out_status) == code
    block.step(count=2, pv=50.0 + 0.02 * error)
    assert abs(block.out - limit) > 0.01 * abs(error)
    assert limits_of(block.out_status) == 0  # a limit is a fact of one scan


def test_a_limit_below_stops_the_integral_in_that_direction_only():
    below = {"bkcal_in_linked": 1, "ti_s": 10.0}
    block = pid(**below, bkcal_in=50.0, bkcal_in_status=CASCADE_OK)
    block.step(count=2)
    integral = block.integral_pct
    block.step(count=50, pv=40.0, bkcal_in_status=make_status(GOOD_CASCADE, OK, LIMIT_HIGH))
    assert block.integral_pct == integral
    for _ in range(5):
        block.step(pv=60.0, bkcal_in=block.out)
    assert block.integral_pct < integral


def test_limits_narrowed_clamp_and_widened_do_not_jump():
    block = pid(gain=1.0, ti_s=10.0)
    block.step(count=2, pv=50.0)
    assert block.step(out_high=30.0).out == 30.0
    assert block.step(out_high=100.0).out == pytest.approx(30.0, abs=1e-9)


def test_setpoint_ramps_and_is_limited():
    block = pid(gain=0.0, sp_rate_up=2.0, sp_rate_down=5.0, sp_high=58.0)
    block.step(count=2)
    assert [block.step(sp=70.0).sp_wrk for _ in range(5)] == [52.0, 54.0, 56.0, 58.0, 58.0]
    assert [block.step(sp=50.0).sp_wrk for _ in range(3)] == [53.0, 50.0, 50.0]


def test_a_ramp_waits_while_the_measurement_is_bad():
    block = pid(sp_rate_up=1.0)
    block.step(count=2)
    block.step(count=2, sp=60.0)
    block.step(count=5, pv_status=STATUS_BAD)
    assert block.sp_wrk == 52.0


def test_setpoint_follows_the_measurement_in_man_when_told():
    block = pid(target=MAN, sp_track_pv=1)
    assert block.step(pv=33.0).sp == 33.0
    assert pid(target=MAN).step(pv=33.0).sp == 50.0


def test_tracking_and_back_is_bumpless():
    block = pid(track_enable=1, trk_val=20.0, trk_val_status=STATUS_GOOD, trk_in_d_status=STATUS_GOOD, trk_in_d=1.0)
    block.step(count=3, pv=30.0)
    assert (block.mode, block.out) == (LO, 20.0)
    assert block.step(trk_in_d=0.0).out == pytest.approx(20.0, abs=1e-9)
    assert block.mode == AUTO
    assert (
        pid(track_enable=1, trk_in_d=1.0, trk_in_d_status=STATUS_GOOD, trk_val_status=STATUS_GOOD, target=MAN)
        .step()
        .mode
        == MAN
    )


# --- the handshake, from the primary's side ---------------------------------------------------------------


@pytest.mark.parametrize(
    "status", [CASCADE_NI, CASCADE_IR, make_status(GOOD_CASCADE, FSA), make_status(GOOD_CASCADE, 6)]
)
def test_primary_follows_a_block_below_that_is_not_ready(status):
    block = pid(bkcal_in_linked=1, bkcal_in=71.0, bkcal_in_status=status)
    block.step(count=3)
    assert (block.mode, block.out) == (IMAN, 71.0)
    assert sub_status_of(block.out_status) == (IA if status == CASCADE_IR else OK)


def test_lost_feedback_gives_iman_and_holds():
    block = pid(bkcal_in_linked=1, bkcal_in=50.0, bkcal_in_status=CASCADE_OK)
    block.step(count=3)
    before = block.out
    block.step(count=3, pv=20.0, bkcal_in=0.0, bkcal_in_status=STATUS_BAD)
    assert (block.mode, block.out) == (IMAN, before)


def test_primary_never_winds_up_while_it_follows():
    """Promise: a secondary out of Cas for hours leaves no wind-up; the integral follows."""
    block = pid(bkcal_in_linked=1, bkcal_in=30.0, bkcal_in_status=CASCADE_NI, gain=3.0, ti_s=5.0)
    block.step(count=5000, pv=10.0)
    block.step(bkcal_in_status=CASCADE_IR)
    assert block.step(bkcal_in_status=CASCADE_OK).out == pytest.approx(30.0, abs=1e-9)
    assert block.mode == AUTO


@pytest.mark.parametrize("limits", [0, LIMIT_LOW, LIMIT_HIGH, LIMIT_CONSTANT])
def test_a_loser_follows_the_selected_output_within_its_proportional_gap(limits):
    """Promise: NS is no IMan: the block stays in Auto, and its output rests Kc·e from the selected one."""
    status = make_status(GOOD_CASCADE, NS, limits)
    block = pid(bkcal_in_linked=1, bkcal_in=30.0, bkcal_in_status=status, gain=2.0, ti_s=10.0)
    block.step(count=300, pv=48.0)
    assert (block.mode, block.out) == (AUTO, pytest.approx(34.0))
    block.step(count=300, bkcal_in=70.0)
    assert block.out == pytest.approx(74.0)


# --- the handshake, from the secondary's side -------------------------------------------------------------


def secondary(**given: float) -> OnBench:
    return pid(**{"cas_in_linked": 1, "target": CAS, "cas_in": 60.0, "cas_in_status": CASCADE_OK} | given)


def test_secondary_asks_enters_and_stays():
    block = secondary(pv=47.0)
    block.step(count=3)
    assert (block.mode, sub_status_of(block.bkcal_out_status)) == (AUTO, 2)
    assert block.bkcal_out == 47.0  # its setpoint, from the measurement: nobody had given it one
    block.step(cas_in=47.0, cas_in_status=CASCADE_IA)
    assert (block.mode, sub_status_of(block.bkcal_out_status)) == (CAS, OK)
    block.step(cas_in=61.0, cas_in_status=CASCADE_OK)
    assert (block.mode, block.sp_wrk, block.bkcal_out) == (CAS, 61.0, 61.0)


def test_secondary_sheds_to_auto_and_keeps_its_target():
    block = secondary(mode=CAS)
    block.step(count=2)
    block.step(cas_in_status=STATUS_BAD)
    assert (block.mode, block.target, block.sp_wrk) == (AUTO, CAS, 60.0)
    assert sub_status_of(block.bkcal_out_status) == 2


@pytest.mark.parametrize("values", [{"target": AUTO}, {"target": MAN}, {"pv_status": STATUS_BAD}])
def test_secondary_that_cannot_be_in_cas_does_not_invite(values):
    block = secondary(**values)
    block.step(count=2)
    assert (quality_of(block.bkcal_out_status), sub_status_of(block.bkcal_out_status)) == (GOOD_CASCADE, NI)


def test_an_initialising_secondary_passes_ni_up():
    block = secondary(bkcal_in_linked=1, bkcal_in=10.0, bkcal_in_status=CASCADE_IR, cas_in_status=CASCADE_IA)
    block.step(count=2)
    assert (block.mode, sub_status_of(block.bkcal_out_status)) == (IMAN, NI)


@pytest.mark.parametrize(("direct", "expected"), [(0, LIMIT_HIGH), (1, LIMIT_LOW)])
def test_output_limit_goes_up_mapped_through_the_action(direct, expected):
    """Promise: a saturated secondary stops its primary in the worsening direction only."""
    block = secondary(mode=CAS, direct_acting=direct, gain=5.0)
    block.step(count=2)
    block.step(count=100, cas_in=90.0 if not direct else 10.0)
    assert block.out == 100.0
    assert limits_of(block.bkcal_out_status) == expected


def test_setpoint_limit_goes_up_without_inversion():
    block = secondary(mode=CAS, sp_high=55.0, direct_acting=1, gain=0.0)
    block.step(count=3)
    assert (block.sp_wrk, limits_of(block.bkcal_out_status)) == (55.0, LIMIT_HIGH)


def test_out_of_service_holds_and_says_so():
    block = pid(target=OOS, out=33.0)
    block.step(count=2)
    assert (block.mode, block.out, quality_of(block.out_status)) == (OOS, 33.0, BAD)
    assert quality_of(block.bkcal_out_status) == BAD
    block.step(target=AUTO)
    assert block.mode == MAN  # one execution in Man on the way
    assert block.step().mode == AUTO


def test_bad_measurement_can_ask_for_the_fault_state_below():
    block = pid(ifs_if_bad=1, pv_status=STATUS_BAD)
    assert sub_status_of(block.step().out_status) == IFS
    assert limits_of(block.out_status) == LIMIT_CONSTANT
