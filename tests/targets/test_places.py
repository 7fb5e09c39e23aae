"""Running a program in a folder: here, under qemu and over ssh to a server of the test's own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgesdk_targets.command import CommandError
from edgesdk_targets.device import Board, load_device
from edgesdk_targets.places import Emulated, Here, Place, Remote, quote

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"

# Copies a file, tells its argument, fails where it is told to.
PROGRAM = """#!/bin/sh
[ "$1" = fail ] && { echo "no such luck" >&2; exit 3; }
cp input.txt output.txt && echo "said $1"
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    path = folder / "copy"
    path.write_text(PROGRAM)
    path.chmod(0o755)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir()
    (path / "input.txt").write_text("some data")
    return path


@pytest.fixture(scope="module")
def ssh_config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A real sshd on a free port of the loopback interface, with keys that live as long as it."""
    if not Path(SSHD).exists() or shutil.which("ssh-keygen") is None:
        pytest.skip("sshd or ssh-keygen is not installed (apt: openssh-server)")
    home = tmp_path_factory.mktemp("ssh")
    for name in ("host", "user"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / name)]
        subprocess.run(words, check=True)
    port = free_port()
    server = start_server(home, port)
    (home / "config").write_text(client_settings(home, port))
    try:
        if not listens(port):
            pytest.skip(f"sshd does not start here: {(home / 'log').read_text()[-300:]}")
        yield home / "config"
    finally:
        server.terminate()
        server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(home: Path, port: int) -> subprocess.Popen[bytes]:
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # Debian's sshd wants it when root starts it
    shutil.copy(home / "user.pub", home / "authorized")
    settings = (
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {home}/host\nPidFile none\n"
        f"AuthorizedKeysFile {home}/authorized\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nPermitRootLogin prohibit-password\n"
    )
    (home / "server").write_text(settings)
    words = [SSHD, "-D", "-f", str(home / "server"), "-E", str(home / "log")]
    return subprocess.Popen(words)


def client_settings(home: Path, port: int) -> str:
    known = (home / "host.pub").read_text().split()[:2]
    (home / "known").write_text(f"[127.0.0.1]:{port} {' '.join(known)}\n")
    return (
        f"Host board\n  HostName 127.0.0.1\n  Port {port}\n  User {getpass.getuser()}\n"
        f"  IdentityFile {home}/user\n  IdentitiesOnly yes\n  UserKnownHostsFile {home}/known\n"
    )


def listens(port: int) -> bool:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False


def check(place: Place, program: Path, folder: Path) -> None:
    assert place.execute(program, ["it's so"], folder) == "said it's so\n"
    assert (folder / "output.txt").read_text() == "some data"


def test_this_machine_runs_a_program_in_a_folder(program: Path, folder: Path) -> None:
    check(Here(), program, folder)


def test_a_failing_program_ends_with_its_own_words(program: Path, folder: Path) -> None:
    with pytest.raises(CommandError, match="code 3:\nno such luck"):
        Here().execute(program, ["fail"], folder)


def test_a_board_over_ssh_runs_a_program_and_gives_its_files_back(
    ssh_config: Path, program: Path, folder: Path
) -> None:
    check(Remote(Board("board", ssh_config)), program, folder)
    assert {path.name for path in folder.iterdir()} == {"input.txt", "output.txt"}


def test_a_program_that_fails_on_a_board_ends_with_its_own_words(
    ssh_config: Path, program: Path, folder: Path
) -> None:
    with pytest.raises(CommandError, match="code 3:\nno such luck"):
        Remote(Board("board", ssh_config)).execute(program, ["fail"], folder)


def test_nothing_stays_on_a_board(ssh_config: Path, program: Path, folder: Path) -> None:
    (folder / "input.txt").write_text("unique words of this test")
    place = Remote(Board("board", ssh_config))
    for word in ("well", "fail"):
        try:
            place.execute(program, [word], folder)
        except CommandError:
            assert word == "fail"
    left = Path("/tmp").glob("tmp.*/input.txt")
    assert not [path for path in left if path.read_text() == "unique words of this test"]


def test_a_board_that_is_not_there_is_named(ssh_config: Path, program: Path, folder: Path) -> None:
    with pytest.raises(CommandError, match=r"ssh nobody@127\.0\.0\.1 failed"):
        Remote(Board("nobody@127.0.0.1", ssh_config)).execute(program, [], folder)


@pytest.mark.skipif(
    shutil.which("qemu-aarch64") is None or shutil.which("aarch64-linux-gnu-gcc") is None,
    reason="qemu-user or the cross compiler is not installed",
)
def test_an_emulated_core_runs_a_program_in_a_folder(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "list.c"
    source.write_text(
        '#include <stdio.h>\nint main(int n, char **v) { FILE *f = fopen(v[1], "w");'
        'fputs("arm", f); fclose(f); puts("done"); return n != 2; }'
    )
    program = tmp_path / "list"
    words = ["aarch64-linux-gnu-gcc", "-static", str(source), "-o", str(program)]
    subprocess.run(words, check=True)
    said = Emulated(load_device("raspberrypi4")).execute(program, ["output.txt"], folder)
    assert (said, (folder / "output.txt").read_text()) == ("done\n", "arm")


@pytest.mark.parametrize("word", ["plain", "two words", "it's", "$HOME `x` \\", ""])
def test_a_quoted_word_reaches_a_shell_as_it_is(word: str) -> None:
    said = subprocess.run(
        ["sh", "-c", f"printf %s {quote(word)}"], capture_output=True, text=True, check=True
    )
    assert said.stdout == word
