"""``python -m dcs`` is ``dcs``."""

from dcs.cli.main import main

main()
