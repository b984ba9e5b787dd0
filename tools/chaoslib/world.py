"""Namespaces and a directory that belong to one run, and go with it however it ends."""

import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

PREFIX = "tally-chaos-"
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """A promise was not kept."""


class Unavailable(Exception):
    """This machine lacks what a fault needs."""


def run(*command, timeout=60):
    """Runs a command to its end. Throws `Failure` with what it said."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise Failure(f"`{' '.join(words)}` ended with {done.returncode}: {said}")
    return done.stdout


def new_directory():
    directory = pathlib.Path(tempfile.mkdtemp(prefix=PREFIX))
    (directory / "owner").write_text(f"{os.getpid()} {start_ticks(os.getpid())}\n")
    return directory


def start_ticks(pid):
    """When a process began, so that its number means no other; `None` if there is none."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def leftovers():
    """Directories of runs that are over."""
    for directory in sorted(pathlib.Path(tempfile.gettempdir()).glob(PREFIX + "*")):
        try:
            pid, ticks = (directory / "owner").read_text().split()
        except (OSError, ValueError):
            continue
        if start_ticks(pid) != ticks:
            yield directory


def clean():
    """Removes what runs left that failed or were killed: their namespaces went with them."""
    count = 0
    for directory in leftovers():
        shutil.rmtree(directory)
        print(f"chaos: removed {directory}")
        count += 1
    print(f"chaos: {count} directories removed")


def enter(inside):
    """Calls `inside` in a process with mounts, processes and network of its own.

    All that is mounted, started or set up there goes when that process ends, and it ends when this
    one does. Returns its exit code.
    """
    if os.geteuid() != 0:
        raise Unavailable("it makes namespaces, file systems and firewalls, which takes root")
    sys.stdout.flush()
    if LIBC.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET):
        raise Unavailable(f"no namespaces: {os.strerror(ctypes.get_errno())}")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            run("mount", "--make-rprivate", "/")
            run("mount", "-t", "proc", "proc", "/proc")
            pathlib.Path("/run/netns").mkdir(exist_ok=True)
            run("mount", "-t", "tmpfs", "-o", "mode=0755", "tally-chaos", "/run/netns")
            run("ip", "link", "set", "lo", "up")
            signal.signal(signal.SIGTERM, interrupt)
            signal.signal(signal.SIGINT, interrupt)
            code = inside()
        except KeyboardInterrupt:
            code = 130
        except Failure as error:
            print(f"chaos: {error}", file=sys.stderr)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def forward(number, _):
        os.kill(child, number)

    signal.signal(signal.SIGTERM, forward)
    # A terminal sends it to both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def interrupt(_number, _frame):
    raise KeyboardInterrupt
