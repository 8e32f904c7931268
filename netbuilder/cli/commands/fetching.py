"""`netbuilder fetch`: data sets from the network, because somebody asked for one."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from netbuilder.cli import output


def fetch(options: Namespace) -> int:
    """List what can be fetched, or fetch one and say how to train on it."""
    from netbuilder.data import fetching

    if options.what is None:
        found = fetching.listed()
        if options.json:
            output.answer({"collections": found})
            return output.DONE
        rows = [
            (
                each["id"],
                f"{each['bytes'] / 1e6:.0f} MB",
                "here" if each["there"] else "",
                each["about"],
            )
            for each in found
        ]
        output.table(("name", "size", "", "what it is"), rows)
        print("hf:owner/name fetches a data set of the Hugging Face Hub.")
        return output.DONE
    answer = _fetch(options)
    if options.json:
        output.answer(answer)
        return output.DONE
    print(f"{answer['title']}: {len(answer['files'])} files, {answer['bytes'] / 1e6:.1f} MB")
    print(answer["folder"])
    print(f"netbuilder data {answer['folder']}")
    return output.DONE


def _fetch(options: Namespace) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    from netbuilder.app.consent import ConsentStore
    from netbuilder.app.settings import SettingsStore
    from netbuilder.data import fetching
    from netbuilder.data.downloads import Progress

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Bar(
        *columns, TransferSpeedColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(options.what, total=None)

        def tell(progress: Progress) -> None:
            name = progress.file or options.what
            bar.update(task, description=name, completed=progress.done, total=progress.total)

        folder = Path(options.to).absolute() if options.to else None
        answer = fetching.fetch(
            options.what, folder, tell=tell, offline=SettingsStore().value.offline
        )
    ConsentStore().allow([Path(answer["folder"])])
    return answer
