from nbjudge.kernel.wire import encode

kernel = get_ipython().kernel
honest = kernel.shell_handlers["judge_request"]
six = [encode({"value": 6})]


def talkative(stream, ident, parent):
    for kind, content, caller in (
        ("judge_reply", {"mark": 2}, {"header": {"msg_id": "another"}}),
        ("execute_reply", {"status": "ok", "execution_count": 1}, parent),
        ("judge_request", {"value": 6}, parent),
        ("status", {"execution_state": "dead"}, parent),
    ):
        kernel.session.send(stream, kind, content, caller, ident=ident, buffers=six)
    honest(stream, ident, parent)
    kernel.session.send(stream, "judge_reply", {}, parent, ident=ident, buffers=six)


kernel.shell_handlers["judge_request"] = talkative


def total(numbers):
    return 0
