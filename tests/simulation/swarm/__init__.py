"""The whole system in the box under swarms of faults: what is drawn, what happens, who judges it."""
