"""The command weights: what others saved goes into a network."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from netbuilder.cli import output, trusting

_MARKS = {"same": "=", "renamed": "=", "order": "?", "shape": "!", "kind": "!", "missing": "-"}
_SHOWN = 10
"""So many of the file's tensors that have no place are listed."""


def weights(options: Namespace) -> int:
    """Tell which tensor goes where; exit code 1 if some of the network get nothing."""
    document = trusting.load(options.file, options)
    from netbuilder.engine import foreign
    from netbuilder.storage import files

    path = Path(options.weights)
    with trusting.quiet():
        do = foreign.take if options.apply else foreign.look
        answer = do(document, path, options.network, by_order=options.by_order)
    if options.apply:
        foreign.apply(document, answer)
        files.save(document, Path(options.file))
    if options.json:
        output.answer(answer)
    else:
        _tell(answer, options)
    return output.DONE if answer["matched"] == answer["of"] else output.PROBLEMS


def _tell(answer: dict[str, Any], options: Namespace) -> None:
    for item in answer["items"]:
        if item["state"] in _MARKS and not (item["state"] == "same" and not options.all):
            source = f"  from {item['source']}" if item["source"] != item["key"] else ""
            why = f"  {item['why']}" if item["why"] else ""
            print(f"{_MARKS[item['state']]} {item['key']}{source if item['source'] else ''}{why}")
    left = [item["source"] for item in answer["items"] if item["state"] == "spare"]
    for name in left if options.all else left[:_SHOWN]:
        print(f"+ {name}  It has no place in the network.")
    if len(left) > _SHOWN and not options.all:
        print(f"+ … {len(left) - _SHOWN} more: --all lists them")
    spare = len(left)
    print(
        f"{answer['matched']} of {answer['of']} tensors of '{answer['network']}' have weights"
        + (f"; {spare} of the file {'has' if spare == 1 else 'have'} no place" if spare else "")
    )
    for note in answer["notes"]:
        output.say(note)
    if answer["in_order"]:
        output.say(f"{answer['in_order']} more would fit by shape and order: add --by-order.")
    if answer["applied"]:
        print(f"{options.file}: begins with {answer['entry']['file']}")
    elif answer["matched"]:
        output.say("Nothing was changed: add --apply.")
