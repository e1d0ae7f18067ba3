"""Tools of the course on optimisers and loss functions.

The modules directly in this package go to students with every release: `data` loads the data sets,
`landscapes` holds costs to try optimisers on, `plots` draws, `explore` adds sliders, and `probes`
measures what only the answer itself can tell (a gradient, a training step). Import the one you
need; nothing heavy is imported before that. The folders of this package stay with the course. What
grades is the package `nbjudge`.
"""

__version__ = "0.1.0"
