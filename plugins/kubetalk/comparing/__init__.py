"""Output to canonical form, two recordings to verdicts with their reasons in words: no false drift, no missed change.

The way of an output: `commands` reads hints from the command line, `canonicalise` finds the shapes (`tables`,
`describe`, `structured`, `blocks`, `text`), `columns` and `masks` reduce what varies to its class, `names` and
`forms.number` rename what is generated, `differences` compares two forms, `words` tells and
grades what changed. `written` and `manifests` know what the author wrote, which is content wherever it stands.
"""

from kubetalk.comparing.canonicalise import canonical
from kubetalk.comparing.differences import differences
from kubetalk.comparing.expectations import matches_expectation
from kubetalk.comparing.forms import Canonical
from kubetalk.comparing.names import Names
from kubetalk.comparing.noise import without_noise
from kubetalk.comparing.verdicts import compare, compare_snapshots, is_stable, is_unchanged

__all__ = [
    "Canonical",
    "Names",
    "canonical",
    "compare",
    "compare_snapshots",
    "differences",
    "is_stable",
    "is_unchanged",
    "matches_expectation",
    "without_noise",
]
