"""Tools of the course on optimisers and loss functions.

The modules directly in this package go to students with every release: `data` loads the data sets,
`plots` draws and `explore` adds sliders, `checks` compares an answer with what was expected, and
`probes` measures what only the answer itself can tell (a gradient, a training step). Import the one
you need; nothing heavy is imported before that. The folders of this package stay with the course.
"""

__version__ = "0.1.0"
