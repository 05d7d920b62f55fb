"""The data folder and the signing key in it."""

from __future__ import annotations

import shutil
import stat
import tempfile
from pathlib import Path

from ...errors import ConfigurationError
from ...runtime.secrets import SecretKeys
from ...settings import Settings
from .finding import Findings, fail, ok, warn

_GIB = 2**30
_LOCAL = ("sqlite", "memory")


def check_data_dir(settings: Settings) -> Findings:
    """Whether the folder is there, can be written, is nobody else's to read, and has room."""
    what, folder = "data_dir", settings.data_dir
    there = _nearest(folder)
    if not there.is_dir():
        yield fail(what, f"{there} is no folder", "Move it away, or name another folder with --data-dir.")
        return
    try:
        with tempfile.TemporaryFile(dir=there):
            yield ok(what, f"{folder} can be written" if there == folder else f"{folder} is made when it is needed")
    except OSError as error:
        cure = "Give this user the right to write there, or name another folder with --data-dir."
        yield fail(what, f"{there} cannot be written ({error.strerror})", cure)
        return
    if there == folder and folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield warn(what, f"other users of this machine may look into {folder}", f"chmod 700 {folder}")
    free = shutil.disk_usage(there).free
    if free < settings.min_free:
        detail = f"{free / _GIB:.1f} GiB are free, less than min_free ({settings.min_free / _GIB:.1f} GiB)"
        yield warn(what, detail, "Free some space: telemetrykit prune, or a smaller max_store_bytes.")


def check_secret(settings: Settings) -> Findings:
    """Whether there is a key to sign sessions and tickets with, and whether it is secret."""
    what = "secret key"
    try:
        if len(SecretKeys(settings.secret_keys, None)) and settings.secret_keys:
            yield ok(what, f"{len(settings.secret_keys)} from the settings")
            return
    except ConfigurationError as error:
        yield fail(what, str(error), "Set TELEMETRYKIT_SECRET_KEYS to a longer key.")
        return
    yield from _check_key_file(settings.data_dir / "secret")
    scheme = settings.store_url.partition(":")[0]
    if scheme not in _LOCAL:
        detail = f"with a {scheme}: store every machine must sign with the same key"
        yield warn(what, detail, "Set TELEMETRYKIT_SECRET_KEYS to one key on all of them.")


def _check_key_file(file: Path) -> Findings:
    what = "secret key"
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        key = file.read_text("utf-8").strip()
    except FileNotFoundError:
        yield ok(what, f"{file} is made when it is needed")
        return
    except (OSError, UnicodeDecodeError) as error:
        yield fail(what, f"{file} cannot be read ({error})", "Let the app's user own it, and only that user read it.")
        return
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield fail(what, f"other users of this machine may read {file} (mode {mode:04o})", f"chmod 600 {file}")
    try:
        SecretKeys([key], None)
    except ConfigurationError:
        yield fail(what, f"the key in {file} is too short", f"rm {file}: the app makes a new one; sessions end.")
    else:
        yield ok(what, f"{file} holds one")


def _nearest(folder: Path) -> Path:
    """The folder, or the first of those above it that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())
