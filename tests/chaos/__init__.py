"""Faults on real processes and sockets, judged at the devices."""
