"""The quadruple tank with its drive cabinet speaking OPC UA: a shipped plant as text, changed where it must be.

Called by   tests.simulation.test_opc_ua_plant, tests.simulation.swarm.plant.
"""

from pathlib import Path

from dcs.config.find import find_config

URI = "urn:quadruple-tank:drives"
_FILES = ("plant.yaml", "field.yaml", "control.yaml", "alarms.yaml")


def make_opc_ua_plant(folder: Path) -> Path:
    """Write the plant into ``folder``, which must not be there yet; returns it."""
    folder.mkdir()
    source = find_config("quadruple_tank")
    for name in _FILES:
        (folder / name).write_text((source / name).read_text(encoding="utf-8"), encoding="utf-8")
    field = (folder / "field.yaml").read_text(encoding="utf-8")
    head, _, drives = field.partition("  DRV-1:\n")
    lines: list[str] = []
    for line in drives.splitlines():
        if line.strip() in ("unit: 2", "word_order: low_first"):
            continue
        if line.strip().startswith("epoch:"):
            lines.append(f'    epoch: {{node: "nsu={URI};s=Epoch"}}')
        elif line.strip().startswith("{table:"):
            tag = lines[-1].strip().rstrip(":")
            rest = line.partition("type: ")[2].partition(", ")[2].replace("scale: 0.01, ", "")
            lines.append(f'        {{node: "nsu={URI};s={tag}", type: float32, {rest}')
        else:
            lines.append(line.replace("protocol: modbus-tcp", "protocol: opc-ua").replace("port: 5021", "port: auto"))
    (folder / "field.yaml").write_text(head + "  DRV-1:\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return folder
