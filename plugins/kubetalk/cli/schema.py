"""`kubetalk schema`: the format of the YAML files, for editors that check and complete while one types."""

from __future__ import annotations

import json

import click

from kubetalk import reading
from kubetalk.model import Kind

_TAGS = "tags"


@click.command()
@click.argument("file", type=click.Choice([*(kind.value for kind in Kind if kind is not Kind.HOST_PAGE), _TAGS]))
def schema(file: str) -> None:
    """Print the JSON Schema of talk.yml, post.yml, page.yml or tags.yml.

    FILE is its name without the ending. Editors with yaml-language-server take the schema from a file: write
    `# yaml-language-server: $schema=PATH` into the first line, or name it in their settings under `yaml.schemas`.
    """
    rules = reading.tags_schema() if file == _TAGS else reading.schema(Kind(file))
    click.echo(json.dumps(rules, indent=2, ensure_ascii=False))
