"""Faults on real daemons in networks of their own, and what must hold all the same."""
