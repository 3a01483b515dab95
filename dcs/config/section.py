"""What every mapping in a configuration file is: keys that are all known.

Called by   ``dcs.config.schema`` and ``dcs.config.field_schema``.
"""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True)
