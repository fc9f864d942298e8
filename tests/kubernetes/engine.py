"""Runs the pods of a rendered chart on the local container engine, much as a kubelet would.

Each container gets the image, command, variables, user, read-only root, capabilities, limits and volumes of its
manifest. Claims and shared empty folders become volumes with the group of the pod, Secrets become files, and names of
Services become aliases in one network. Probes are made as the manifest says. Not done: scheduling, NetworkPolicies, and
whatever needs a real cluster.
"""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx

from waiting import wait_until

from .helm import Object
from .objects import component_of, labels_of_pod, of_kind, pod_of, selects, workloads

COMMAND_SECONDS = 600
SLOWER = 5
"""Factor for the times of the manifests: the machine runs other tests at the same time, and a cluster does not."""


def docker(*arguments: str, seconds: float = COMMAND_SECONDS) -> str:
    """Run docker and return its output; a failure fails the test with that output."""
    completed = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=seconds, check=False)
    assert completed.returncode == 0, f"docker {' '.join(arguments)}\n{completed.stdout}\n{completed.stderr}"
    return completed.stdout.strip()


@dataclass(frozen=True)
class RunningPod:
    """A pod whose main container runs."""

    workload: Object
    container: str

    @property
    def address(self) -> str:
        return docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", self.container)

    def is_running(self) -> bool:
        return docker("inspect", "--format", "{{.State.Running}}", self.container) == "true"

    def logs(self) -> str:
        completed = subprocess.run(["docker", "logs", self.container], capture_output=True, text=True, check=False)
        return completed.stdout + completed.stderr

    def probe(self, name: str) -> bool:
        """Make one probe of the manifest and return whether it succeeds."""
        spec = pod_of(self.workload)["containers"][0]
        probe = spec[name]
        if "exec" in probe:
            command = ["docker", "exec", self.container, *probe["exec"]["command"]]
            try:
                done = subprocess.run(
                    command, capture_output=True, timeout=SLOWER * probe["timeoutSeconds"], check=False
                )
            except subprocess.TimeoutExpired:
                return False
            return done.returncode == 0
        request = probe["httpGet"]
        port = next(port["containerPort"] for port in spec["ports"] if port["name"] == request["port"])
        url = f"{request.get('scheme', 'HTTP').lower()}://{self.address}:{port}{request['path']}"
        headers = {header["name"]: header["value"] for header in request.get("httpHeaders", [])}
        try:
            # A kubelet does not check certificates.
            seconds = SLOWER * probe["timeoutSeconds"]
            answer = httpx.get(url, headers=headers, timeout=seconds, verify=False, trust_env=False)  # noqa: S501
        except httpx.TransportError:
            return False
        return 200 <= answer.status_code < 400

    def wait_until_ready(self) -> None:
        """Wait for the startup probe; then readiness and liveness must succeed."""
        start = pod_of(self.workload)["containers"][0]["startupProbe"]
        seconds = start["periodSeconds"] * start["failureThreshold"]
        for name, limit in (("startupProbe", seconds), ("readinessProbe", 30), ("livenessProbe", 30)):
            wait_until(partial(self._succeeds, name), f"{self.container}: {name} fails", SLOWER * limit)

    def _succeeds(self, name: str) -> bool:
        assert self.is_running(), self.logs()
        return self.probe(name)

    def stop(self) -> int:
        """Send SIGTERM, and SIGKILL after the grace period without the hook; returns the exit code."""
        hook = pod_of(self.workload)["containers"][0].get("lifecycle", {}).get("preStop", {})
        grace = pod_of(self.workload)["terminationGracePeriodSeconds"] - hook.get("sleep", {}).get("seconds", 0)
        docker("stop", "--timeout", str(SLOWER * grace), self.container)
        return int(docker("inspect", "--format", "{{.State.ExitCode}}", self.container))


@dataclass
class Engine:
    """A network with the pods of one release.

    Attributes:
        objects: The rendered objects.
        secrets: The content of each Secret by its keys.
        folder: Holds the files of mounted Secrets.
        name: Unique prefix of containers and volumes.
        network: The network; None for one of this name.
    """

    objects: Sequence[Object]
    secrets: Mapping[str, Mapping[str, str]]
    folder: Path
    name: str
    network: str | None = None
    containers: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Create the network, unless another release has it."""
        if self.network is None:
            docker("network", "create", self.name)
        return self

    def __exit__(self, *_failure: object) -> None:
        """Remove all containers, volumes and the own network."""
        for removal in (
            ["rm", "--force", "--volumes", *self.containers],
            ["volume", "rm", "--force", *self.volumes],
            [] if self.network else ["network", "rm", self.name],
        ):
            subprocess.run(["docker", *removal], capture_output=True, check=False)

    def workload(self, component: str) -> Object:
        (found,) = (one for one in workloads(self.objects) if component_of(one) == component)
        return found

    def run_job(self, component: str) -> str:
        """Run a Job's pod to its end, which must succeed; returns its output."""
        workload = self.workload(component)
        container = self._create(workload, pod_of(workload)["containers"][0], component, 0)
        return docker("start", "--attach", container)

    def start(self, component: str, number: int = 0) -> RunningPod:
        """Start a pod: its init containers one after the other, then its container."""
        workload = self.workload(component)
        pod = pod_of(workload)
        for init in pod.get("initContainers", []):
            container = self._create(workload, init, f"{component}-{number}-{init['name']}", number)
            docker("start", "--attach", container)
        container = self._create(workload, pod["containers"][0], f"{component}-{number}", number)
        docker("start", container)
        return RunningPod(workload, container)

    def _create(self, workload: Object, spec: Mapping[str, Any], suffix: str, number: int) -> str:
        pod = pod_of(workload)
        security, own = pod["securityContext"], spec["securityContext"]
        limits = spec["resources"]["limits"]
        name = f"{self.name}-{suffix}"
        host = f"{workload['metadata']['name']}-{number}"
        options = [
            # A kubelet makes the probes of the manifest, not the health check of the image.
            *("--name", name, "--hostname", host, "--network", self.network or self.name, "--no-healthcheck"),
            *("--user", f"{security['runAsUser']}:{security['runAsGroup']}", "--group-add", str(security["fsGroup"])),
            *("--security-opt", "no-new-privileges" if not own["allowPrivilegeEscalation"] else "label=disable"),
            *(option for capability in own["capabilities"]["drop"] for option in ("--cap-drop", capability)),
            *(["--read-only"] if own["readOnlyRootFilesystem"] else []),
            *("--cpus", str(_number(limits["cpu"])), "--memory", str(int(_number(limits["memory"])))),
            *self._aliases(workload, host),
            *self._variables(spec),
            *self._mounts(workload, spec, number),
        ]
        program, *arguments = spec["command"]
        docker("create", *options, "--entrypoint", program, spec["image"], *arguments)
        self.containers.append(name)
        return name

    def _aliases(self, workload: Object, host: str) -> list[str]:
        names = []
        for service in of_kind(self.objects, "Service"):
            if selects(service["spec"]["selector"], labels_of_pod(workload)):
                names += [service["metadata"]["name"], f"{host}.{service['metadata']['name']}"]
        return [option for name in names for option in ("--network-alias", name)]

    def _variables(self, spec: Mapping[str, Any]) -> list[str]:
        options = []
        for variable in spec.get("env", []):
            value = variable.get("value")
            if value is None:
                reference = variable["valueFrom"]["secretKeyRef"]
                value = self.secrets[reference["name"]][reference["key"]]
            options += ["--env", f"{variable['name']}={value}"]
        return options

    def _mounts(self, workload: Object, spec: Mapping[str, Any], number: int) -> list[str]:
        volumes = {volume["name"]: volume for volume in pod_of(workload)["volumes"]}
        options = []
        for mount in spec["volumeMounts"]:
            volume = volumes.get(mount["name"], {"persistentVolumeClaim": {"claimName": f"{mount['name']}-{number}"}})
            path, suffix = mount["mountPath"], ":ro" if mount.get("readOnly") else ""
            if mount["name"] == "tmp":
                size = int(_number(volume["emptyDir"]["sizeLimit"]))
                options += ["--tmpfs", f"{path}:size={size},mode=1777"]
            elif "secret" in volume:
                options += ["--volume", f"{self._secret_files(volume['secret'])}:{path}{suffix}"]
            else:
                # An empty folder is shared by the containers of one pod.
                own = f"{component_of(workload)}-{number}-{mount['name']}"
                claimed = volume.get("persistentVolumeClaim", {"claimName": own})
                options += ["--volume", f"{self._volume(claimed['claimName'], spec['image'])}:{path}{suffix}"]
        return options

    def _secret_files(self, secret: Mapping[str, Any]) -> Path:
        """Write a Secret as a kubelet does: owned by root and readable for the group of the pod."""
        folder = self.folder / str(secret["secretName"])
        if not folder.exists():
            folder.mkdir(parents=True)
            content = self.secrets[secret["secretName"]]
            items = secret.get("items", [{"key": key, "path": key} for key in content])
            for item in items:
                file = folder / item["path"]
                file.write_text(content[item["key"]], encoding="utf-8")
                file.chmod(secret["defaultMode"])
            image = pod_of(self.workload("orchestrator"))["containers"][0]["image"]
            self._as_root(image, f"{folder}:/v", "chgrp -R 10001 /v && chmod 750 /v")
        return folder

    def _volume(self, name: str, image: str) -> str:
        """Return a volume; a new one belongs to the group of the pods, and what is created in it too."""
        volume = f"{self.name}-{name}"
        if volume not in self.volumes:
            docker("volume", "create", volume)
            self.volumes.append(volume)
            self._as_root(image, f"{volume}:/v", "chgrp 10001 /v && chmod 2775 /v")
        return volume

    @staticmethod
    def _as_root(image: str, volume: str, script: str) -> None:
        options = ("--rm", "--network", "none", "--user", "0:0", "--volume", volume, "--entrypoint", "sh")
        docker("run", *options, image, "-c", script)


_UNITS = {"m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def _number(quantity: str | int) -> float:
    """Return the number of a Kubernetes quantity, such as 500m or 256Mi."""
    text = str(quantity)
    for unit, factor in sorted(_UNITS.items(), key=lambda item: -len(item[0])):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)
