"""The cache on disk: an entry is a folder that appears whole or not at all, and knows the checksum of every file in it.

<cache>/components/<name>/<version>-<recipe digest>/entry.json
                                                    files/…
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from clusters.errors import ComponentError, MachineError

CHUNK = 1 << 20
SECOND = 10**9
MANY_FILES = 200
"""From here on the whole file system is synchronised once, instead of every file."""


class CachedFile(msgspec.Struct, frozen=True):
    sha256: str
    size: int
    mtime_ns: int
    inode: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a cached component."""

    name: str
    version: str
    way: str
    """How it was had: ``release``, ``go build``, ``wheel``, ``module``."""
    source: str
    """From where: an address, or the Go packages."""
    seconds: float
    files: dict[str, CachedFile]


class Store:
    """A folder of entries."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, name: str, key: str) -> Path:
        return self.folder / name / key

    def entry(self, name: str, key: str) -> Entry | None:
        """What the cache has, without looking at the files."""
        try:
            return msgspec.json.decode((self.place(name, key) / "entry.json").read_bytes(), type=Entry)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def damage(self, name: str, key: str, *, thorough: bool = False) -> str:
        """What is wrong with an entry, in words; empty for a whole one.

        A file whose size, time and inode are as when it was hashed is taken to be the same; ``thorough`` hashes all.
        """
        place = self.place(name, key)
        entry = self.entry(name, key)
        if entry is None:
            return "its description is missing or unreadable" if place.exists() else "it is not there"
        files = place / "files"
        suspects = []
        for relative, known in entry.files.items():
            try:
                now = (files / relative).stat()
            except OSError:
                return f"{relative} is missing"
            if now.st_size != known.size:
                return f"{relative} has {now.st_size} bytes instead of {known.size}"
            if thorough or now.st_ino != known.inode or not same_time(now.st_mtime_ns, known.mtime_ns):
                suspects.append(relative)
        wrong = _wrong_sums(files, entry, suspects)
        if suspects and not wrong:
            self._write(place, msgspec.structs.replace(entry, files=_described(files, entry.files)))
        return wrong

    @contextlib.contextmanager
    def draft(self, name: str) -> Iterator[Path]:
        """A folder of one's own to make an entry in; gone afterwards, unless it was installed."""
        parent = self.folder / "drafts"
        with disk_errors(self.folder):
            parent.mkdir(parents=True, exist_ok=True)
            self._remove_abandoned(parent)
            draft = parent / f"{os.getpid()}.{name}.{secrets.token_hex(4)}"
            draft.mkdir()
        try:
            yield draft
        finally:
            remove(draft)

    def install(self, draft: Path, key: str, entry: Entry) -> Path:
        """Make ``draft/files`` the entry, in one step, after everything in it is on disk."""
        place = self.place(entry.name, key)
        with disk_errors(self.folder):
            files = draft / "files"
            paths = sorted(path for path in files.rglob("*") if path.is_file() and not path.is_symlink())
            with ThreadPoolExecutor(max_workers=4) as pool:
                sums = dict(zip(paths, pool.map(sha256_of, paths), strict=True))
            known = {str(path.relative_to(files)): CachedFile(digest, 0, 0, 0) for path, digest in sums.items()}
            self._write(draft, msgspec.structs.replace(entry, files=_described(files, known)))
            flush(paths, [draft, *(path for path in files.rglob("*") if path.is_dir()), files])
            place.parent.mkdir(parents=True, exist_ok=True)
            for _ in range(10):
                try:
                    draft.rename(place)
                    break
                except OSError as error:
                    if error.errno not in {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}:
                        raise
                # Somebody else's: it stays if it is whole.
                if not self.damage(entry.name, key):
                    return place
                with contextlib.suppress(FileNotFoundError):
                    place.rename(old := draft.parent / f"{os.getpid()}.old.{secrets.token_hex(4)}")
                    remove(old)
            else:
                raise ComponentError(
                    f"The cache entry {place} could not be replaced.", "Remove that folder and run again."
                )
            sync_folder(place.parent)
        return place

    def discard(self, name: str, key: str) -> None:
        """Remove an entry."""
        remove(self.place(name, key))

    @staticmethod
    def _write(place: Path, entry: Entry) -> None:
        temporary = place / f"entry.{os.getpid()}.{secrets.token_hex(4)}"
        with disk_errors(place):
            temporary.write_bytes(msgspec.json.format(msgspec.json.encode(entry)))
            temporary.replace(place / "entry.json")

    @staticmethod
    def _remove_abandoned(parent: Path) -> None:
        """What killed processes left."""
        for draft in parent.iterdir():
            owner = draft.name.partition(".")[0]
            if owner.isdigit() and not Path(f"/proc/{owner}").exists():
                remove(draft)


def _wrong_sums(files: Path, entry: Entry, suspects: list[str]) -> str:
    with ThreadPoolExecutor(max_workers=4) as pool:
        try:
            sums = list(pool.map(lambda relative: sha256_of(files / relative), suspects))
        except OSError as error:
            return f"{error.filename} cannot be read ({error.strerror})"
    for relative, digest in zip(suspects, sums, strict=True):
        if digest != entry.files[relative].sha256:
            return f"{relative} has another checksum than when it was made"
    return ""


def _described(files: Path, known: dict[str, CachedFile]) -> dict[str, CachedFile]:
    described = {}
    for relative, file in known.items():
        now = (files / relative).stat()
        described[relative] = CachedFile(file.sha256, now.st_size, now.st_mtime_ns, now.st_ino)
    return described


def same_time(now: int, known: int) -> bool:
    """Whether two times, in nanoseconds, are one, also where the file system now tells only whole seconds."""
    return now == known or now == known // SECOND * SECOND


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush(files: list[Path], folders: list[Path]) -> None:
    """Have files and folders on disk, so that a name never stands for less than was written."""
    if len(files) > MANY_FILES:
        os.sync()
        return
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    for folder in folders:
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(folder: Path) -> None:
    """Remove a folder if it is there."""
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn a full or read-only disk into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise no_space(folder) from error
        if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
            raise MachineError(
                f"The cache {folder} cannot be written ({error.strerror}: {error.filename}).",
                "Set ROADTEST_CACHE to a folder of yours.",
            ) from error
        raise


def no_space(folder: Path) -> MachineError:
    mount = next(parent for parent in [folder, *folder.parents] if parent.is_mount())
    free = shutil.disk_usage(mount).free / 1e9
    return MachineError(
        f"No space is left on {mount}, the disk of the cache ({free:.1f} GB free).",
        "Make room, or set ROADTEST_CACHE to a folder on another disk.",
    )
