kernel = get_ipython().kernel
while True:
    for kind in ("status", "comm_msg", "debug_event", "unheard_of"):
        kernel.session.send(
            kernel.iopub_socket, kind, {"data": "x" * 10_000, "execution_state": "busy"}
        )
