"""A user's day with pytfe, against the server under test.

Takes TFE_ADDRESS, TFE_TOKEN and ORGANIZATION from the environment. Prints what it does; the first thing that is not
as it should be ends it with an exception.
"""

import os
import pathlib
import tempfile
import time

import httpx
from pytfe import TFEClient, TFEConfig
from pytfe.errors import TFEError
from pytfe.models import (
    CategoryType,
    ConfigurationVersionCreateOptions,
    RunApplyOptions,
    RunCreateOptions,
    RunVariable,
    VariableCreateOptions,
    Workspace,
    WorkspaceCreateOptions,
    WorkspaceListOptions,
    WorkspaceLockOptions,
    WorkspaceUpdateOptions,
)

CODE = """
variable "who" {}

resource "terraform_data" "greeting" {
  input = "hello ${var.who}"
  provisioner "local-exec" {
    command = "echo made by a run"
  }
}

output "greeting" {
  value = terraform_data.greeting.output
}

output "secret" {
  value     = "hidden"
  sensitive = true
}
"""

ENDED = {"applied", "planned_and_finished", "errored", "canceled", "discarded"}


def value(status):
    """A status as text, whether pytfe knows it as an enum or not."""
    return getattr(status, "value", status)


def wait(client, run_id, *statuses):
    """pytfe has no way to wait for a run: everybody who uses it asks again."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        status = value(client.runs.read(run_id).status)
        if status in statuses:
            return
        assert status not in ENDED, f"{run_id} ended {status}, expected {statuses}"
        time.sleep(0.1)
    raise AssertionError(f"{run_id} did not reach {statuses} in time")


def log(phase):
    """The text of a finished phase, without the marks of its beginning and end."""
    answer = httpx.get(phase.log_read_url, params={"limit": 65536, "offset": 0})
    assert answer.status_code == 200, answer
    assert answer.content[0] == 2 and answer.content[-1] == 3, answer.content
    return answer.content[1:-1].decode()


def workspaces(client, organization):
    for number in range(23):
        client.workspaces.create(organization, WorkspaceCreateOptions(name=f"page-{number:02}"))
    listed = [workspace.name for workspace in client.workspaces.list(organization)]
    assert len(listed) == 23, listed
    some = list(client.workspaces.list(organization, WorkspaceListOptions(search="page-1")))
    assert len(some) == 10, some

    made = client.workspaces.create(
        organization, WorkspaceCreateOptions(name="day", description="made by pytfe", auto_apply=False)
    )
    assert made.name == "day" and made.description == "made by pytfe"
    changed = client.workspaces.update(
        "day", WorkspaceUpdateOptions(description="changed by pytfe"), organization=organization
    )
    assert changed.id == made.id and changed.description == "changed by pytfe"
    print("workspaces: listed, made, changed")
    return made.id


def locks(client, workspace_id):
    assert client.workspaces.lock(workspace_id, WorkspaceLockOptions(reason="looking")).locked
    try:
        client.workspaces.lock(workspace_id, WorkspaceLockOptions(reason="twice"))
        raise AssertionError("a locked workspace was locked again")
    except TFEError as error:
        print("locks: refused with", error)
    assert not client.workspaces.unlock(workspace_id).locked


def upload(client, workspace_id):
    version = client.configuration_versions.create(
        workspace_id, ConfigurationVersionCreateOptions(auto_queue_runs=False)
    )
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "main.tf").write_text(CODE)
        client.configuration_versions.upload(version.upload_url, folder)
    version = client.configuration_versions.read(version.id)
    assert value(version.status) == "uploaded", version
    return version


def runs(client, workspace_id):
    # The id alone: pytfe cannot send a workspace that it has read, since its times are not JSON.
    workspace = Workspace(id=workspace_id)
    client.variables.create(
        workspace_id, VariableCreateOptions(key="who", value="world", category=CategoryType.TERRAFORM)
    )
    version = upload(client, workspace_id)

    run = client.runs.create(
        RunCreateOptions(workspace=workspace, configuration_version=version, message="from pytfe")
    )
    wait(client, run.id, "planned", "cost_estimated", "policy_checked")
    run = client.runs.read(run.id)
    assert run.actions.is_confirmable and run.has_changes, run
    plan = client.plans.read(run.plan.id)
    assert "terraform_data.greeting" in log(plan)
    assert client.plans.read_json_output(plan.id)["resource_changes"], "the plan's JSON"
    client.runs.apply(run.id, RunApplyOptions(comment="approved by pytfe"))
    wait(client, run.id, "applied")
    assert "made by a run" in log(client.applies.read(run.apply.id))
    assert [found.id for found in client.runs.list(workspace_id)] == [run.id]
    print("runs: planned, approved, applied, logs read")

    second = client.runs.create(
        RunCreateOptions(
            workspace=workspace,
            configuration_version=version,
            variables=[RunVariable(key="who", value='"pytfe"')],
        )
    )
    wait(client, second.id, "planned", "cost_estimated", "policy_checked")
    client.runs.discard(second.id)
    assert value(client.runs.read(second.id).status) == "discarded"
    print("runs: discarded")


def states(client, workspace_id):
    outputs = {output.name: output for output in client.state_version_outputs.read_current(workspace_id)}
    assert outputs["greeting"].value == "hello world", outputs
    assert outputs["secret"].value is None and outputs["secret"].sensitive
    assert client.state_version_outputs.read(outputs["secret"].id).value == "hidden"
    current = client.state_versions.read_current(workspace_id)
    assert b"hello world" in client.state_versions.download(current.id)
    print("states: outputs read, state downloaded")


def the_end(client, organization, workspace_id):
    try:
        client.workspaces.safe_delete_by_id(workspace_id)
        raise AssertionError("a workspace with resources was deleted")
    except TFEError as error:
        print("delete: refused with", error)
    run = client.runs.create(RunCreateOptions(workspace=Workspace(id=workspace_id), is_destroy=True, auto_apply=True))
    wait(client, run.id, "applied")
    client.workspaces.safe_delete_by_id(workspace_id)
    for number in range(23):
        client.workspaces.delete(f"page-{number:02}", organization=organization)
    assert list(client.workspaces.list(organization)) == []
    print("delete: everything is gone")


def main():
    organization = os.environ["ORGANIZATION"]
    with TFEClient(TFEConfig(address=os.environ["TFE_ADDRESS"], token=os.environ["TFE_TOKEN"])) as client:
        workspace_id = workspaces(client, organization)
        locks(client, workspace_id)
        runs(client, workspace_id)
        states(client, workspace_id)
        the_end(client, organization, workspace_id)


main()
