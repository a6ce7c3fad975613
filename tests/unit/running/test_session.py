from __future__ import annotations

import hashlib
import os
import select
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from kubetalk.errors import ManyErrors, RunError
from kubetalk.model import FileStep, Location, Provenance, SnapshotStep, SourceFile
from tests.unit.running.conftest import NOW, FakeSandbox, Runner, outputs, run_step

HERE = Location("docs/talks/t/en.md", 5)


class TestState:
    def test_directory_variables_and_functions_are_kept(self, run: Runner) -> None:
        # runmedev/runme#787: functions were lost between cells; pawamoy/markdown-exec#32, #53: so was the directory.
        result = run("mkdir a && cd a", "x=1; export Y=2", 'f() { echo "f$1 $x $Y"; }', "f 3", "pwd", "env | grep ^Y")
        assert outputs(result) == ["", "", "", "f3 1 2\n", "/sandbox/work/a\n", "Y=2\n"]

    def test_the_environment_is_the_sandbox_s_alone(
        self, run: Runner, sandbox: FakeSandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "from outside")
        monkeypatch.setenv("BASH_ENV", "/dev/null")
        names = set(outputs(run("env | cut -d= -f1"))[0].split())
        assert names == {*sandbox.environment, "PWD", "SHLVL", "_"}

    def test_the_last_status_is_there_for_the_next_command(self, run: Runner) -> None:
        result = run(run_step("false", exit=1), run_step("echo $?", block="c"), run_step("echo $?", block="d"))
        assert outputs(result) == ["", "1\n", "0\n"]

    def test_background_jobs_go_on_and_end_with_the_session(self, run: Runner, tmp_path: Path) -> None:
        result = run("sleep 300 & echo $! >pid", "kill -0 $(cat pid) && echo alive")
        assert outputs(result)[1] == "alive\n"
        assert not _is_running(int((tmp_path / "w/work/pid").read_text()))

    def test_a_job_in_its_own_process_group_ends_too(self, run: Runner, tmp_path: Path) -> None:
        run("set -m; sleep 300 & echo $! >pid; set +m")
        if not Path("/proc").exists():
            pytest.skip("process groups of a session are found through /proc")
        assert not _is_running(int((tmp_path / "w/work/pid").read_text()))


class TestInputAndOutput:
    def test_a_command_that_reads_gets_the_end_of_input(self, run: Runner) -> None:
        # cram feeds its script on standard input: `cat` ate the rest of it.
        assert outputs(run("cat", 'read line; echo "$?"', "echo still here")) == ["", "1\n", "still here\n"]

    def test_a_daemon_that_holds_the_output_does_not_hold_the_session(self, run: Runner) -> None:
        # It would be ended after a minute, and the session fail.
        assert outputs(run("sleep 300 & echo started", "echo next")) == ["started\n", "next\n"]

    def test_both_streams_in_the_order_they_were_written(self, run: Runner) -> None:
        script = "for i in 1 2 3; do echo out $i; echo err $i >&2; done"
        assert outputs(run(script)) == ["out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n"]

    def test_heredocs_continuations_and_japanese(self, run: Runner) -> None:
        # pawamoy/markdown-exec 1.12.6 dropped heredoc and continuation lines.
        result = run("cat <<'EOF' >f\n $x こんにちは\n\ttab\nEOF", "cat f", "echo a \\\n  b", "cat <<-X\n\tin\n\tX")
        assert outputs(result) == ["", " $x こんにちは\n\ttab\n", "a b\n", "in\n"]

    def test_output_without_a_final_newline(self, run: Runner) -> None:
        assert outputs(run("printf abc", "printf ''", "echo d")) == ["abc", "", "d\n"]

    def test_a_terminal_only_where_it_is_asked_for(self, run: Runner) -> None:
        test = "[ -t 0 ] && echo in; [ -t 1 ] && echo out; cat; echo end"
        result = run(run_step(test), run_step(test, block="c", tty=True), run_step("stty size", block="d", tty=True))
        assert outputs(result) == ["end\n", "in\nout\nend\n", "40 120\n"]

    def test_progress_lines_that_overwrite_themselves(self, run: Runner) -> None:
        assert outputs(run(r"printf '10%%\r50%%\rdone\033[K\n'")) == ["done\n"]

    def test_invalid_utf8_and_controls_are_harmless(self, run: Runner) -> None:
        assert outputs(run(r"printf '\377a\001\033]0;title\007b\342\200\256c\n'")) == ["\ufffda␁b<U+202E>c\n"]

    def test_nothing_is_read_from_the_terminal_of_the_build(self, run: Runner) -> None:
        assert outputs(run("readlink /proc/self/fd/0 2>/dev/null || echo /dev/null")) == ["/dev/null\n"]


class TestErrorsOfTheShell:
    def test_a_missing_command_reads_as_at_a_prompt(self, run: Runner) -> None:
        assert outputs(run(run_step("nosuch", exit=127))) == ["bash: nosuch: command not found\n"]

    def test_a_syntax_error_hits_its_own_command_only(self, run: Runner) -> None:
        bad = run("echo one", "echo )", "echo three")
        assert bad.failure is not None
        assert "syntax error near unexpected token" in bad.failure.details
        good = run(run_step("echo )", exit=2), run_step("echo three", block="c"))
        assert outputs(good)[1] == "three\n"

    @pytest.mark.parametrize("source", ["exit 3", "exec sh -c 'exit 3'", "set -e; (exit 3)", "kill -9 $$"])
    def test_what_ends_the_shell_leaves_the_rest_unverified(self, run: Runner, source: str) -> None:
        status = 137 if "kill" in source else 3
        result = run(run_step("echo a"), run_step(source, block="x", exit=status), run_step("echo c", block="y"))
        assert result.failure is not None
        assert "ended the session's shell" in result.failure.message
        assert [step.block_id for step in result.unverified] == ["x", "y"]
        assert [block.id for block in result.completed.blocks] == ["b"]

    def test_the_last_command_may_end_the_shell(self, run: Runner) -> None:
        result = run(run_step("echo a"), run_step("echo bye; exit 3", block="x", exit=3))
        assert outputs(result) == ["a\n", "bye\n"]
        assert outputs(run("exec echo replaced")) == ["replaced\n"]

    def test_traces_of_the_engine_are_not_shown(self, run: Runner) -> None:
        result = run("set -x", "echo a", "set +x", "set -v", "echo b")
        assert "builtin" not in "".join(outputs(result))
        assert [row for row in outputs(result)[1].splitlines() if not row.startswith("+")] == ["a"]
        assert outputs(result)[4].splitlines()[-1] == "b"

    def test_words_of_loops_and_functions_outside_of_them(self, run: Runner) -> None:
        result = run("break 2>/dev/null; continue 2>/dev/null; echo a", run_step("return 4", block="c", exit=4))
        assert outputs(result) == ["a\n", ""]


class TestExit:
    def test_every_status_counts_not_only_the_last(self, run: Runner) -> None:
        # pawamoy/markdown-exec 1.12.6 joins a block's commands: `false` before `true` passed.
        result = run("echo before", "kubectl get pod nosuch", "true")
        failure = result.failure
        assert failure is not None
        assert failure.where == "docs/talks/t/en.md:11"
        assert failure.message == "`kubectl get pod nosuch` (block b) ended with exit code 1 instead of 0"
        assert failure.remedy == 'Mend it, or write exit="1" on the fence if that is intended'
        assert failure.details == 'Error from server (NotFound): pod "nosuch" not found\n'
        assert len(result.unverified) == 2
        with pytest.raises(RunError):
            _ = result.recording

    def test_an_intended_failure_is_recorded(self, run: Runner) -> None:
        record = run(run_step("kubectl get pod nosuch", exit=1)).recording.blocks[0].commands[0]
        assert record.exit_code == 1
        assert run(run_step("true", exit=1)).failure is not None

    def test_a_pipe_ends_as_bash_says(self, run: Runner) -> None:
        assert outputs(run("false | cat")) == [""]
        assert run("set -o pipefail; false | cat").failure is not None


class TestLimits:
    def test_a_timeout_ends_the_whole_group_and_shows_what_was_printed(self, run: Runner, tmp_path: Path) -> None:
        source = "echo so far; (sleep 300 & echo $! >pid; wait)"
        result = run(run_step(source, timeout=2), run_step("true", block="c"))
        assert result.failure is not None
        assert "did not end within 2 s" in result.failure.message
        assert result.failure.details == "so far\n"
        assert len(result.unverified) == 2
        assert not _is_running(int((tmp_path / "w/work/pid").read_text()))

    def test_a_runaway_command_is_stopped(self, run: Runner) -> None:
        result = run("yes", output_limit=10_000)
        assert result.failure is not None
        assert "printed more than 10,000 bytes" in result.failure.message
        assert len(result.failure.details) < 3000

    @pytest.mark.parametrize("source", ["yes >f", "while :; do echo x; done >f", "yes | cat >f"])
    def test_a_file_cannot_fill_the_disk(self, run: Runner, tmp_path: Path, source: str) -> None:
        result = run(run_step("echo before", block="a"), run_step(source), disk_limit=100 * 1024)
        assert result.failure is not None
        assert result.failure.message == (
            f"`{source}` (block b) was ended: the session's files may have 102,400 bytes together, and had more"
        )
        assert result.failure.where == "docs/talks/t/en.md:10"
        assert (tmp_path / "w/work/f").stat().st_size == 100 * 1024
        assert [path for path in (tmp_path / "w/work").iterdir() if path.name != "f"] == []

    @pytest.mark.parametrize("folder", [".", "~"])
    def test_many_files_cannot_fill_it_either(self, run: Runner, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
        monkeypatch.setattr("kubetalk.running.watching._SECONDS", 0.01)
        source = f"cd {folder}; while :; do n=$((n + 1)); head -c 10000 /dev/zero >f$n; done"
        result = run(run_step(source, timeout=500), run_step("true", block="c"), disk_limit=100 * 1024)
        assert result.failure is not None
        assert "may have 102,400 bytes together, and had more" in result.failure.message
        assert result.failure.remedy == "Let it write less, or remove what is no longer needed before it"
        assert len(result.unverified) == 2

    def test_the_limit_of_files_may_be_lowered_only(self, run: Runner) -> None:
        result = run("ulimit -f; ulimit -Hf; ulimit -f unlimited 2>/dev/null || echo no", disk_limit=100 * 1024)
        assert outputs(result) == ["100\n100\nno\n"]

    def test_a_lot_of_output_is_fine(self, run: Runner) -> None:
        assert len(outputs(run("seq 100000"))[0]) == 588895

    def test_nothing_outlives_a_killed_build(self, tmp_path: Path) -> None:
        script = textwrap.dedent(
            """
            import sys, os, signal
            from pathlib import Path
            from kubetalk.running.shell import Shell
            base = Path(sys.argv[1])
            shell = Shell(directory=base, cwd=base, environment={"PATH": "/usr/bin:/bin"})
            shell.run("sleep 300 & echo $! >pid", timeout=9)
            shell.run("set -m; sleep 300 & echo $! >pid2; set +m; echo $$ >pid3", timeout=9)
            os.kill(os.getpid(), signal.SIGKILL)
            """
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)],
            env={"PYTHONPATH": "plugins", "PATH": os.environ["PATH"]},
            check=False,
            timeout=30,
        )
        assert done.returncode == -9
        pids = [int((tmp_path / name).read_text()) for name in ("pid", "pid2", "pid3")]
        assert not [pid for pid in pids if _is_running(pid)]


class TestPolling:
    def test_it_waits_for_the_text(self, run: Runner) -> None:
        later = "(sleep 0.3; kubectl create pod web) >/dev/null &"
        result = run(run_step(later), run_step("kubectl get pod web", block="c", until="^web$", within=20))
        assert outputs(result) == ["", "web\n"]

    def test_in_vain(self, run: Runner) -> None:
        result = run(run_step("kubectl get pod web", until="Running", within=1.5))
        assert result.failure is not None
        assert 'did not print until="Running" within 1.5 s' in result.failure.message
        assert "NotFound" in result.failure.details

    def test_a_command_that_hangs_does_not_hang_the_polling(self, run: Runner, sandbox: FakeSandbox) -> None:
        sandbox.tool("kubectl", "#!/bin/sh\necho half\nexec sleep 300\n")
        result = run(run_step("kubectl get pods", until="Running", within=1.5))
        assert result.failure is not None
        assert result.failure.details == "half\n"

    def test_stable_wants_equal_outputs_in_a_row(self, run: Runner, sandbox: FakeSandbox) -> None:
        count = sandbox.home / "count"
        sandbox.tool(
            "kubectl", f"#!/bin/sh\necho x >>{count}\nn=$(wc -l <{count})\n[ $n -gt 3 ] && n=3\necho ready $n\n"
        )
        result = run(run_step("kubectl get pods", until="ready", stable=3, within=20))
        assert outputs(result) == ["ready 3\n"]
        assert count.read_text().count("x") == 5

    def test_the_canonical_form_decides_what_is_equal(self, run: Runner, sandbox: FakeSandbox) -> None:
        count = sandbox.home / "count"
        sandbox.tool("kubectl", f"#!/bin/sh\necho x >>{count}\necho ready $(wc -l <{count})s\n")
        result = run(
            run_step("kubectl get pods", until="ready", stable=2, within=20), is_stable=lambda _step, _one, _other: True
        )
        assert outputs(result) == ["ready 2s\n"]

    def test_a_change_is_never_repeated(self, run: Runner) -> None:
        with pytest.raises(RunError, match="not known to only look"):
            run(run_step("kubectl create pod web", until="created"))

    def test_a_watch_ends_as_with_ctrl_c(self, run: Runner) -> None:
        result = run(run_step("kubectl get pods --watch", until="pod 3", within=20), run_step("echo $?", block="c"))
        record = result.recording.blocks[0].commands[0]
        assert record.exit_code == 130
        assert record.output.startswith("pod 0\npod 1\npod 2\npod 3\n")
        assert outputs(result)[1] == "130\n"

    def test_a_watch_ends_also_where_ctrl_c_is_ignored(self, run: Runner) -> None:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            result = run(run_step("kubectl get pods --watch", until="pod 3", within=20))
        finally:
            signal.signal(signal.SIGINT, before)
        assert result.recording.blocks[0].commands[0].exit_code == 130

    def test_a_watch_without_until_runs_for_within(self, run: Runner) -> None:
        result = run(run_step("kubectl get pods --watch", within=1.5), run_step("echo next", block="c"))
        assert outputs(result)[0].startswith("pod 0\npod 1\n")
        assert outputs(result)[1] == "next\n"

    def test_a_watch_that_waits_in_vain(self, run: Runner) -> None:
        result = run(run_step("kubectl get pods --watch", until="never", within=0.3))
        assert result.failure is not None
        assert "until" in result.failure.message


class TestRefused:
    @pytest.mark.parametrize(
        ("source", "what"),
        [
            ("kubectl edit svc web", "kubectl edit"),
            ("kubectl exec -it web -- sh", "asks for a terminal"),
            ("kubectl -n shop exec web --stdin --tty -- sh", "asks for a terminal"),
            ("vim web.yaml", "`vim` needs a person"),
            ("cd x && sudo -k; vi y", "`vi` needs a person"),
            ("watch kubectl get pods", "never ends"),
            ("kubectl port-forward svc/web 8080:80", "never ends"),
            ("echo $(top)", "`top` needs a person"),
            ("echo ghp_0123456789abcdefghijABCDEFGHIJ0123", "holds a secret (GitHub token)"),
        ],
    )
    def test_before_anything_runs(self, run: Runner, tmp_path: Path, source: str, what: str) -> None:
        with pytest.raises(RunError) as caught:
            run("echo first", source)
        assert what in str(caught.value)
        assert caught.value.where == "docs/talks/t/en.md:11"
        assert not (tmp_path / "w").exists()

    @pytest.mark.parametrize(
        "source",
        [
            "echo vim",
            "cat <<EOF\nvim\nkubectl edit x\nEOF",
            "kubectl exec web -- ls -t",
            "kubectl top pods || true",
            "kubectl port-forward svc/web 8080:80 & kill $!",
            "echo it's # top",
        ],
    )
    def test_not_by_mistake(self, run: Runner, source: str) -> None:
        if "it's" in source:
            source = source.replace("it's", '"it\'s"')
        assert run(source).failure is None

    def test_all_of_them_at_once(self, run: Runner) -> None:
        with pytest.raises(ManyErrors) as caught:
            run("vim a", "vim b")
        assert len(caught.value.problems) == 2


class TestFiles:
    def test_the_working_directory_is_a_fresh_copy(self, run: Runner, tmp_path: Path) -> None:
        source = tmp_path / "src.sh"
        source.write_text("#!/bin/sh\necho ran\n", encoding="utf-8")
        digest = hashlib.sha256(source.read_bytes()).hexdigest()
        file = SourceFile("bin/hello", source, digest, executable=True)
        (tmp_path / "w/work").mkdir(parents=True)
        (tmp_path / "w/work/left-over").touch()
        assert outputs(run("./bin/hello; ls", files=[file])) == ["ran\nbin\n"]
        assert run("rm bin/hello", files=[file]).failure is None
        assert source.exists()
        source.write_text("changed", encoding="utf-8")
        changed = run("ls", files=[file]).failure
        assert changed is not None
        assert "was changed during the build" in changed.message

    def test_a_block_s_file_is_there_for_the_next_command(self, run: Runner) -> None:
        result = run(
            "ls", FileStep("m/web.yaml", "a: 1\n", HERE), "cat m/web.yaml", FileStep("m/web.yaml", "b\n", HERE)
        )
        assert outputs(result) == ["", "a: 1\n"]

    @pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../../x", ""])
    def test_never_outside(self, run: Runner, path: str) -> None:
        failure = run(FileStep(path, "x", HERE)).failure
        assert failure is not None
        assert failure.where == str(HERE)

    def test_links_are_not_followed(self, run: Runner, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "file").write_text("mine", encoding="utf-8")
        folder = run(f"ln -s {outside} link", FileStep("link/file", "x", HERE)).failure
        assert folder is not None
        links = f"ln -s {outside}/file f; ln {outside}/file g"
        assert outputs(run(links, FileStep("f", "x", HERE), FileStep("g", "y", HERE), "cat f g")) == ["", "xy"]
        assert (outside / "file").read_text(encoding="utf-8") == "mine"


class TestRecording:
    def test_blocks_keys_and_provenance(self, run: Runner) -> None:
        result = run(
            run_step("echo a", block="one"),
            run_step("echo b", block="one", index=1),
            run_step("echo c", block="two"),
            SnapshotStep("d1", HERE),
            keys={("one", 0): "k0", ("one", 1): "k1", ("two", 0): "k2", "d1": "k3"},
            content="c0",
        )
        recording = result.recording
        assert [(b.id, [c.key for c in b.commands]) for b in recording.blocks] == [
            ("one", ["k0", "k1"]),
            ("two", ["k2"]),
        ]
        assert recording.provenance == Provenance(NOW, "embedded", simulated=True, versions={"kubernetes": "v1.36.4"})
        assert recording.snapshots[0].key == "k3"
        assert recording.content == "c0"
        assert 0 < sum(c.seconds for b in recording.blocks for c in b.commands) < result.seconds

    def test_snapshots_are_pruned_and_hold_no_secrets(self, run: Runner, sandbox: FakeSandbox) -> None:
        sandbox.found = (
            {"kind": "Secret", "metadata": {"name": "s"}, "data": {"p": "aHVudGVyMg=="}},
            {"kind": "Pod", "spec": {"args": ["--token=abcdef.0123456789abcdef", "--port=80"], "n": 3}},
        )
        snapshot = run(SnapshotStep("d", HERE)).recording.snapshots[0]
        assert snapshot.objects == (
            {"kind": "Secret", "metadata": {"name": "s"}},
            {"kind": "Pod", "spec": {"args": ["--token=<redacted>", "--port=80"], "n": 3}},
        )

    def test_secrets_are_gone_from_outputs_and_errors(self, run: Runner, sandbox: FakeSandbox) -> None:
        sandbox.kubeconfig.write_text(
            "kind: Config\nusers: [{name: me, user: {token: not-looking-secret}}]\n", encoding="utf-8"
        )
        result = run(
            'grep -o "token: [a-z-]*" $KUBECONFIG; echo not-looking-secret',
            "kubectl create secret generic db --from-literal=password=hunter2222",
            "printf %s hunter2222 | base64",
            "echo Authorization: Bearer abcdefghijklmnop; false",
        )
        assert result.failure is not None
        assert result.failure.details == "Authorization: Bearer <redacted>\n"
        texts = [record.output for block in result.completed.blocks for record in block.commands]
        assert texts[0] == "token: <redacted>\n<redacted>\n"
        assert texts[2] == "<redacted>\n"

    def test_nothing_of_the_machine(
        self, run: Runner, sandbox: FakeSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("socket.gethostname", lambda: "hanakos-laptop.example")
        monkeypatch.setattr("getpass.getuser", lambda: "hanako")
        monkeypatch.setattr("pathlib.Path.home", lambda: Path("/home/hanako"))
        result = run(
            "pwd; echo ~; echo $KUBECONFIG; which kubectl",
            "echo 'hanako@hanakos-laptop: /home/hanako/.kube/config hanakos-laptop.example'",
            "echo nothanako hanako-web",
        )
        assert outputs(result)[0] == "/sandbox/work\n/sandbox/home\n/sandbox/kubeconfig\n/sandbox/bin/kubectl\n"
        # The author's own text mentions these names, so they are public and stay; the home folder is still nobody's.
        assert "/home/user/.kube/config" in outputs(result)[1]
        sandbox.tool("whose", "#!/bin/sh\necho hanako at hanakos-laptop\n")
        assert outputs(run("whose")) == ["user at host\n"]
        assert outputs(run("cd; cd ..; pwd; echo $PATH")) == ["/sandbox\n/sandbox/bin:/usr/bin:/bin\n"]
        assert str(tmp_path) not in "".join(outputs(result))

    def test_the_names_that_kubernetes_gives_its_programs(
        self, run: Runner, sandbox: FakeSandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("socket.gethostname", lambda: "vm")
        holder = "vm_0b8f5b1e-6d5f-4f5e-8c0a-0d6a3c1e9f10"
        sandbox.tool("events", f"#!/bin/sh\necho default-scheduler-vm {holder} vm-1 default-scheduler-vmx\n")
        assert outputs(run("events")) == [f"default-scheduler-host host{holder[2:]} vm-1 default-scheduler-vmx\n"]

    def test_progress_is_told(self, run: Runner) -> None:
        told: list[str] = []
        run("echo a\necho b", "echo c", progress=told.append)
        assert told == ["1/2 echo a", "2/2 echo c"]


def _is_running(pid: int) -> bool:
    """Whether a process goes on after five seconds; a killed one ends a little later than it is killed."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    except AttributeError:
        pytest.skip("pidfd_open(2) is Linux")
    try:
        return not select.select([handle], [], [], 5)[0]
    finally:
        os.close(handle)


@pytest.mark.parametrize("printed", ["echo", "echo abc", "echo two words", "printf 'one1\\ntwo2\\n'"])
def test_a_symbol_stands_for_one_word(run: Runner, printed: str) -> None:
    failure = run(run_step(printed, symbol="run")).failure
    assert failure is not None
    assert 'symbol="run"' in failure.message
    assert run(run_step("echo a1b2c3d4", symbol="run")).failure is None
