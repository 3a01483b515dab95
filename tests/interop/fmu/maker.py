"""FMUs of a tank, made here: C source against FMPy's headers, a model description, a zip file.

Used by     ``tests/interop/test_fmu*.py``.
Knows       FMI 2 and 3 as far as the tank needs them; what is left out or wrong on purpose is an argument.
"""

import shutil
import subprocess
import zipfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Make:
    """What the FMU is to be like."""

    version: int = 2
    interface: str = "CoSimulation"
    restorable: bool = True
    variable_step: bool = True
    binary: bool = True
    tool: bool = False
    outputs: bool = True
    fmi: str = ""  # another number of the standard
    token: str = ""
    more: str = ""  # more variables

    @property
    def folder(self) -> str:
        """Where its binary lies inside of the zip file."""
        import fmpy

        return f"binaries/{fmpy.platform if self.version == 2 else fmpy.platform_tuple}"


def needs_compiler() -> None:
    """Skip where an FMU cannot be made or read."""
    pytest.importorskip("fmpy", reason="FMPy is not installed (pip install 'dcs-emulator[fmu]')")
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed (apt-get install gcc libc6-dev)")


@cache
def library(version: int) -> bytes:
    """The tank's shared library."""
    import fmpy

    headers = Path(fmpy.__file__).parent / "c-code"
    out = Path(mkdtemp()) / "tank"
    subprocess.run(
        ["gcc", "-O1", "-shared", "-fPIC", f"-I{headers}", "-o", out,
         HERE / f"tank{version}.c", HERE / f"rest{version}.c", "-lm"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    data = out.read_bytes()
    shutil.rmtree(out.parent)
    return data


def make_fmu(file: Path, make: Make | None = None, **changes: object) -> Path:
    """Write the FMU; returns ``file``."""
    import fmpy

    wanted = replace(make or Make(), **changes)  # type: ignore[arg-type]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("modelDescription.xml", description(wanted))
        if wanted.binary:
            archive.writestr(f"{wanted.folder}/tank{fmpy.sharedLibraryExtension}", library(wanted.version))
        else:
            archive.writestr("binaries/win32/tank.dll", b"of another machine")
    return file


def description(make: Make) -> str:
    """``modelDescription.xml``."""
    return _version_2(make) if make.version == 2 else _version_3(make)


def _yes(value: bool) -> str:
    return str(value).lower()


def _version_2(make: Make) -> str:
    outputs = """
  <ScalarVariable name="level" valueReference="2" causality="output" variability="continuous" description="level">
    <Real unit="m" min="0" max="1.5"/></ScalarVariable>
  <ScalarVariable name="outflow" valueReference="3" causality="output" variability="continuous">
    <Real unit="m3/s"/></ScalarVariable>
  <ScalarVariable name="steps" valueReference="4" causality="output" variability="discrete"><Integer/></ScalarVariable>
  <ScalarVariable name="full" valueReference="5" causality="output" variability="discrete"><Boolean/></ScalarVariable>
"""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="{make.fmi or "2.0"}" modelName="tank" guid="{make.token or "tank-2"}"
    description="A tank with an outlet" generationTool="make">
 <{make.interface} modelIdentifier="tank" canGetAndSetFMUstate="{_yes(make.restorable)}"
    canSerializeFMUstate="{_yes(make.restorable)}" needsExecutionTool="{_yes(make.tool)}"
    canHandleVariableCommunicationStepSize="{_yes(make.variable_step)}"/>
 <TypeDefinitions><SimpleType name="Flow"><Real unit="m3/s" min="0" max="0.01"/></SimpleType></TypeDefinitions>
 <DefaultExperiment startTime="0" stopTime="100" stepSize="0.1"/>
 <ModelVariables>
  <ScalarVariable name="inflow" valueReference="0" causality="input" variability="continuous" description="feed">
    <Real declaredType="Flow" start="0.001"/></ScalarVariable>
  <ScalarVariable name="drain" valueReference="1" causality="input" variability="discrete">
    <Boolean start="false"/></ScalarVariable>
  {outputs if make.outputs else ""}
  <ScalarVariable name="area" valueReference="6" causality="parameter" variability="fixed">
    <Real unit="m2" start="0.05"/></ScalarVariable>
  <ScalarVariable name="outlet" valueReference="7" causality="parameter" variability="tunable">
    <Real unit="m2" min="0" max="0.01" start="0.0005"/></ScalarVariable>
  <ScalarVariable name="fault" valueReference="8" causality="parameter" variability="tunable">
    <Integer min="0" max="3" start="0"/></ScalarVariable>
  {make.more}
 </ModelVariables>
 <ModelStructure/>
</fmiModelDescription>
"""


def _version_3(make: Make) -> str:
    outputs = """
  <Float64 name="level" valueReference="2" causality="output" unit="m" min="0" max="1.5" description="level"/>
  <Float64 name="outflow" valueReference="3" causality="output" unit="m3/s"/>
  <Int32 name="steps" valueReference="4" causality="output" variability="discrete"/>
  <Boolean name="full" valueReference="5" causality="output" variability="discrete"/>
"""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="{make.fmi or "3.0"}" modelName="tank" instantiationToken="{make.token or "tank-3"}"
    description="A tank with an outlet" generationTool="make">
 <{make.interface} modelIdentifier="tank" canGetAndSetFMUState="{_yes(make.restorable)}"
    canSerializeFMUState="{_yes(make.restorable)}" needsExecutionTool="{_yes(make.tool)}"
    canHandleVariableCommunicationStepSize="{_yes(make.variable_step)}" fixedInternalStepSize="0.01"/>
 <UnitDefinitions><Unit name="m"/><Unit name="m2"/><Unit name="m3/s"/></UnitDefinitions>
 <TypeDefinitions><Float64Type name="Flow" unit="m3/s" min="0" max="0.01"/></TypeDefinitions>
 <DefaultExperiment startTime="0" stopTime="100" stepSize="0.1"/>
 <ModelVariables>
  <Float64 name="inflow" valueReference="0" causality="input" declaredType="Flow" start="0.001" description="feed"/>
  <Boolean name="drain" valueReference="1" causality="input" start="false"/>
  {outputs if make.outputs else ""}
  <Float64 name="area" valueReference="6" causality="parameter" variability="fixed" unit="m2" start="0.05"/>
  <Float64 name="outlet" valueReference="7" causality="parameter" variability="tunable" unit="m2" min="0" max="0.01"
    start="0.0005"/>
  <Int32 name="fault" valueReference="8" causality="parameter" variability="tunable" min="0" max="3" start="0"/>
  {make.more}
 </ModelVariables>
 <ModelStructure/>
</fmiModelDescription>
"""
