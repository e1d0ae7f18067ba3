from IPython.display import display, update_display

for _ in range(100):
    display("small", display_id="one")
update_display("x" * 200_000, display_id="one")
