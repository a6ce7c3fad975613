"""Jobs and CronJobs. The pods of a Job complete by themselves."""

from __future__ import annotations

from .checks import Bench, check, condition, heredoc


def job(name: str, *, spec: str = "", simulate: str = "", metadata: str = "") -> str:
    notes = simulate and f"metadata: {{annotations: {{kubetalk.dev/simulate: {simulate}}}}}, "
    return (
        f"{{apiVersion: batch/v1, kind: Job, metadata: {{name: {name}{metadata}}}, spec: {{{spec and spec + ', '}"
        f"template: {{{notes}spec: {{restartPolicy: Never, containers: [{{name: app, image: busybox}}]}}}}}}}}"
    )


def cron(name: str, *, schedule: str = "* * * * *", spec: str = "") -> str:
    return (
        f"{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: {name}}}, spec: {{schedule: '{schedule}', {spec}"
        " jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: busybox}]}}}}}}"
    )


@check("concepts/workloads/controllers/job/#parallel-jobs")
def a_job_runs_its_completions_a_few_at_a_time(t: Bench) -> None:
    t.apply(job("j", spec="completions: 4, parallelism: 2, suspend: true", simulate="complete=1s"))
    seen = t.watched(
        "job j",
        "{.status.active}",
        """kubectl patch job j -p '{"spec": {"suspend": false}}' """
        "&& kubectl wait --for=condition=Complete job/j --timeout=60s",
    )
    assert max(int(line) for line in seen if line.isdigit()) == 2
    found = t.get("job j")
    assert found["status"]["succeeded"] == 4
    assert len(t.names("pods")) == 4
    assert "4/4" in t.out("kubectl get job j --no-headers")


@check("concepts/workloads/controllers/job/#pod-backoff-failure-policy", first=True)
def a_failing_job_gives_up_at_its_backoff_limit(t: Bench) -> None:
    t.apply(job("j", spec="backoffLimit: 1", simulate="fail"))
    found = t.until("job j", lambda o: condition(o, "Failed").get("status") == "True")
    assert condition(found, "Failed")["reason"] == "BackoffLimitExceeded"
    assert found["status"]["failed"] == 2
    assert [o["status"]["phase"] for o in t.get("pods")["items"]] == ["Failed", "Failed"]
    t.event("j", "BackoffLimitExceeded", "Job has reached the specified backoff limit")


@check("concepts/workloads/controllers/job/#job-termination-and-cleanup")
def a_job_past_its_deadline_fails_and_ends_its_pods(t: Bench) -> None:
    t.apply(job("j", spec="activeDeadlineSeconds: 2", simulate="complete=300s"))
    found = t.until("job j", lambda o: condition(o, "Failed").get("status") == "True")
    assert condition(found, "Failed")["reason"] == "DeadlineExceeded"
    t.until("pods", lambda o: not o["items"] or {p["status"]["phase"] for p in o["items"]} == {"Failed"})


@check("concepts/workloads/controllers/ttlafterfinished/")
def a_finished_job_is_removed_after_its_time_to_live(t: Bench) -> None:
    t.apply(job("j", spec="ttlSecondsAfterFinished: 1"))
    # On a busy machine it may be gone by now, and that is no error.
    t.out("kubectl wait --for=delete job/j --timeout=60s")
    t.until("pods", lambda o: not o["items"])


@check("tasks/job/indexed-parallel-processing-static/")
def an_indexed_job_numbers_its_pods(t: Bench) -> None:
    t.apply(job("j", spec="completions: 3, parallelism: 3, completionMode: Indexed"))
    t.out("kubectl wait --for=condition=Complete job/j --timeout=60s")
    assert t.get("job j")["status"]["completedIndexes"] == "0-2"
    index = "batch.kubernetes.io/job-completion-index"
    found = sorted(t.get("pods")["items"], key=lambda o: o["metadata"]["labels"][index])
    assert [o["metadata"]["annotations"][index] for o in found] == ["0", "1", "2"]
    assert [o["spec"]["hostname"] for o in found] == ["j-0", "j-1", "j-2"]
    assert [o["metadata"]["name"].rsplit("-", 1)[0] for o in found] == ["j-0", "j-1", "j-2"]
    names = [e["name"] for e in found[0]["spec"]["containers"][0]["env"]]
    assert "JOB_COMPLETION_INDEX" in names


@check("concepts/workloads/controllers/job/#suspending-a-job")
def a_suspended_job_has_no_pods_until_it_is_resumed(t: Bench) -> None:
    t.apply(job("j", spec="suspend: true"))
    t.until("job j", lambda o: condition(o, "Suspended").get("status") == "True")
    assert t.names("pods") == []
    t.out("""kubectl patch job j -p '{"spec": {"suspend": false}}'""")
    t.out("kubectl wait --for=condition=Complete job/j --timeout=60s")
    t.event("j", "Resumed", "Job resumed")


@check("tasks/job/pod-failure-policy/")
def a_pod_failure_policy_fails_the_job_at_once(t: Bench) -> None:
    rule = "{action: FailJob, onExitCodes: {containerName: app, operator: In, values: [1]}}"
    t.apply(job("j", spec=f"backoffLimit: 6, podFailurePolicy: {{rules: [{rule}]}}", simulate="fail"))
    found = t.until("job j", lambda o: condition(o, "Failed").get("status") == "True")
    assert condition(found, "Failed")["reason"] == "PodFailurePolicy"
    assert found["status"]["failed"] == 1


@check("concepts/workloads/controllers/job/#success-policy")
def a_success_policy_completes_the_job_early(t: Bench) -> None:
    rule = "{succeededIndexes: '0'}"
    t.apply(
        job("j", spec=f"completions: 3, parallelism: 1, completionMode: Indexed, successPolicy: {{rules: [{rule}]}}")
    )
    found = t.until("job j", lambda o: condition(o, "Complete").get("status") == "True")
    assert condition(found, "Complete")["reason"] == "SuccessPolicy"
    assert found["status"]["succeeded"] < 3


@check("concepts/workloads/controllers/job/")
def the_template_of_a_job_cannot_be_changed(t: Bench) -> None:
    t.apply(job("j"))
    t.refused("kubectl set image job/j app=busybox:2", "field is immutable")


@check("concepts/workloads/controllers/job/")
def deleting_a_job_deletes_its_pods(t: Bench) -> None:
    t.apply(job("j", simulate="complete=300s"))
    t.until("pods", lambda o: o["items"] and o["items"][0]["status"]["phase"] == "Running")
    t.out("kubectl delete job j")
    t.until("pods", lambda o: not o["items"])


@check("concepts/workloads/controllers/cron-jobs/", first=True)
def a_cron_job_makes_a_job_each_minute(t: Bench) -> None:
    t.apply(cron("c"))
    found = t.until("jobs", lambda o: o["items"], 90)
    (made,) = found["items"]
    assert made["metadata"]["name"].startswith("c-")
    assert made["metadata"]["name"].removeprefix("c-").isdigit()
    assert made["metadata"]["ownerReferences"][0]["kind"] == "CronJob"
    t.until("cronjob c", lambda o: "lastScheduleTime" in o["status"])
    t.event("c", "SuccessfulCreate", "Created job c-")


@check("concepts/workloads/controllers/cron-jobs/#schedule-suspension", first=True)
def a_suspended_cron_job_makes_none(t: Bench) -> None:
    t.apply(cron("held", spec="suspend: true,"))
    t.apply(cron("free"))
    t.until("jobs", lambda o: any(j["metadata"]["name"].startswith("free-") for j in o["items"]), 90)
    assert not [name for name in t.names("jobs") if name.startswith("held-")]
    assert t.out("kubectl get cronjob held --no-headers").split()[7:10] == ["True", "0", "<none>"]


@check("reference/kubectl/generated/kubectl_create/kubectl_create_job/")
def a_job_can_be_made_from_a_cron_job(t: Bench) -> None:
    t.apply(cron("c", schedule="0 0 1 1 *"))
    t.out("kubectl create job now --from=cronjob/c")
    t.out("kubectl wait --for=condition=Complete job/now --timeout=60s")
    found = t.get("job now")["metadata"]
    assert found["annotations"]["cronjob.kubernetes.io/instantiate"] == "manual"
    assert found["ownerReferences"][0]["name"] == "c"
    t.refused(heredoc(cron("bad", schedule="at noon")), "spec.schedule: Invalid value")
