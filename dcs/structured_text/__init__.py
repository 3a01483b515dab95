"""Structured text: a strict, safe subset of the language of IEC 61131-3, compiled to a small bytecode.

Called by   block types with programs (CALC, SFC), when a configuration is checked.
Knows       text in, numbers out. ``dcs.blocks.program`` executes the numbers; nothing here runs during a scan.

The way of a text: ``lexer`` (words) → ``parser`` (tree of ``syntax``) → ``checker`` (types, names; tree of ``typed``) →
``generator`` (instructions). ``compiler`` is the front door.
"""
