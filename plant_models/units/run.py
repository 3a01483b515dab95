"""Runs a flowsheet: one set of compiled kernels over the tables of any plant that a file describes.

Called by   ``plant_models.flowsheet.plant`` (as the ``Kernels`` of the plant type).
Knows       which kernel belongs to which type number, and the order: elements and nodes, flows, transport, rates.
Promise     nothing is compiled for a flowsheet; compiled and uncompiled runs give the same bits.
"""

from plant_models.integrators import next_stage, stages_of
from plant_models.kernel import Ends, Parts, finish_step, kernel, parts_of
from plant_models.model import Vector
from plant_models.units import boundary, exchanger, mixer, motor, pipe, pump, separator, tank, transmitter, valve
from plant_models.units.network import solve_network
from plant_models.units.table import H_TRANSMITTERS, U_TYPE, UNIT_COLUMNS, Net, net_of
from plant_models.units.transport import transport

SOURCE, SINK, TANK, VALVE, PUMP, PIPE, EXCHANGER, MIXER, SEPARATOR, MOTOR, TRANSMITTER = range(11)

_prepare_boundary, _measure_boundary = boundary.prepare, boundary.measure
_prepare_tank, _rates_tank, _settle_tank, _measure_tank = tank.prepare, tank.rates, tank.settle, tank.measure
_prepare_valve, _rates_valve, _settle_valve, _measure_valve = valve.prepare, valve.rates, valve.settle, valve.measure
_prepare_pump, _load_motor, _settle_pump, _measure_pump = pump.prepare, pump.load_motor, pump.settle, pump.measure
_prepare_pipe, _rates_pipe, _measure_pipe = pipe.prepare, pipe.rates, pipe.measure
_prepare_exchanger, _rates_exchanger, _measure_exchanger = exchanger.prepare, exchanger.rates, exchanger.measure
_prepare_mixer, _rates_mixer, _measure_mixer = mixer.prepare, mixer.rates, mixer.measure
_prepare_separator, _rates_separator = separator.prepare, separator.rates
_settle_separator, _measure_separator = separator.settle, separator.measure
_prepare_motor, _rates_motor, _settle_motor, _measure_motor = motor.prepare, motor.rates, motor.settle, motor.measure
_rates_transmitter, _settle_transmitter = transmitter.rates, transmitter.settle
_measure_transmitter = transmitter.measure


@kernel
def find_flows(net: Net) -> None:
    """Everything that follows from states and inputs at once: pressures, flows, what flows into every cell, loads."""
    count = net.unit_count
    for u in range(count):
        kind = int(net.k[net.units + UNIT_COLUMNS * u + U_TYPE])
        if kind == VALVE:
            _prepare_valve(net, u)
        elif kind == PIPE:
            _prepare_pipe(net, u)
        elif kind == PUMP:
            _prepare_pump(net, u)
        elif kind == TANK:
            _prepare_tank(net, u)
        elif kind in (SOURCE, SINK):
            _prepare_boundary(net, u)
        elif kind == EXCHANGER:
            _prepare_exchanger(net, u)
        elif kind == MIXER:
            _prepare_mixer(net, u)
        elif kind == SEPARATOR:
            _prepare_separator(net, u)
        elif kind == MOTOR:
            _prepare_motor(net, u)
    solve_network(net)
    transport(net)
    for u in range(count):
        if int(net.k[net.units + UNIT_COLUMNS * u + U_TYPE]) == PUMP:
            _load_motor(net, u)


@kernel
def measure_units(net: Net) -> None:
    """``net.outputs`` of every unit but transmitters."""
    for u in range(net.unit_count):
        kind = int(net.k[net.units + UNIT_COLUMNS * u + U_TYPE])
        if kind == VALVE:
            _measure_valve(net, u)
        elif kind == PIPE:
            _measure_pipe(net, u)
        elif kind == PUMP:
            _measure_pump(net, u)
        elif kind == TANK:
            _measure_tank(net, u)
        elif kind == SOURCE:
            _measure_boundary(net, u, -1.0)
        elif kind == SINK:
            _measure_boundary(net, u, 1.0)
        elif kind == EXCHANGER:
            _measure_exchanger(net, u)
        elif kind == MIXER:
            _measure_mixer(net, u)
        elif kind == SEPARATOR:
            _measure_separator(net, u)
        elif kind == MOTOR:
            _measure_motor(net, u)


@kernel
def derivatives(p: Parts) -> None:
    """Rates of all states."""
    net = net_of(p)
    find_flows(net)
    transmitters = net.k[net.head + H_TRANSMITTERS] != 0.0
    if transmitters:
        measure_units(net)
    for u in range(net.unit_count):
        kind = int(net.k[net.units + UNIT_COLUMNS * u + U_TYPE])
        if kind == VALVE:
            _rates_valve(net, u)
        elif kind == PIPE:
            _rates_pipe(net, u)
        elif kind == TANK:
            _rates_tank(net, u)
        elif kind == EXCHANGER:
            _rates_exchanger(net, u)
        elif kind == MIXER:
            _rates_mixer(net, u)
        elif kind == SEPARATOR:
            _rates_separator(net, u)
        elif kind == MOTOR:
            _rates_motor(net, u)
        elif kind == TRANSMITTER:
            _rates_transmitter(net, u)


@kernel
def settle(p: Parts) -> None:
    """Limits, what sticks, trips, samples; once a step, in the order of the file."""
    net = net_of(p)
    for u in range(net.unit_count):
        kind = int(net.k[net.units + UNIT_COLUMNS * u + U_TYPE])
        if kind == VALVE:
            _settle_valve(net, u)
        elif kind == TANK:
            _settle_tank(p, net, u)
        elif kind == PUMP:
            _settle_pump(p, net, u)
        elif kind == SEPARATOR:
            _settle_separator(p, net, u)
        elif kind == MOTOR:
            _settle_motor(p, net, u)
        elif kind == TRANSMITTER:
            _settle_transmitter(net, u)


@kernel
def measure(p: Parts) -> None:
    """The plant's outputs: those of the units that the file has chosen."""
    net = net_of(p)
    find_flows(net)
    measure_units(net)
    for u in range(net.unit_count):
        if int(net.k[net.units + UNIT_COLUMNS * u + U_TYPE]) == TRANSMITTER:
            _measure_transmitter(net, u)
    for at in range(p.outputs.shape[0]):
        p.outputs[at] = net.k[net.outputs + int(net.k[net.chosen + at])]


@kernel
def advance(memory: Vector, ends: Ends, dt_s: float, steps: int, method: int) -> None:
    """``steps`` steps of ``dt_s``, in one compiled call."""
    p = parts_of(memory, ends)
    start_s = p.clock[0]
    stages = stages_of(method, p.states.shape[0])
    for step in range(steps):
        for stage in range(stages):
            derivatives(p)
            next_stage(method, stage, dt_s, p)
        p.clock[0] = start_s + (step + 1) * dt_s
        settle(p)
        finish_step(p)
    measure(p)
