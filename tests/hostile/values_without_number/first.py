from IPython.display import JSON, display

display(JSON([[]] * 250_000))
