"""Every statement of our own page about the sandbox, and its checks; what it says of Istio: tests/live/istio."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubetalk.sandbox import REFUSAL

from . import simulated, test_fidelity
from .checks import CHECKS, OWN

ROOT = Path(__file__).resolve().parents[3]

STATEMENTS = {
    # Real
    "admission and validation": ("unknown_fields_are_refused_when_strict", "a_validating_policy_denies_or_warns"),
    "RBAC": ("a_role_allows_what_it_names_and_nothing_else", "nobody_grants_more_than_they_have"),
    "CRDs": ("a_schema_validates_defaults_and_prunes", "deleting_a_definition_deletes_its_objects"),
    "server-side printing": ("columns_status_and_scale_are_served",),
    "rollouts": ("a_rolling_update_keeps_its_bounds", "a_rollout_has_a_history_and_can_be_undone"),
    "quotas": ("a_quota_counts_and_refuses",),
    "garbage collection": ("dependents_go_after_their_owner", "an_owner_waits_for_its_dependents"),
    "drains and evictions": ("a_drain_waits_for_the_disruption_budget", "an_eviction_asks_the_disruption_budget"),
    "webhooks": ("a_webhook_nobody_answers_fails_or_is_ignored",),
    # Simulated
    "with the events a kubelet would send": (
        "the_events_of_a_start_are_in_order",
        "containers_say_that_they_are_simulated",
    ),
    "refused in one sentence": (
        "logs_are_refused",
        "exec_is_refused",
        "attach_is_refused",
        "port_forward_is_refused",
        "cp_is_refused",
        "run_with_a_terminal_is_refused",
        "debug_is_refused",
    ),
    "no log lines, no metrics": ("logs_are_refused", "top_has_no_metrics", "nodes_claim_no_machine"),
    "203.0.113.0/24": ("load_balancers_get_addresses_that_stay",),
    # Different
    "No probe, hook, command or resource limit of a container acts": ("probes_hooks_commands_and_limits_do_not_act",),
    "Pods of Jobs complete after a second": (
        "a_job_runs_its_completions_a_few_at_a_time",
        "an_ordinary_pod_runs_until_something_stops_it",
    ),
    "a `helm test` Pod ends only with the annotation": ("chart_tests_end_as_their_pods_do",),
    "exit code 143": ("a_stopped_container_ends_with_143_whatever_its_grace",),
    "A resize in place is granted": (
        "resources_are_resized_in_place",
        "a_resize_does_not_ask_what_is_left_of_the_node",
    ),
    "Growing a claim takes no time": (
        "a_claim_grows_when_its_class_allows_it",
        "a_growing_volume_sends_the_controller_s_event_only",
    ),
    "Ingresses and NetworkPolicies are kept": (
        "ingresses_are_kept_and_nobody_serves_them",
        "network_policies_are_kept",
    ),
    "The Service `kubernetes` lists no endpoints": ("kube_system_is_empty_and_the_api_lists_no_endpoints",),
    "Webhooks and aggregated APIs whose Service is served by Pods fail at once": (
        "a_webhook_nobody_answers_fails_or_is_ignored",
        "an_aggregated_api_without_a_server_is_unavailable",
    ),
    "`failurePolicy` then decides": ("a_webhook_nobody_answers_fails_or_is_ignored",),
    "to the proxy of a Pod or Service finds nobody": ("a_proxy_to_a_pod_or_service_finds_nobody",),
    "is established by the update that accepts its names": ("a_definition_is_established_with_its_names",),
    "Nodes say that they run `linux`": ("nodes_claim_no_machine",),
    "kube-system is empty": ("kube_system_is_empty_and_the_api_lists_no_endpoints",),
    "Anonymous requests are refused": ("anonymous_requests_are_refused",),
    "`kubectl get events` and `describe` keep the order": ("the_events_of_a_start_are_in_order",),
    # Trouble on purpose
    "image-pull-backoff": ("an_image_that_cannot_be_pulled_is_tried_again",),
    "`crash-loop`": ("a_crashing_container_is_restarted_with_back_off",),
    "`oom-killed`": ("a_container_out_of_memory_says_so",),
    "`slow-start=5s`": ("a_slow_start_is_container_creating",),
    "`not-ready`": ("one_of_two_containers_ready_reads_one_of_two", "endpoints_follow_readiness"),
    "`fail`": ("the_restart_policy_decides_about_the_phase", "a_failing_job_gives_up_at_its_backoff_limit"),
}


def test_the_sentence_is_the_one_that_builds_look_for() -> None:
    assert simulated.SENTENCE.startswith(REFUSAL)


def page(language: str) -> str:
    return (ROOT / OWN).with_name(f"{language}.md").read_text(encoding="utf-8")


def differences(language: str) -> list[str]:
    section = re.search(r"\{#differs\}(.*?)^## ", page(language), re.MULTILINE | re.DOTALL)
    assert section
    return re.findall(r"^- (.*)$", section[1], re.MULTILINE)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_what_the_page_says_is_checked(statement: str) -> None:
    assert test_fidelity.MODULES
    assert statement in page("en")
    assert set(STATEMENTS[statement]) <= {check.name for check in CHECKS}


def test_every_difference_has_its_checks() -> None:
    told = differences("en")
    assert len(told) >= 8
    assert [line for line in told if not any(statement in line for statement in STATEMENTS)] == []
    # The other language says as much.
    assert len(differences("ja")) == len(told)
