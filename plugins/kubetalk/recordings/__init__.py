"""Recordings on disk: recording.yml without noise, the key chain, and what was verified on this machine."""

from kubetalk.recordings.cache import Cache
from kubetalk.recordings.chain import content_digest, key_chain
from kubetalk.recordings.emit import dump_recording
from kubetalk.recordings.files import load_recording, parse_recording, save_recording
from kubetalk.recordings.merging import Unchanged, merge, same_outputs

__all__ = [
    "Cache",
    "Unchanged",
    "content_digest",
    "dump_recording",
    "key_chain",
    "load_recording",
    "merge",
    "parse_recording",
    "same_outputs",
    "save_recording",
]
