"""Where the plant keeps what it remembers beyond its states: positions in ``Parts.kept``.

Called by   the kernels of this package.
Knows       numbers of words. All of it is part of every snapshot.
"""

SECONDS = 0  # whole seconds that have been seen: pieces of walks, noise and analysers change at whole seconds
TIME_H = 1  # the clock in hours, as the published simulator rounds it
WARM = 2  # 4 temperatures from which the next solution starts: reactor, separator, stripper, mixing zone
NOW = 6  # 4 temperatures of the last evaluation
COMMAND = 10  # 12 valve commands, %
NEXT_GAS = 22  # time of the next gas sample, h
NEXT_PRODUCT = 23
REGISTER = 24  # 19 compositions that wait in the analysers, mol %
SHOWN = 43  # 19 compositions that the analysers show, mol %
NOISE = 62  # 22 deviations that are now on the measurements
GENERATOR = 84  # state of the generator of the walks
SEED = 85  # of the measurement noise
WALK_LAST = 86  # 12 times at which the pieces of the walks began, h
WALK_NEXT = 98  # 12 times at which they end
WALK_A, WALK_B, WALK_C, WALK_D = 110, 122, 134, 146  # 12 coefficients each
NOISY_NOW = 158  # 1 while the deviations are not all zero
TRIPPED = 159  # 1 while a shutdown limit is violated
KEPT = 160
