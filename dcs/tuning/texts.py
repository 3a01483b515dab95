"""States and results of a relay test, for blocks and for people.

Called by   ``dcs.blocks.regulation.relay_fields`` (choices), ``dcs.cli.tune`` (sentences). Knows words only.
"""

IDLE, CHECKING, RUNNING = range(3)
STATE_TEXTS = ("idle", "checking that the loop is steady", "relay running")
STATE_CHOICES = tuple((text, code) for code, text in enumerate(STATE_TEXTS))

(
    NO_TEST, UNDER_WAY, DONE, DONE_POOR, DONE_COARSE, DONE_NO_MODEL,
    REFUSED_MODE, REFUSED_PV, REFUSED_BELOW, REFUSED_SATURATED, REFUSED_NOISY, REFUSED_NOT_STEADY, REFUSED_ALARM,
    ABORT_OPERATOR, ABORT_TIME_OUT, ABORT_PV_BAD, ABORT_PV_LIMIT, ABORT_MODE, ABORT_BELOW, ABORT_ALARM,
) = range(20)  # fmt: skip
RESULT_TEXTS = (
    "no test yet",
    "test under way",
    "finished",
    "finished, but the model fits poorly",
    "finished without a model: the loop is too fast for its scan",
    "finished without a model",
    "refused: the loop is not in Man, Auto or Cas",
    "refused: the measurement is not Good",
    "refused: the block below does not accept the output",
    "refused: the output is too near a limit",
    "refused: the noise is more than a third of the hysteresis",
    "refused: the measurement is not steady",
    "refused: the abort input is set or Bad",
    "aborted by the operator",
    "aborted: time-out",
    "aborted: the measurement went Bad",
    "aborted: the measurement left its safe limits",
    "aborted: the mode was changed",
    "aborted: the block below does not accept the output",
    "aborted by the abort input",
)
RESULT_CHOICES = tuple((text, code) for code, text in enumerate(RESULT_TEXTS))


def is_finished(result: int) -> bool:
    """Did the test run to its end?"""
    return DONE <= result <= DONE_NO_MODEL


def is_refused(result: int) -> bool:
    """Was it not started?"""
    return REFUSED_MODE <= result <= REFUSED_ALARM
