"""All block types that come with the product: importing this fills ``BLOCK_TYPES``."""

from dcs.blocks.ai import AI
from dcs.blocks.alarm import ALARM
from dcs.blocks.ao import AO
from dcs.blocks.lead_lag import LEAD_LAG
from dcs.blocks.pid import PID

LIBRARY = (AI, PID, AO, LEAD_LAG, ALARM)
