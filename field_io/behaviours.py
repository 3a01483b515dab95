"""What a simulated device can do by itself: every type of behaviour with its roles and parameters.

Called by   ``dcs.config.behaviour_check`` (what stands in field.yaml and in maps), the documentation generator.
Knows       declarations alone; each type is computed in ``field_io.devices.behaviours``.
Roles       are played by points of the device: those that are named, or those that are called like the role. A value is
            converted between the unit of the role and that of its point.
"""

from dataclasses import dataclass

from dcs.core.errors import Place

ANY = "@"
"""Unit of a role or parameter: that of the point which plays the type's first role."""

OWN = "*"
"""Unit of a role: its point's own, whatever that is."""


@dataclass(frozen=True, slots=True)
class Role:
    """A point's part. ``made``: the behaviour makes its value, otherwise it reads it; ``command``: clients write it."""

    name: str
    unit: str
    meaning: str
    made: bool = True
    command: bool = False
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number; ``default`` None: it must be given. Below ``low`` it means nothing."""

    name: str
    unit: str
    meaning: str
    default: float | None = None
    low: float | None = None


@dataclass(frozen=True, slots=True)
class BehaviourKind:
    """A type. ``driving``: commands whose plant input follows what the device does, not what it was told."""

    name: str
    summary: str
    roles: tuple[Role, ...]
    parameters: tuple[Parameter, ...] = ()
    driving: tuple[str, ...] = ()

    def role(self, name: str) -> Role | None:
        """The role of that name."""
        return next((role for role in self.roles if role.name == name), None)


@dataclass(frozen=True, slots=True)
class BehaviourSpec:
    """A behaviour of one device: a type and what it acts on."""

    type: str
    roles: tuple[tuple[str, str], ...] = ()  # (role, name of the point that plays it)
    values: tuple[tuple[str, float], ...] = ()  # every parameter of the type
    place: Place = Place()


def _value(meaning: str = "what it makes") -> Role:
    return Role("value", ANY, meaning, needed=True)


def _read(name: str, unit: str, meaning: str, needed: bool = False) -> Role:
    return Role(name, unit, meaning, made=False, needed=needed)


def _told(name: str, unit: str, meaning: str, needed: bool = False) -> Role:
    return Role(name, unit, meaning, made=False, command=True, needed=needed)


_PHASES = ("l1", "l2", "l3")
_PAIRS = ("l1_l2", "l2_l3", "l3_l1")


def _per_phase(name: str, unit: str, meaning: str) -> tuple[Role, ...]:
    return tuple(Role(f"{name}_{phase}", unit, f"{meaning}, {phase.upper()}") for phase in _PHASES)


POWER_METER = BehaviourKind(
    "power_meter",
    "A meter in a three-phase network whose voltages, currents, powers and energies agree with one another. The load "
    "swings around its mean, or is that of a point.",
    (
        _read("load", "W", "active power of what is behind it; its own load profile when nobody plays this role"),
        *_per_phase("voltage", "V", "voltage to neutral"),
        Role("voltage_average", "V", "mean of the voltages to neutral"),
        *(Role(f"voltage_{pair}", "V", f"voltage between phases, {pair.upper().replace('_', '–')}") for pair in _PAIRS),
        Role("voltage_ll_average", "V", "mean of the voltages between phases"),
        *_per_phase("current", "A", "current"),
        Role("current_average", "A", "mean of the currents"),
        Role("current_sum", "A", "sum of the currents"),
        *_per_phase("power", "W", "active power"),
        Role("power_total", "W", "active power of all phases"),
        *_per_phase("reactive_power", "var", "reactive power"),
        Role("reactive_power_total", "var", "reactive power of all phases"),
        *_per_phase("apparent_power", "VA", "apparent power"),
        Role("apparent_power_total", "VA", "apparent power of all phases"),
        *_per_phase("power_factor", "", "power factor"),
        Role("power_factor_total", "", "active to apparent power of all phases"),
        Role("frequency", "Hz", "frequency"),
        *_per_phase("energy_import", "kWh", "active energy taken"),
        Role("energy_import", "kWh", "active energy taken"),
        *_per_phase("energy_export", "kWh", "active energy given back"),
        Role("energy_export", "kWh", "active energy given back"),
        Role("energy_total", "kWh", "active energy taken and given back"),
        Role("reactive_energy_import", "kvarh", "reactive energy taken"),
        Role("reactive_energy_export", "kvarh", "reactive energy given back"),
    ),
    (
        Parameter("voltage", "V", "nominal voltage to neutral", 230.0, 0.0),
        Parameter("current", "A", "current of each phase at the mean load; below 0 it gives back", 10.0),
        Parameter("swing", "%", "how far the load swings around its mean", 20.0, 0.0),
        Parameter("period", "s", "period of the swing", 3600.0, 1.0),
        Parameter("unbalance", "%", "how much more L1, and less L3, carries", 5.0, 0.0),
        Parameter("power_factor", "", "cosine of the angle between voltage and current", 0.95, 0.01),
        Parameter("frequency", "Hz", "nominal frequency", 50.0, 1.0),
        Parameter("noise", "%", "standard deviation of voltages and load", 0.2, 0.0),
    ),
)

POSITIONER = BehaviourKind(
    "positioner",
    "A valve with a positioner: it travels at the speed of its actuator to where it was told to be, and stays there "
    "within the dead band.",
    (
        _told("setpoint", "%", "where it shall be", needed=True),
        Role("position", "%", "where it is"),
        Role("deviation", "%", "setpoint less position"),
        Role("open", "", "end switch: it is open"),
        Role("closed", "", "end switch: it is closed"),
        Role("moving", "", "it travels"),
        Role("strokes", "", "how often it has begun to travel or turned back"),
        Role("travel_total", "%", "travel since the beginning"),
        Role("deviation_alarm", "", "it has been too far from its setpoint for too long"),
    ),
    (
        Parameter("travel", "s", "time for the full travel", 10.0, 0.0),
        Parameter("dead_band", "%", "deviation at which it begins to travel", 0.5, 0.0),
        Parameter("cutoff", "%", "at a setpoint so near to an end it goes to the end", 0.5, 0.0),
        Parameter("end_band", "%", "distance from an end at which the end switch acts", 1.0, 0.0),
        Parameter("deviation_limit", "%", "deviation that is too far", 5.0, 0.0),
        Parameter("deviation_time", "s", "how long it may be too far", 20.0, 0.0),
    ),
    driving=("setpoint",),
)

MOTOR_STARTER = BehaviourKind(
    "motor_starter",
    "A motor behind a contactor or soft starter with thermal protection: it runs up, draws its starting current "
    "meanwhile, warms up, trips when it is too warm, and starts again only after it has cooled down and was reset.",
    (
        _told("start", "", "starts at its rising edge"),
        _told("stop", "", "stops as long as it is on, whatever else is told"),
        _told("run", "", "runs as long as it is on; after a trip it must go off first"),
        _told("reset", "", "takes a trip back at its rising edge, when it has cooled down"),
        _read("load", "%", "load of the shaft, % of rated; the parameter when nobody plays this role"),
        Role("state", "", "0 stopped, 1 starting, 2 running, 3 stopping, 4 tripped"),
        Role("ready", "", "it can be started"),
        Role("starting", "", "it runs up"),
        Role("running", "", "it has run up"),
        Role("tripped", "", "the thermal protection has tripped"),
        Role("speed", "%", "speed"),
        Role("current", "A", "current"),
        Role("thermal_load", "%", "warming, % of what it may have for ever"),
        Role("starts", "", "how often it was started"),
        Role("hours", "h", "time for which it has run"),
    ),
    (
        Parameter("run_up", "s", "time from standstill to full speed", 3.0, 0.0),
        Parameter("run_down", "s", "time from full speed to standstill", 5.0, 0.0),
        Parameter("rated_current", "A", "current at rated load", 10.0, 0.0),
        Parameter("starting_current", "", "current while it runs up, in rated currents", 6.0, 0.0),
        Parameter("load", "%", "load of the shaft", 80.0, 0.0),
        Parameter("thermal_time", "s", "time constant of warming", 600.0, 1.0),
        Parameter("trip", "%", "warming at which it trips", 110.0, 0.0),
        Parameter("cooled", "%", "warming below which it can be reset", 60.0, 0.0),
    ),
    driving=("start", "run"),
)

TRANSMITTER = BehaviourKind(
    "transmitter",
    "A transmitter that shows what a signal from the plant measures in several ways: as a value, as a share of its "
    "range, as a current with the limits of NAMUR NE 43, with flags.",
    (
        _read("measured", ANY, "the point with the signal from the plant", needed=True),
        Role("value", ANY, "damped value"),
        Role("percent", "%", "damped value, % of the range"),
        Role("current", "mA", "4 to 20 mA over the range, limited to 3.8 and 20.5 mA"),
        Role("out_of_range", "", "the value is outside of the range"),
        Role("minimum", ANY, "smallest value since the beginning"),
        Role("maximum", ANY, "largest value since the beginning"),
    ),
    (
        Parameter("low", ANY, "value at 0 % and 4 mA"),
        Parameter("high", ANY, "value at 100 % and 20 mA"),
        Parameter("damping", "s", "time constant of the damping", 0.0, 0.0),
    ),
)

KINDS: dict[str, BehaviourKind] = {
    kind.name: kind
    for kind in (
        BehaviourKind("constant", "A number that never changes.", (_value(),), (Parameter("is", ANY, "the number"),)),
        BehaviourKind(
            "follow",
            "factor × another point + offset; both in the units of their points.",
            (_value(), _read("source", OWN, "what it follows", needed=True)),
            (Parameter("factor", "", "factor", 1.0), Parameter("offset", ANY, "offset", 0.0)),
        ),
        BehaviourKind(
            "ramp",
            "From low to high in a period, then again from low.",
            (_value(),),
            (
                Parameter("low", ANY, "at the beginning"),
                Parameter("high", ANY, "at the end"),
                Parameter("period", "s", "time from beginning to end", None, 0.001),
            ),
        ),
        BehaviourKind(
            "sine",
            "Swings around a mean, such as a daily load or the temperature outside.",
            (_value(),),
            (
                Parameter("mean", ANY, "mean"),
                Parameter("amplitude", ANY, "how far it swings to both sides"),
                Parameter("period", "s", "period", None, 0.001),
                Parameter("phase", "%", "where in the period it begins; 0 % is at the mean and rising", 0.0),
            ),
        ),
        BehaviourKind(
            "noise",
            "Wanders around a mean: white noise behind a first-order lag, scaled to the deviation.",
            (_value(),),
            (
                Parameter("mean", ANY, "mean"),
                Parameter("deviation", ANY, "standard deviation", None, 0.0),
                Parameter("lag", "s", "time constant of the lag; 0: a new value in every step", 0.0, 0.0),
            ),
        ),
        BehaviourKind(
            "total",
            "Counts another point over time: energy from power, volume from flow; by the units of the two.",
            (_value("the total"), _read("source", OWN, "what is counted", needed=True)),
            (Parameter("begin", ANY, "total at the beginning", 0.0),),
        ),
        TRANSMITTER,
        POSITIONER,
        MOTOR_STARTER,
        POWER_METER,
    )
}
"""Every type by its name."""

TOTALS = {
    "power": ("energy", 1.0),
    "reactive power": ("reactive energy", 3600.0),
    "apparent power": ("apparent energy", 3600.0),
    "current": ("charge", 3600.0),
    "volume flow": ("volume", 1.0),
    "mass flow": ("mass", 1.0),
    "amount flow": ("amount", 1.0),
    "ratio": ("time", 1.0),
}
"""What a total of a dimension is, and how many seconds of its base unit make the base unit of the total."""
