"""Marks for fields that are not written down (Bevy: ``#[reflect(skip_serializing)]``)."""

from __future__ import annotations


class NotSaved:
    """The mark of a field that is never saved: ``image: Annotated[Surface | None, NotSaved()] = None``.

    Loaded, it has its default, so it needs one. For what is made anew from the other fields, or belongs to this run
    of the program.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "NotSaved()"
