"""``dcs where``: what uses a name."""

import json

from dcs.cli.table import table
from dcs.config.find import find_config
from dcs.config.where_used import where_used
from dcs.node.assembly import load_configuration


def show_where(config_name: str, name: str, overrides: tuple[str, ...], as_json: bool) -> int:
    """Print every use with its file and line."""
    uses = where_used(load_configuration(find_config(config_name), overrides), name)
    if as_json:
        rows = [{"kind": use.kind, "what": use.what, "file": use.place.file, "line": use.place.line} for use in uses]
        print(json.dumps({"name": name, "uses": rows}, indent=1))
    else:
        print(table(["kind", "what", "where"], [[use.kind, use.what, str(use.place)] for use in uses]))
    return 0
