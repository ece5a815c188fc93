"""Train on a Ray cluster: a torchrun on each machine, which Ray finds and holds for it.

    python examples/training/on_ray.py --machines 2 --devices 4 --gpu -- miniature --data /data/photos --out /data/runs/mine

What stands after ``--`` is given to ``limner train``. Data and runs lie where all machines see them. Run it on the cluster, or
by ``ray job submit -- python examples/training/on_ray.py ...``; a run that was stopped goes on by the same command.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import ray
from ray.util.placement_group import placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

untyped: Any = ray.util


def meeting_place() -> tuple[str, int]:
    """Address of this machine and a port that is free."""
    with socket.socket() as found:
        found.bind(("", 0))
        return str(untyped.get_node_ip_address()), found.getsockname()[1]


def trained(number: int, address: str, port: int, machines: int, devices: int, asked: Sequence[str]) -> int:
    """Run the part of machine ``number`` and return torchrun's exit code."""
    where = ["--master-addr", address, "--master-port", str(port)]
    sizes = ["--nnodes", str(machines), "--node-rank", str(number), "--nproc-per-node", str(devices)]
    command = [sys.executable, "-m", "torch.distributed.run", *where, *sizes, "-m", "limner", "train", *asked]
    return subprocess.run(command).returncode


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="auto", help="of the cluster; local starts one here")
    parser.add_argument("--machines", type=int, default=1)
    parser.add_argument("--devices", type=int, default=1, help="processes on each machine")
    parser.add_argument("--cpus", type=int, default=1, help="that Ray holds for each process")
    parser.add_argument("--gpu", action="store_true", help="hold a GPU for each process")
    parser.add_argument("asked", nargs="+", help="for limner train")
    options = parser.parse_args(argv)
    ray.init(address=options.address)
    each = {"CPU": options.cpus * options.devices, **({"GPU": options.devices} if options.gpu else {})}
    group = placement_group([each] * options.machines, strategy="SPREAD")
    ray.get(group.ready())
    held = [
        {
            "num_cpus": each["CPU"],
            "num_gpus": each.get("GPU", 0),
            "scheduling_strategy": PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=number),
            "max_retries": 0,
        }
        for number in range(options.machines)
    ]
    address, port = ray.get(ray.remote(meeting_place).options(**held[0]).remote())
    common = (address, port, options.machines, options.devices, options.asked)
    parts = [ray.remote(trained).options(**held[number]).remote(number, *common) for number in range(options.machines)]
    return max(ray.get(parts))


if __name__ == "__main__":
    sys.exit(main())
