"""The output of the workflow while it runs, and when a job fails."""

import re
from pathlib import Path

from tests.workflow.runs import TABLE, Running, Workflow

TRAIN = "resources/demo/train.csv"


def last_lines(output: str) -> list[str]:
    """Return the lines below Snakemake's own last one."""
    lines = [line for line in output.splitlines() if line]
    return lines[lines.index("At least one job did not complete successfully.") + 1 :]


def test_the_error_of_a_failed_job_is_the_last_thing_printed(copy: Workflow) -> None:
    lines = copy.path(TRAIN).read_text().splitlines()
    lines[2] = lines[2].replace(",", ",left,", 1)
    copy.path(TRAIN).write_text("\n".join(lines) + "\n")
    result = copy.run()
    assert result.code == 1
    title, error, line = last_lines(result.output)
    assert title == "check_data failed, logs/check_data.log:"
    assert error == "error: 1 error in the data:"
    assert line.startswith(f"  {TRAIN}:3: ")


def test_a_killed_job_is_reported_as_killed(fresh: Workflow) -> None:
    run = Running(fresh, "frames")
    run.wait_for_file("resources/demo/videos/*.mp4")
    run.kill_job("demo_data")
    printed = last_lines(fresh.path("output.txt").read_text())
    assert "demo_data failed, logs/demo_data.log:" in printed
    message = printed[printed.index("demo_data failed, logs/demo_data.log:") + 1]
    assert message.startswith("it ended without an error message: killed, or out of memory?")


def test_each_job_is_one_line_with_its_reason(copy: Workflow) -> None:
    result = copy.run("--dry-run", "--forcerun", "predict")
    jobs = re.findall(r"^Job \d+: (.*)$", result.output, re.MULTILINE)
    assert "predict: seed 0, model lfb_max, piece 1-of-1" in jobs
    assert "    input: " not in result.output
    assert "Reason: Forced execution" in result.output
    listed = re.search(r"^predict +3$", result.output, re.MULTILINE)
    assert listed is not None


def test_shell_commands_are_short_and_read_settings_from_files(
    finished: Workflow, commands: dict[str, str]
) -> None:
    assert max(map(len, commands.values())) < 1000
    for name, command in commands.items():
        assert "{" not in command
        for settings in re.findall(r"--settings (\S+)", command):
            assert Path(settings).parent == Path("logs/settings")
            assert finished.path(settings).exists(), name


def test_log_lines_name_their_job(finished: Workflow) -> None:
    output = finished.path("output.txt").read_text()
    assert re.search(r"^\[extract_frames\] \w+: 6 of 6 videos$", output, re.MULTILINE)


def test_a_run_ends_with_where_the_results_of_its_targets_are(copy: Workflow) -> None:
    for target, expected in {
        TABLE: ["mAP table:     results/map_table.csv"],
        "results/seed-0/baseline/metrics.json": [],
    }.items():
        result = copy.run("--force", target)
        assert result.code == 0, result.output
        lines = result.output.splitlines()
        end = next(i for i, line in enumerate(lines) if line.startswith("Elapsed time"))
        assert lines[end + 1 :] == (["", *expected] if expected else [])
