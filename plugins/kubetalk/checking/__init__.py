"""What is wrong with a built site, as findings: dead links, wrong languages, lopsided alternates, foreign requests."""

from kubetalk.checking.site import check_site

__all__ = ["check_site"]
