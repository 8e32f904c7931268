"""A command as one of several processes that torchrun has started."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from netbuilder.cli import output
from netbuilder.errors import NetbuilderError

if TYPE_CHECKING:
    from netbuilder.training.parallel.distributed import Group


def run(command: Callable[[Group], int], *, json: bool) -> NoReturn:
    """Do it together with the others, and end this process for certain.

    What stands on the disk by then is all there is: threads of the exchange were seen to keep
    an orderly exit waiting for ever.
    """
    from netbuilder.training.parallel import distributed

    code = output.RUN_FAILED
    try:
        with distributed.joined() as group:
            code = command(group)
    except NetbuilderError as error:
        code = output.error(error, as_json=json)
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
