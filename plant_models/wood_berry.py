r"""Wood and Berry's column: methanol and water, two compositions, two streams, and dead times that fight each other.

Called by   ``plant_models.library``; run through ``PLANTS["wood_berry"].create()``.
Knows       its table of transfer functions; stepped by ``plant_models.transfer_functions``.

The first and most quoted example of interaction: reflux and steam each move the top and the bottom of the column, with
nearly equal and opposite strength, so that two controllers that are tuned alone drive each other to oscillate.

Equations
---------
Time in minutes, deviations from the nominal point:

.. math::

    \begin{bmatrix} x_D \\ x_B \end{bmatrix} =
    \begin{bmatrix}
        \frac{12.8 e^{-s}}{16.7 s + 1} & \frac{-18.9 e^{-3s}}{21 s + 1} \\[4pt]
        \frac{6.6 e^{-7s}}{10.9 s + 1} & \frac{-19.4 e^{-3s}}{14.4 s + 1}
    \end{bmatrix}
    \begin{bmatrix} R \\ S \end{bmatrix} +
    \begin{bmatrix} \frac{3.8 e^{-8.1s}}{14.9 s + 1} \\[4pt] \frac{4.9 e^{-3.4s}}{13.2 s + 1} \end{bmatrix} F

Symbols
-------
===========  =================================================  ========  ============================================
symbol       variable                                           unit      meaning
===========  =================================================  ========  ============================================
x_D, x_B     x_d, x_b                                           %         methanol at the top and at the bottom, weight
R, S         reflux, steam                                      lb/min    reflux, steam to the reboiler
F            feed, feed_measured                                lb/min    feed
x_ij         part_11 … part_23                                  %         part of output i that column j (R, S, F) adds
K_ij         gain_11 … gain_23                                  %·min/lb  gain
T_ij, θ_ij   lag_11 … lag_23, dead_time_11 … dead_time_23       s         time constant, dead time
u_j0         nominal_input_1 … nominal_input_3                  lb/min    R, S, F around which the table holds
y_i0         nominal_output_1, nominal_output_2                 %         x_D, x_B there
(none)       lowest_output_1, _2, highest_output_1, _2          %         limits of what can be: 0 and 100 %
===========  =================================================  ========  ============================================

Flows are in pounds per minute, as published; 1 lb/min = 7.56 g/s.

Validity
--------
A linear model holds near its nominal point: a few tenths of a pound per minute. It does not know that there is nothing
below 0 % and above 100 %; an output that goes there is an event (``impossible_x_b``) and is given as the model says it.
Exact for inputs that are held; changes less than a second apart count by their mean over a second.

Reference
---------
R. K. Wood, M. W. Berry, Terminal composition control of a binary distillation column, Chemical Engineering Science 28,
1973, 1707–1717.
"""

from plant_models.model import register
from plant_models.transfer_functions import Cell, Column, Row, transfer_function_plant

WOOD_BERRY = register(
    transfer_function_plant(
        name="wood_berry",
        title="Wood–Berry column",
        description="A methanol–water column seen through its transfer functions: reflux and steam both move top and "
        "bottom composition, each with its own dead time.",
        reference="R. K. Wood, M. W. Berry, Chemical Engineering Science 28, 1973, 1707–1717",
        inputs=(
            Column("reflux", "lb/min", 0.0, 4.0, 1.95, "reflux to the top tray"),
            Column("steam", "lb/min", 0.0, 4.0, 1.71, "steam to the reboiler"),
        ),
        disturbances=(Column("feed", "lb/min", 0.0, 5.0, 2.45, "feed to the column"),),
        outputs=(
            Row("x_d", "%", 0.0, 100.0, 96.25, "methanol in the distillate"),
            Row("x_b", "%", 0.0, 100.0, 0.50, "methanol in the bottoms"),
        ),
        cells=(
            (Cell(12.8, 16.7, 1.0), Cell(-18.9, 21.0, 3.0), Cell(3.8, 14.9, 8.1)),
            (Cell(6.6, 10.9, 7.0), Cell(-19.4, 14.4, 3.0), Cell(4.9, 13.2, 3.4)),
        ),
        gain_unit="%·min/lb",
        longest_dead_time_s=900.0,
        loops=(("x_d", "reflux"), ("x_b", "steam")),
    )
)
