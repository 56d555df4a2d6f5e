"""One colour and one dash for each model, the same in every chart and table of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

N_COLOURS = 7
"""``--model-0`` to ``--model-6`` in the page's style: Okabe and Ito's, which the colour-blind tell apart."""

DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
"""A second way to tell lines apart, and, in the second round of colours, the only one."""


@dataclass(frozen=True)
class Palette:
    """The models of a page, best first, and how each is drawn."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, names: Sequence[str]) -> Palette:
        """Of models in their order."""
        return cls(tuple(names))

    def key(self, name: str) -> str:
        """What stands for a model in data and scales: m0, m1, ... whatever it is called.

        Names are only shown. One like ``__proto__`` would be lost among the keys of an object, and one of
        line ends would no longer equal what a browser makes of it.
        """
        return f"m{self.names.index(name)}"

    @property
    def keys(self) -> list[str]:
        """Of all models, in their order."""
        return [self.key(name) for name in self.names]

    def place(self, name: str) -> int:
        """The number of a model's colour."""
        return self.names.index(name) % N_COLOURS

    def colour(self) -> alt.Color:
        """The colour channel of a chart whose rows have a ``model``, which is its key."""
        colours = [f"var(--model-{self.place(name)})" for name in self.names]
        scale = alt.Scale(domain=self.keys, range=colours)
        return alt.Color("model:N", scale=scale, legend=None)

    def dash(self) -> alt.StrokeDash:
        """The dash channel of such a chart."""
        dashes = [DASHES[place % len(DASHES)] for place in range(len(self.names))]
        scale = alt.Scale(domain=self.keys, range=dashes)
        return alt.StrokeDash("model:N", scale=scale, legend=None)

    def shown_names(self) -> alt.Parameter:
        """What models are called, for the labels of an axis, by the number in the key."""
        return alt.param(name="names", value=list(self.names))

    def shown(self) -> alt.Parameter:
        """The models that a reader has not switched off, which the page's script sets."""
        return alt.param(name="shown", value=self.keys)


IS_SHOWN = "indexof(shown, datum.model) >= 0"
"""Keeps the rows of models that are not switched off."""
