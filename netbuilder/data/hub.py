"""Data sets of the Hugging Face Hub as files to fetch. Needs the extra `hub`; torch-free.

The Hub is asked for the list of files alone, with their sizes and hashes; they are fetched as any
others. No code of a data set is ever run: those that consist of code have their rows as Parquet
files beside them, which the Hub makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from netbuilder.data.downloads import Collection, Remote
from netbuilder.errors import NetbuilderError

PREFIX = "hf:"
TABLES = (".parquet", ".csv", ".tsv", ".txt")
CONVERTED = "refs/convert/parquet"
"""The revision in which the Hub keeps the rows of a data set as Parquet files."""
MAX_FILES = 1000
_NAME = re.compile(r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")


def collection(what: str, endpoint: str | None = None) -> Collection:
    """The files of `hf:owner/name`, of one part with `hf:owner/name:train`.

    Asks the Hub. `NetbuilderError` says what stands against it.
    """
    name, _, part = what.removeprefix(PREFIX).partition(":")
    if not _NAME.match(name):
        raise NetbuilderError(f"'{what[:200]}' names no data set.", "Write hf:owner/name.")
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError as error:
        hint = "pip install 'netbuilder[hub]'"
        raise NetbuilderError("The Hub's library is not installed.", hint) from error
    api = huggingface_hub.HfApi(endpoint=endpoint)
    for revision in (CONVERTED, "main"):
        try:
            info = api.dataset_info(name, revision=revision, files_metadata=True, timeout=30)
        except errors.RevisionNotFoundError:
            continue
        except errors.GatedRepoError as error:
            hint = f"Agree to its terms at {api.endpoint}/datasets/{name}, then `hf auth login`."
            raise NetbuilderError(f"'{name}' is not open to everybody.", hint) from error
        except errors.RepositoryNotFoundError as error:
            hint = "Look at its name, which has its owner in front: owner/name."
            raise NetbuilderError(f"The Hub has no data set '{name}'.", hint) from error
        except Exception as error:
            # The library lets pass on what its own libraries raise: there is no common class.
            text = " ".join(str(error).split())[:200]
            raise NetbuilderError(
                f"The Hub could not be asked: {text}", "Try again later."
            ) from error
        files = _files(api.endpoint, name, revision, info.siblings or (), part)
        if files:
            about = f"The data set {name} of the Hugging Face Hub."
            page = f"{api.endpoint}/datasets/{name}"
            return Collection(_id(name, part), name, about, page, files)
    what_part = f" for '{part}'" if part else ""
    raise NetbuilderError(
        f"'{name}' has no tables or texts{what_part} that netbuilder reads.",
        f"It reads {', '.join(TABLES)}.",
    )


def _files(
    endpoint: str, name: str, revision: str, siblings: Iterable[Any], part: str
) -> tuple[Remote, ...]:
    """Those that netbuilder reads and whose hash is known; under one name each."""
    found = []
    for each in siblings:
        path = PurePosixPath(each.rfilename)
        hash = each.lfs.sha256 if each.lfs is not None else None
        if path.suffix.lower() not in TABLES or hash is None or each.size is None:
            continue
        if part and part not in (path.stem, *path.parts[:-1]):
            continue
        url = f"{endpoint}/datasets/{name}/resolve/{revision.replace('/', '%2F')}/{path}"
        found.append(Remote("-".join(path.parts), url, each.size, hash))
    if len(found) > MAX_FILES:
        raise NetbuilderError(
            f"'{name}' has {len(found)} files.", f"Name a part of it: {PREFIX}{name}:train."
        )
    return tuple(found)


def _id(name: str, part: str) -> str:
    return "--".join((*name.split("/"), *([part] if part else [])))
