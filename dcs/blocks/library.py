"""All block types that come with the product: importing this fills ``BLOCK_TYPES``.

Every module below ``dcs.blocks`` is imported, so a new block type needs no line here: its file is its registration.
"""

import importlib
import pkgutil

import dcs.blocks
from dcs.blocks.declare import BLOCK_TYPES, INTERNAL_TYPES

for _module in sorted(module.name for module in pkgutil.walk_packages(dcs.blocks.__path__, "dcs.blocks.")):
    if _module != __name__:
        importlib.import_module(_module)

LIBRARY = (*BLOCK_TYPES.values(), *INTERNAL_TYPES.values())
