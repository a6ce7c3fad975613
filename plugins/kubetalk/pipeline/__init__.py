"""The order of things: read -> run or replay -> draw -> render -> index. Entry points call it, it calls the rooms."""

from kubetalk.pipeline.building import BuiltSite, HostPage, build_site
from kubetalk.pipeline.configuration import settings_for_serving, settings_from_config, settings_from_mkdocs
from kubetalk.pipeline.freshness import check_documents, plan_documents, record_documents
from kubetalk.pipeline.performing import Performed, perform_all

__all__ = [
    "BuiltSite",
    "HostPage",
    "Performed",
    "build_site",
    "check_documents",
    "perform_all",
    "plan_documents",
    "record_documents",
    "settings_for_serving",
    "settings_from_config",
    "settings_from_mkdocs",
]
