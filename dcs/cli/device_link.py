"""``dcs device link``: which of two links to a device is used.

Called by   ``dcs.cli.device``.
Knows       controller pairs; which of them reaches the device, they say themselves.
"""

from pathlib import Path

from dcs.cli.client import PlantClient, print_reply, with_plant


def change_link(run_dir: Path | None, device: str, link: str, as_json: bool) -> int:
    """Ask every pair; those that do not reach the device refuse, and count only when nobody does. Returns 0 or 1."""

    async def work(client: PlantClient) -> int:
        replies = [await client.command(pair, "link", device, link) for pair in client.endpoints.pairs]
        done = [reply for reply in replies if reply.ok]
        return max(print_reply(reply, as_json) for reply in done or replies)

    return with_plant(run_dir, work)
