"""Files -> documents: options, YAML facts, slides, blocks, commands and language pairs. Knows nothing of running."""

from kubetalk.reading.commands import read_commands
from kubetalk.reading.config_file import config_files, option_place
from kubetalk.reading.facts import schema, tags_schema
from kubetalk.reading.host_pages import host_page_paths, language_of, read_host_file, read_host_page
from kubetalk.reading.plan import plan_session
from kubetalk.reading.printing import print_block
from kubetalk.reading.project import place_of, read_project
from kubetalk.reading.refusals import refuse
from kubetalk.reading.settings import OPTIONS, read_config, read_settings
from kubetalk.reading.texts import read_text

__all__ = [
    "OPTIONS",
    "config_files",
    "host_page_paths",
    "language_of",
    "option_place",
    "place_of",
    "plan_session",
    "print_block",
    "read_commands",
    "read_config",
    "read_host_file",
    "read_host_page",
    "read_project",
    "read_settings",
    "read_text",
    "refuse",
    "schema",
    "tags_schema",
]
