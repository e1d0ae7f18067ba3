"""Tools of the course on optimisers and loss functions.

The modules directly in this package go to students with every release: `data` loads the data sets,
`landscapes` has cost functions to try optimisers on, `plots` draws, `explore` adds sliders, and
`probes` measures what needs the answer's own objects (a gradient, a training step). Import the
module that you need; nothing slow is imported before that. The folders of this package stay with
the course. Grading is done by the package `nbjudge`.
"""

__version__ = "0.1.0"
