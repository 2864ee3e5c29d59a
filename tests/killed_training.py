"""Trains a toy in forked children, kills them, resumes them: run by test_train as a script.

Prints one line of JSON: a digest of the final weights by experiment. The parent never runs torch,
so that every child is a fresh process at the price of one import.
"""

import hashlib
import json
import os
import signal
import socket
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random

import torch
import torch._dynamo  # optimizers import it: once here, not in every child
from toys import Toy, ToySource, noisy, small_net

from deepfield.nouns import whole
from deepfield.train import course, loop
from deepfield.train.history import HistoryFiles
from deepfield.train.players import adam
from deepfield.train.stopping import Stopping
from deepfield.train.training import Training

TRAINING = Training(
    epochs=12,
    batch_size=8,
    optimizer=adam(0.02),
    stopping=Stopping(patience=2, min_delta=0.05),
    augment=noisy,
    clip=1.0,
    seed=5,
)


def digest(net: torch.nn.Module) -> str:
    values = b"".join(v.contiguous().numpy().tobytes() for v in net.state_dict().values())
    return hashlib.sha256(values).hexdigest()


def train(folder: Path, die_at: int | None = None) -> None:
    torch.set_num_threads(1)
    course.precision = lambda device: torch.bfloat16
    learn(folder, small_net(), ToySource(die_at), TRAINING)


def train_plainly(folder: Path) -> None:
    """Without what differs between one process and two: noise, and statistics of a batch."""
    net = small_net()
    net.trunk[1] = net.trunk[5] = torch.nn.Identity()
    learn(folder, net, ToySource(objects=40), replace(TRAINING, augment=None))


def learn(folder: Path, net: torch.nn.Module, source: ToySource, training: Training) -> None:
    history = loop.fit(net, Toy(), source, training, directory=folder, resume=True, progress=False)
    seen = [{k: v for k, v in row.items() if k != "seconds"} for row in history.rows]
    (folder / "result").write_text(json.dumps([digest(net), seen]))


def child(work, *arguments, **keywords) -> int:
    """The signal, or exit status, with which a forked child ends that does this work."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work(*arguments, **keywords)
            status = 0
        finally:
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed_while_writing(folder: Path, at: int, late: bool) -> None:
    """Die at the n-th replacement of a checkpoint: before it, or just after."""
    left, really = [at], os.replace

    def replace_and_die(source, target) -> None:
        left[0] -= str(target).endswith(loop.CHECKPOINT)
        if late:
            really(source, target)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if not late:
            really(source, target)

    whole.os.replace = replace_and_die
    train(folder)


def parallel(folder: Path, rank: int, port: int) -> None:
    os.environ |= {
        "ACCELERATE_USE_CPU": "true", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        "RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": "2",
    }  # fmt: skip
    train_plainly(folder / str(rank))


def two_processes(folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for rank in (0, 1):
        (folder / str(rank)).mkdir(parents=True)
    other = os.fork()
    if other == 0:
        try:
            parallel(folder, 1, port)
        finally:
            os._exit(0)
    parallel(folder, 0, port)
    os.waitpid(other, 0)
    torch.distributed.destroy_process_group()


def main(root: Path) -> None:
    results = {}

    def run(name: str, kills: list[dict], work=train) -> None:
        folder = root / name
        folder.mkdir()
        signals = [child(kill.pop("work", train), folder, **kill) for kill in kills]
        status = child(work, folder)
        results[name] = [status, signals, json.loads((folder / "result").read_text())]

    HistoryFiles.finish = HistoryFiles.update  # no figure: it takes longer than all the rest
    random = Random(int(sys.argv[1]))
    run("unbroken", [])
    run("between epochs", [{"die_at": random.randrange(2, 18)} for _ in range(2)])
    loop.CHECKPOINT_SECONDS = 0.0
    within = [{"die_at": random.randrange(2, 10)} for _ in range(2)]
    writing = [
        {"work": killed_while_writing, "at": random.randrange(2, 10), "late": late}
        for late in (False, True)
    ]
    run("within epochs", [within[0], writing[0], within[1], writing[1]])
    loop.CHECKPOINT_SECONDS = 60.0
    run("alone", [], train_plainly)
    together = root / "together"
    status = child(two_processes, together)
    for rank in ("0", "1"):
        written = (together / rank / "history.csv").exists()
        results[rank] = [status, written, json.loads((together / rank / "result").read_text())]
    print(json.dumps(results))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder))
