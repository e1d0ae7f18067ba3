clear_output(wait=True)
update_display(2.0, display_id="test_ex_1_1_1")
