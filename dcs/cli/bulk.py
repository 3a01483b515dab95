"""``dcs export-tuning`` and ``dcs import-tuning``: all tuning and limits of a plant folder as one table."""

from collections.abc import Sequence
from pathlib import Path

from dcs.config.bulk import COLUMNS, export_rows, import_rows
from dcs.config.find import find_config
from dcs.config.folder import write_texts
from dcs.config.tables import read_table, write_table
from dcs.node.assembly import check_texts, load_configuration


def export_table(config: str, file: Path, sets: Sequence[str]) -> int:
    """Write the table; always 0."""
    rows = export_rows(load_configuration(find_config(config), sets))
    write_table(file, COLUMNS, rows)
    print(f"{len(rows)} values written to {file}. Change the column `value`, then: dcs import-tuning {config} {file}")
    return 0


def import_table(config: str, file: Path, dry_run: bool) -> int:
    """Check the whole table and the whole configuration that comes of it, then write."""
    folder = find_config(config)
    loaded = load_configuration(folder)
    texts, changes = import_rows(loaded, read_table(file, COLUMNS))
    check_texts(folder, texts)
    if not dry_run:
        write_texts(folder, dict(loaded.texts), texts)
    for change in changes:
        print(change)
    print(f"{len(changes)} values {'would change' if dry_run else 'changed'} in {folder}.")
    return 0
