import logging
import sys

import structlog

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
import faulthandler
import time

from tests.simulation.swarm.run import run_seed

faulthandler.dump_traceback_later(40, repeat=False)
plant, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
run_seed(plant, 0, 1.0)
for seed in range(first, first + count):
    t = time.process_time()
    r = run_seed(plant, seed, trace=count == 1)
    if count == 1:
        print("\n".join(r.story))
    print(
        seed,
        f"{time.process_time() - t:.2f} cpu",
        f"{r.simulated_s:.0f} s",
        r.broken,
        [round(x) for x in r.takeover_ms],
        flush=True,
    )
    if count < 4:
        print(r.drawn, dict(sorted(r.counts.items())))
