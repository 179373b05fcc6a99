"""A SLURM of one's own: munge, a controller and node daemons on loopback, all in one folder."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil

PACKAGES = {  # of Debian and Ubuntu, by a command of each
    "munged": "munge",
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
}
PLUGINS = "slurm-wlm-basic-plugins"
NODES = ("n1", "n2")
SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")
PATH = os.pathsep.join([os.environ["PATH"], *SBIN])

CONFIGURATION = """\
ClusterName=pamlflow
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
# A requeued job waits until its old credential has expired: 120 s by default.
AuthInfo=socket={folder}/munge.socket,cred_expire=10
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
# Memory limits without cgroups.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
SchedulerParameters=bf_interval=2,sched_interval=2
KillWait=2
MinJobAge=3600
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4 RealMemory=8000"

# Inside a job the plugin clears SLURM_CONF, and srun would look for the site's own cluster.
SRUN = """\
#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {srun} "$@"
"""


def missing_packages():
    """The Debian packages that the cluster needs and this machine lacks."""
    missing = [name for command, name in PACKAGES.items() if not shutil.which(command, path=PATH)]
    plugins = Path("/usr/lib").glob("**/select_cons_tres.so")
    return missing if next(plugins, None) else [*missing, PLUGINS]


class Cluster:
    """The daemons of a cluster in `folder`; `stop` ends those that left a pid file there."""

    def __init__(self, folder):
        self.folder = folder
        host = socket.gethostname()
        ports = _free_ports(1 + len(NODES))
        nodes = [
            NODE.format(name=n, host=host, port=p) for n, p in zip(NODES, ports[1:], strict=True)
        ]
        values = {
            "folder": folder,
            "host": host,
            "user": psutil.Process().username(),
            "controller_port": ports[0],
            "nodes": "\n".join(nodes),
        }
        for name in ("bin", "state"):
            (folder / name).mkdir()
        (folder / "slurm.conf").write_text(CONFIGURATION.format(**values))
        # Without a mounted cgroup file system slurmd refuses to detect the version.
        (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        (folder / "munge.key").write_bytes(os.urandom(1024))
        (folder / "munge.key").chmod(0o600)
        srun = folder / "bin" / "srun"
        srun.write_text(SRUN.format(folder=folder, srun=shutil.which("srun")))
        srun.chmod(0o755)
        # A pytest that itself runs in a job must not pass on what belongs to that job.
        outside = {name: value for name, value in os.environ.items() if name[:6] != "SLURM_"}
        path = os.pathsep.join([str(folder / "bin"), PATH])
        self.environment = {**outside, "PATH": path, "SLURM_CONF": str(folder / "slurm.conf")}
        self.users = []  # what was started on the cluster from outside

    def start(self):
        """Start all daemons; return when both nodes take jobs."""
        at = f"--socket={self.folder}/munge.socket"
        files = {"key": "key", "pid": "pid", "log": "log", "seed": "seed"}
        options = [f"--{name}-file={self.folder}/munge.{suffix}" for name, suffix in files.items()]
        self.call("munged", "--force", at, *options)
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        self.wait_for_nodes()

    def start_controller(self):
        self.call("slurmctld")

    def start_node(self, node):
        self.call("slurmd", "-N", node)

    def kill_node(self, node):
        """Kill a node daemon and all it runs, as a power cut would."""
        jobs = self.call("squeue", "--noheader", "--format=%A", "--nodelist", node).split()
        running, steps = set(), set()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if self.owns(process) and process.environ().get("SLURM_JOB_ID") in jobs:
                    running.add(process)
                    steps.update(it for it in process.parents() if it.name() == "slurmstepd")
        self.end(node, signal.SIGKILL)
        for killed in (steps, running):  # a step would still report the end of what it runs
            for process in killed:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(killed, timeout=120)

    def wait_for_nodes(self):
        """Wait until SLURM answers and every node takes jobs."""
        taking = {"idle", "mix", "alloc"}
        wait_for(lambda: taking.issuperset(self.answer("sinfo", "-hN", "-o%t").split() or "?"))

    def stop(self):
        """End what uses the cluster, all jobs, then all daemons."""
        for process in self.users:
            process.kill()
            process.wait()
        with contextlib.suppress(subprocess.CalledProcessError, AssertionError):
            self.call("scancel", "--me")
            wait_for(lambda: not self.call("squeue", "--noheader"))
        for name in (*NODES, "slurmctld", "munge"):
            self.end(name)

    def end(self, name, with_signal=signal.SIGTERM):
        """End the daemon that has left the pid file `name`, and return when it is gone."""
        file = self.folder / f"{name}.pid"
        with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
            daemon = psutil.Process(int(file.read_text()))
            if self.owns(daemon):  # the file may be older than the process of this id
                daemon.send_signal(with_signal)
                psutil.wait_procs([daemon], timeout=120)
                assert not daemon.is_running(), f"{name} does not end"
        file.unlink(missing_ok=True)

    def owns(self, process):
        """Whether a process belongs to this cluster, and not to another on this machine."""
        return process.environ().get("SLURM_CONF") == self.environment["SLURM_CONF"]

    def call(self, *command):
        """Run a command of SLURM and return what it prints."""
        done = subprocess.run(
            command,
            env=self.environment,
            check=True,
            text=True,
            timeout=120,
            stdout=subprocess.PIPE,
        )
        return done.stdout

    def answer(self, *command):
        """What a command of SLURM prints, nothing if it fails."""
        try:
            return self.call(*command)
        except subprocess.CalledProcessError:
            return ""

    def jobs(self, folder, *options):
        """The jobs submitted in `folder`, as `{id: [state, node, time limit]}`; ended ones with `-tall`."""
        lines = self.call("squeue", "--noheader", "--format=%A|%T|%N|%l|%Z", *options).splitlines()
        rows = [line.split("|") for line in lines]
        return {row[0]: row[1:4] for row in rows if row[4] == str(folder)}


def wait_for(condition, seconds=300):
    """Return the first value of `condition()` that is true; fail when none is for `seconds`.

    Everything here takes seconds; a machine that is busy with other things must not fail a test.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)
    return value


def _free_ports(count):
    """Ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [opened.getsockname()[1] for opened in sockets]


if __name__ == "__main__":
    print(*missing_packages())
