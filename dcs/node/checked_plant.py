"""The configuration of a run as it was checked at its start.

Called by   the launcher (writes), every node of the run (reads).
Promise     all nodes of a run have the same configuration, also one that is restarted after somebody edited a file; and
            none of them reads, checks and compiles it again.
"""

import pickle
from pathlib import Path

from dcs.config.plant_config import PlantConfig
from dcs.core.errors import Missing

FILE_NAME = "plant.checked"


def write_checked(config: PlantConfig, run_dir: Path) -> None:
    """Write it at once or not at all."""
    temporary = run_dir / (FILE_NAME + ".new")
    temporary.write_bytes(pickle.dumps(config))
    temporary.replace(run_dir / FILE_NAME)


def read_checked(run_dir: Path) -> PlantConfig | None:
    """The configuration of this run; None in a directory without one. Raises ``Missing`` for one that is damaged.

    The file is trusted as the run directory is: whoever may write there could as well change the programs that run.
    """
    path = run_dir / FILE_NAME
    if not path.exists():
        return None
    try:
        config = pickle.loads(path.read_bytes())
    except Exception as error:
        raise Missing(f"{path}: the checked configuration cannot be read ({error}). Start the run anew.") from error
    assert isinstance(config, PlantConfig)
    return config
