"""`ComputeInstance`: a machine for one person, which stops when it is idle.

The rules:
- as with a cluster, it dies with its resource group, so `deleted_with` is demanded;
- the engine changes nothing of an instance that stands: Azure refuses such a PUT, or takes it without effect
  (Azure/bicep-types-az issue 2543). Idle time, schedules and tags are therefore ignored from then on; `azmlflow up`
  changes the first two by Azure's actions, a `pulumi up` alone leaves them. Whatever else changes, `azmlflow up` first
  removes the instance, so that the engine's update makes it anew.
"""

import base64

import pulumi
from pulumi_azure_native import machinelearningservices

from azmlflow.infra.components.arguments import checked, given
from azmlflow.infra.components.compute import dies_with, identity
from azmlflow.infra.components.drawn import ComputeInstanceArgs
from azmlflow.infra.plan import identifiers
from azmlflow.infra.settings.computes.instances import InstanceSettings
from azmlflow.infra.settings.computes.schedules import ScheduleSettings
from azmlflow.infra.settings.fields import sent

_SETUP_TIMEOUT = "30m"


class ComputeInstance(pulumi.ComponentResource):
    """A compute instance of a workspace. Its option `deletedWith` must name the resource group, or the
    `MlflowWorkspace` that holds it."""

    instance_id: pulumi.Output[str]
    """ARM id of the instance."""
    instance_name: pulumi.Output[str]
    """Name of the instance."""

    def __init__(self, name: str, args: ComputeInstanceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the instance.

        Args:
            name: logical name.
            args: what it is made of.
            opts: Pulumi's options, with the resource group as `deleted_with`.

        Raises:
            ValueError: no `deleted_with`; the instance could never be destroyed. A value is out of its bounds. Or an
                owner's tenant is not known.
        """
        group = dies_with(name, "ComputeInstance", opts)
        super().__init__(identifiers.INSTANCE, name, None, opts)
        args = given(ComputeInstanceArgs, args)
        wanted = checked(InstanceSettings, args)
        instance = machinelearningservices.Compute(
            identifiers.instance_resource_name(name),
            compute_name=wanted.name,
            workspace_name=args.workspace_name,
            resource_group_name=args.resource_group_name,
            location=args.location,
            identity=identity(wanted),
            properties=machinelearningservices.ComputeInstanceArgs(
                compute_type="ComputeInstance",
                disable_local_auth=True,
                properties=_properties(name, wanted, args.tenant_id),
            ),
            tags=args.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                deleted_with=group,
                depends_on=opts.depends_on if opts else None,
                ignore_changes=[
                    "tags",
                    "properties.computeLocation",  # Azure's word for the region, in what is imported
                    "properties.properties.idleTimeBeforeShutdown",
                    "properties.properties.schedules",
                ],
            ),
        )
        self.instance_id = instance.id
        self.instance_name = instance.name
        self.register_outputs({"instanceId": self.instance_id, "instanceName": self.instance_name})


def _properties(
    name: str, wanted: InstanceSettings, tenant: str | None
) -> machinelearningservices.ComputeInstancePropertiesArgs:
    """What of it is its own: one person's, without SSH."""
    owner = None
    if wanted.owner is not None:
        tenant = wanted.owner_tenant or tenant
        if tenant is None:
            raise ValueError(f"ComputeInstance '{name}' has an owner: give tenant_id, or owner_tenant")
        owner = machinelearningservices.PersonalComputeInstanceSettingsArgs(
            assigned_user=machinelearningservices.AssignedUserArgs(object_id=wanted.owner, tenant_id=tenant)
        )
    script = None
    if wanted.setup_script is not None:
        text = base64.b64encode(wanted.setup_script.encode()).decode()
        script = machinelearningservices.SetupScriptsArgs(
            scripts=machinelearningservices.ScriptsToExecuteArgs(
                creation_script=machinelearningservices.ScriptReferenceArgs(
                    script_source="inline", script_data=text, timeout=_SETUP_TIMEOUT
                )
            )
        )
    return machinelearningservices.ComputeInstancePropertiesArgs(
        **sent(wanted),
        application_sharing_policy="Personal",
        compute_instance_authorization_type="personal",
        personal_compute_instance_settings=owner,
        ssh_settings=machinelearningservices.ComputeInstanceSshSettingsArgs(ssh_public_access="Disabled"),
        schedules=_schedules(wanted),
        setup_scripts=script,
    )


def _schedules(wanted: InstanceSettings) -> machinelearningservices.ComputeSchedulesArgs | None:
    if not wanted.schedules:
        return None
    return machinelearningservices.ComputeSchedulesArgs(
        compute_start_stop=[
            machinelearningservices.ComputeStartStopScheduleArgs(
                action=each.action,
                status="Enabled",
                trigger_type="Cron" if each.cron else "Recurrence",
                cron=machinelearningservices.CronArgs(expression=each.cron, time_zone=each.time_zone)
                if each.cron
                else None,
                recurrence=_recurrence(each),
            )
            for each in wanted.schedules
        ]
    )


def _recurrence(schedule: ScheduleSettings) -> machinelearningservices.RecurrenceArgs | None:
    if schedule.recurrence is None:
        return None
    wanted = schedule.recurrence
    return machinelearningservices.RecurrenceArgs(
        frequency=wanted.frequency,
        interval=wanted.interval,
        time_zone=schedule.time_zone,
        schedule=machinelearningservices.ComputeRecurrenceScheduleArgs(
            hours=wanted.hours, minutes=wanted.minutes, week_days=wanted.week_days or None
        ),
    )
