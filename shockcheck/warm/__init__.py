"""Warm kernels for papermill: forked from a process that has imported what notebooks need, instead of started anew.

A new kernel spends most of its first second or two on imports. Where one program runs many notebooks this is nearly all the
time that short ones take. A forked kernel has the imports from the start. Everything else is as with any kernel: it is an
ipykernel in a process of its own, papermill runs it, and what one notebook does is not seen by another.

Run notebooks one by one, or many at once with the results in order::

    import nbformat
    import papermill
    from shockcheck import warm

    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell("count = 1", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("import decimal; decimal.Decimal(count) / 4"),
    ]

    def result(count):
        executed = papermill.execute_notebook(
            notebook, None, {"count": count}, kernel_name=server.kernel_name, language="python", progress_bar=False
        )
        return executed.cells[-1].outputs[0].data["text/plain"]

    with warm.Server(preload=["decimal"], folder=".") as server:
        print(result(1))
        with server.map_in_order(result, [1, 2, 3]) as results:
            print(list(results))

`preload` names the modules that are worth importing once. One that is missing is no fault of the server's: a notebook that
imports it meets the error. Kernels start in `folder`, whatever the working directory. `server.prestart()`, also before the
block, lets the process to fork from import its modules while the program imports its own.

`config=server.config(run_folder)` in the call of papermill puts a kernel's sockets and its log into a folder of the
caller's, where `kernel.last_words(run_folder)` finds what a kernel that died said last.

Forking is safe on Linux alone. Elsewhere, or with `Server(forked=False)`, the same code runs on ordinary kernels. Neither
kind reads configuration files of IPython's or matplotlib's that a user may have. When the block is left, kernels are ended,
with all that their notebooks have started. The process to fork from stays for the next server, and ends with the program.

The names here are all that is needed. `provisioner`, which jupyter_client finds by its entry point, is not imported here:
it takes a tenth of a second, in which the process to fork from can be at work already.
"""

from shockcheck.warm.forking import StartError, is_supported
from shockcheck.warm.pool import FORKED_KERNEL, ORDINARY_KERNEL, RUNS_PER_CORE, Server

__all__ = ["FORKED_KERNEL", "ORDINARY_KERNEL", "RUNS_PER_CORE", "Server", "StartError", "is_supported"]
