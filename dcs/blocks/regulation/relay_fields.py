"""The words of the relay test in the record of a controller: what a block type includes to have one.

Included by the PID, at the far end of each of its groups, so that the words of every scan stay together.
Knows       declarations. What is done with the words is in ``relay_test``.
"""

from dcs.blocks.declare import f8, i8, signal
from dcs.tuning.texts import RESULT_CHOICES, RESULT_TEXTS, STATE_CHOICES, UNDER_WAY

RELAY_TEST_INPUTS = (signal("tune_abort", "", "1 ends a relay test, as does Bad: an alarm, an interlock"),)

RELAY_TEST_EVENT = (i8("event", "what the journal hears: the result of a relay test"),)
"""Among the words of every scan: the engine looks at it."""

RELAY_TEST_EVENTS = {code: f"relay test {text}" for code, text in enumerate(RESULT_TEXTS) if code > UNDER_WAY}

RELAY_TEST_STATE = (
    f8("event_value", "%", "quality of the model in that event"),
    i8("tune_abort_linked", "1 when TUNE_ABORT is wired"),
    i8("tune_request", "relay test", choices=(("OFF", 0), ("START", 1), ("ABORT", 2))),
    i8("tune_state", "what the relay test does", choices=STATE_CHOICES),
    i8("tune_target", "target mode at the start of the test"),
    i8("tune_up", "1 while the relay is on the side that raises the measurement"),
    i8("tune_scans", "scans of this half period; while checking: scans checked"),
    i8("tune_agree", "half periods in a row that agreed with the one before on the same side"),
    i8("tune_last_up", "scans of the last half period up"),
    i8("tune_last_down", "scans of the last half period down"),
    i8("tune_ups", "half periods up in the totals"),
    i8("tune_downs", "half periods down in the totals"),
    i8("tune_up_scans", "scans up in the totals"),
    i8("tune_down_scans", "scans down in the totals"),
    f8("tune_time_s", "s", "since the start was asked for"),
    f8("tune_out", "@out_scale", "output of the relay"),
    f8("tune_out_found", "@out_scale", "output at the start: mean of the check"),
    f8("tune_pv_found", "%", "measurement at the start: mean of the check"),
    f8("tune_step_up", "%", "amplitude of the relay on the side that raises the measurement"),
    f8("tune_step_down", "%", "amplitude of the relay on the other side"),
    f8("tune_pv_half", "%", "sum of the measurement in this half period; while checking: its first value"),
    f8("tune_square_half", "", "sum of its squares in this half period; while checking: its last value"),
    f8("tune_out_half", "%", "sum of the accepted output in this half period"),
    f8("tune_rms_up", "%", "size of the last half period up; while checking: highest measurement"),
    f8("tune_rms_down", "%", "size of the last half period down; while checking: lowest measurement"),
    f8("tune_pv_total", "%", "sum of the measurement; while checking: weighted by the number of the scan"),
    f8("tune_square_total", "", "sum of its squares; while checking: of its deviations from the mean"),
    f8("tune_out_total", "%", "sum of the accepted output; while checking: of the squared steps of the measurement"),
    f8("tune_level_up", "%", "sum of the measurements one scan after the relay left its upper side"),
    f8("tune_level_down", "%", "sum of the measurements one scan after the relay left its lower side"),
)

RELAY_TEST_OUTPUTS = (
    i8("tune_result", "what came of the last relay test", choices=RESULT_CHOICES),
    f8("tune_noise_pct", "%", "standard deviation of the measurement at rest"),
    f8("tune_ku", "", "ultimate gain, % of output per % of measurement"),
    f8("tune_pu_s", "s", "ultimate period"),
    f8("tune_k", "", "static gain of the process, %/%; of an integrating one in %/s per %"),
    f8("tune_t_s", "s", "time constant of the process; 0 with a gain other than 0: integrating"),
    f8("tune_l_s", "s", "dead time as the controller sees it, half a scan of hold included"),
    f8("tune_quality", "%", "how well the model fits the test"),
)

RELAY_TEST_PARAMS = (
    f8("tune_step_pct", "%", "larger amplitude of the relay, % of the output's range", default=5.0, low=0.1, high=50.0),
    f8("tune_asymmetry", "", "larger over smaller amplitude of the relay", default=2.0, low=1.2, high=5.0),
    f8(
        "tune_hysteresis_pct",
        "%",
        "hysteresis of the relay, at least 3 σ of noise",
        default=0.5,
        low=0.01,
        high=20.0,
    ),
    f8("tune_pv_dev_pct", "%", "how far the measurement may go from its start", default=10.0, low=0.1, high=100.0),
    f8("tune_band_pct", "%", "how far it may move in the check before the start", default=1.0, low=0.01, high=20.0),
    f8("tune_settle_s", "s", "length of that check", default=60.0, low=1.0),
    f8("tune_timeout_s", "s", "longest test", default=3600.0, low=10.0),
    i8("tune_periods", "periods that must agree", default=3, low=2, high=20),
)

RELAY_TEST_PUBLISHED = {
    "TUNE": "tune_request",
    "TUNE_STATE": "tune_state",
    "TUNE_RESULT": "tune_result",
    "TUNE_NOISE": "tune_noise_pct",
    "TUNE_KU": "tune_ku",
    "TUNE_PU": "tune_pu_s",
    "TUNE_K": "tune_k",
    "TUNE_T": "tune_t_s",
    "TUNE_L": "tune_l_s",
    "TUNE_QUALITY": "tune_quality",
    "TUNE_STEP": "tune_step_pct",
    "TUNE_HYST": "tune_hysteresis_pct",
    "TUNE_PV_DEV": "tune_pv_dev_pct",
}

RELAY_TEST_WRITABLE = ("TUNE", "TUNE_STEP", "TUNE_HYST", "TUNE_PV_DEV")
