"""Cluster objects -> snapshot -> diagram -> SVG.

`prune` decides what of a cluster's state may be kept, `draw` what of a snapshot is seen. The picture's colours and
faces are CSS variables ``--kt-diagram-<name>``, each with a fallback that follows the page's ``color-scheme``:
``canvas`` (behind the picture), ``ink`` (names), ``muted`` (second lines, legend), ``box`` and ``box-line``
(namespaces), ``card`` and ``card-line`` (nodes), ``traffic``, ``workload``, ``config``, ``custom`` (families of
kinds), ``edge`` (references), ``warn`` (not ready, missing), ``added``, ``removed``, ``changed`` (before and after),
``hand`` (drawn by hand), ``font`` and ``mono``. The list itself stands in `style.VARIABLES`. The picture says its
natural width in ``--kt-diagram-width``, so that a narrow page can scroll it instead of making it too small to read.
"""

from kubetalk.drawing.draw import check, draw
from kubetalk.drawing.kinds import OPTIONAL_GROUPS, RESOURCES
from kubetalk.drawing.prune import prune

__all__ = ["OPTIONAL_GROUPS", "RESOURCES", "check", "draw", "prune"]
