"""The pictures of the kinds: one hand, a 24 unit square, strokes of 1.7 with round ends, no fill."""

from __future__ import annotations

GLYPHS: dict[str, str] = {
    # traffic
    "ingress": '<path d="M3 12h10M9.5 8l4 4-4 4M14 4h4.5A1.5 1.5 0 0 1 20 5.500v13a1.5 1.5 0 0 1-1.5 1.500H14"/>',
    "gateway": '<path d="M3 20.500h18M5 20.500V11a7 7 0 0 1 14 0v9.500M9.5 20.500V12a2.5 2.5 0 0 1 5 0v8.5"/>',
    "route": '<path d="M3 12h5l5-5.500h7M17 3.500l3 3-3 3M8 12l5 5.500h7M17 14.500l3 3-3 3"/>',
    "virtualservice": '<path d="M11 3.500v12H4.500zM14 8v7.500h5.500zM3.5 19.500h17"/>',
    "destinationrule": '<circle cx="12" cy="12" r="7.5"/><circle cx="12" cy="12" r="2.5"/>'
    '<path d="M12 2.500v4M12 17.500v4M2.5 12h4M17.5 12h4"/>',
    "serviceentry": '<circle cx="12" cy="12" r="8.5"/>'
    '<path d="M3.5 12h17M12 3.500c3.6 3.4 3.6 13.6 0 17M12 3.500c-3.6 3.4-3.6 13.6 0 17"/>',
    "service": '<path d="M12 8.500V16M5.5 16v-3.700h13V16"/><rect x="9" y="3.5" width="6" height="5" rx="1.2"/>'
    '<rect x="3" y="16" width="5" height="4.5" rx="1.2"/><rect x="9.5" y="16" width="5" height="4.5" rx="1.2"/>'
    '<rect x="16" y="16" width="5" height="4.5" rx="1.2"/>',
    "loadbalancer": '<path d="M7 12h9.500M7 12c4.8 0 4-6.5 9.5-6.500M7 12c4.8 0 4 6.5 9.5 6.5"/>'
    '<circle cx="5" cy="12" r="2"/><circle cx="18.7" cy="5.5" r="2"/><circle cx="18.7" cy="12" r="2"/>'
    '<circle cx="18.7" cy="18.5" r="2"/>',
    # workloads
    "deployment": '<path d="M19.7 9.500A8.2 8.2 0 0 0 5 8M4.7 3.800V8H9'
    'M4.3 14.500A8.2 8.2 0 0 0 19 16M19.3 20.200V16H15"/>'
    '<rect x="9.3" y="9.3" width="5.4" height="5.4" rx="1.2"/>',
    "statefulset": '<rect x="4" y="3.5" width="16" height="5" rx="1.4"/>'
    '<rect x="4" y="9.5" width="16" height="5" rx="1.4"/>'
    '<rect x="4" y="15.5" width="16" height="5" rx="1.4"/><path d="M7.5 6h.01M7.5 12h.01M7.5 18h.01"/>',
    "daemonset": '<rect x="3.5" y="3.5" width="17" height="17" rx="2"/><path d="M12 3.500v17M3.5 12h17"/>'
    '<path d="M7.7 7.700h.01M16.3 7.700h.01M7.7 16.300h.01M16.3 16.300h.01"/>',
    "job": '<rect x="4" y="4" width="16" height="16" rx="2.5"/><path d="M8 12.300l2.8 2.800L16 9.5"/>',
    "cronjob": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.3 2.2"/>',
    "pod": '<path d="M12 3l8 4.500v9L12 21l-8-4.500v-9zM12 12l8-4.500M12 12v9M12 12L4 7.5"/>',
    # configuration and storage
    "configmap": '<path d="M6.5 3h7.500l4.5 4.500V21h-12zM14 3v4.500h4.500M9.5 12.500h6M9.5 16.500h6"/>',
    "secret": '<rect x="5" y="10.5" width="14" height="10" rx="2"/>'
    '<path d="M8 10.500V8a4 4 0 0 1 8 0v2.500M12 14.500v2.5"/>',
    "claim": '<path d="M4.5 6v12c0 1.7 3.3 3 7.5 3s7.5-1.3 7.5-3V6M4.5 12c0 1.7 3.3 3 7.5 3s7.5-1.3 7.5-3"/>'
    '<ellipse cx="12" cy="6" rx="7.5" ry="3"/>',
    "autoscaler": '<path d="M4 8.500V4h4.500M15.5 4H20v4.500M20 15.500V20h-4.500M8.5 20H4v-4.5"/>'
    '<rect x="9" y="9" width="6" height="6" rx="1.2"/>',
    # the rest
    "custom": '<path d="M12 3l8 4.500v9L12 21l-8-4.500v-9z"/><circle cx="12" cy="12" r="3"/>',
    "more": '<path stroke-width="2.8" d="M6 12h.01M12 12h.01M18 12h.01"/>',
    # drawn by hand
    "users": '<circle cx="9" cy="8" r="3.3"/><path d="M3 19.500c.2-3.6 2.7-5.8 6-5.800s5.8 2.2 6 5.8"/>'
    '<path d="M15.5 5.200a3 3 0 0 1 .6 5.700M17 14.200c2.3.6 3.8 2.5 4 5.3"/>',
    "internet": '<path d="M7 18.500a4.2 4.2 0 0 1-.6-8.400A5.7 5.7 0 0 1 17.3 9.300a4.6 4.6 0 0 1 .2 9.200z"/>',
    "database": '<path d="M4.5 6v12c0 1.7 3.3 3 7.5 3s7.5-1.3 7.5-3V6"/><ellipse cx="12" cy="6" rx="7.5" ry="3"/>',
    "bucket": '<path d="M4 6.500l2.2 13c.1.7.8 1 1.5 1h8.600c.7 0 1.4-.3 1.5-1l2.2-13"/>'
    '<ellipse cx="12" cy="6.3" rx="8" ry="2.5"/>',
    "dns": '<circle cx="12" cy="12" r="8.5"/><path d="M15.8 8.200l-2.2 5.4-5.4 2.2 2.2-5.400z"/>',
    "box": '<rect x="4" y="5" width="16" height="14" rx="2.5"/><path d="M4 9.500h16"/>',
    "note": '<path d="M5 4h14v10.500L13.5 20H5zM19 14.500h-5.500V20"/>',
}  # fmt: skip
