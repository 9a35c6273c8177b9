"""Downloads from a real HTTP server on loopback that misbehaves on demand."""

import gzip
import hashlib
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from projects.common import download
from projects.common.cli_download import Simulated
from projects.common.cli_download import download as download_command
from projects.common.download import Published, adopt, fetch, without_password
from projects.common.errors import FailingServerError, NoConnectionError, ProjectError

CONTENT = b"the published file " * 1000


class Server(ThreadingHTTPServer):
    """Answers as its `behaviour` says, and counts the requests."""

    behaviour, requests, poured = "well", 0, 0
    daemon_threads = True  # nobody waits for an answer that was stalled

    def url(self, name="file.zip"):
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def handle_error(self, request, client_address):
        """Clients that give up on a server that stalls are what the tests want, and no news."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        self.server.requests += 1
        behaviour = self.server.behaviour
        if behaviour == "fails once" and self.server.requests == 1:
            behaviour = "500"
        if behaviour.isdigit():
            self.send_error(int(behaviour))
            return
        if behaviour == "redirects" and self.path != "/elsewhere":
            self.send_response(302)
            self.send_header("Location", self.server.url("elsewhere"))
            self.end_headers()
            return
        elsewhere = {"loops": self.server.url(), "redirects to a file": "file:///etc/passwd"}
        if behaviour in elsewhere:
            self.send_response(302)
            self.send_header("Location", elsewhere[behaviour])
            self.end_headers()
            return
        if behaviour == "talks nonsense":
            self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
            return
        if behaviour == "drips headers":
            self.drip(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000)
            return
        if behaviour in ("drips", "never ends", "swells"):
            self.send_response(200)
            if behaviour == "swells":
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            if behaviour == "drips":
                self.drip(CONTENT)
            elif behaviour == "swells":
                self.wfile.write(gzip.compress(bytes(100 * len(CONTENT))))
            else:
                self.pour()
            return
        body = {"html": b"<html>Please log in</html>", "other": b"x" * len(CONTENT)}.get(behaviour, CONTENT)
        if behaviour == "says nothing":
            time.sleep(30)
        self.send_response(200)
        if behaviour != "ends early":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if behaviour not in ("truncates", "ends early", "stalls") else body[: len(body) // 2])
        if behaviour == "stalls":
            time.sleep(30)

    def drip(self, content):
        """A byte at a time, so that no read waits for long; for as long as a client may bear it."""
        with suppress(OSError):
            for i in range(300):
                self.wfile.write(content[i : i + 1])
                time.sleep(0.1)

    def pour(self):
        """Bytes without end; a thousand times as many as were asked for will do."""
        with suppress(OSError):
            for _ in range(1000):
                self.wfile.write(CONTENT)
                self.server.poured += len(CONTENT)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with Server(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0))


@pytest.fixture
def short_timeouts(monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (0.2, 0.2))
    monkeypatch.setattr(download, "WINDOW", 0.5)


def published(server):
    return Published("bikes", server.url(), hashlib.sha256(CONTENT).hexdigest(), "file.zip", len(CONTENT))


def test_fault_07_a_valid_file_is_not_fetched_again(server, tmp_path):
    path = fetch(published(server), tmp_path / "new")
    assert path.read_bytes() == CONTENT
    fetch(published(server), tmp_path / "new")
    assert server.requests == 1
    fetch(published(server), tmp_path / "new", force=True)
    assert server.requests == 2


def test_fault_07_offline_a_valid_file_is_enough(tmp_path):
    (tmp_path / "file.zip").write_bytes(CONTENT)
    digest = hashlib.sha256(CONTENT).hexdigest()
    nowhere = Published("bikes", "http://127.0.0.1:9/file.zip", digest, "file.zip", len(CONTENT))
    assert fetch(nowhere, tmp_path) == tmp_path / "file.zip"


FETCH = """
import resource, sys
from pathlib import Path
from projects.common.download import Published, fetch
from projects.common.errors import ProjectError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
try:
    fetch(Published("bikes", *sys.argv[2:4], "file.zip", 1 << 20), Path(sys.argv[4]))
except ProjectError as error:
    sys.exit(str(error))
"""


def fetching(server, folder, largest_file=1 << 30):
    """A process that fetches the file and may not write files of more bytes."""
    arguments = [str(largest_file), server.url(), published(server).sha256, str(folder)]
    return subprocess.Popen([sys.executable, "-c", FETCH, *arguments], stderr=subprocess.PIPE, text=True)


def test_fault_04_a_killed_download_leaves_nothing_under_the_final_name_and_is_tidied_up(server, tmp_path):
    server.behaviour = "stalls"
    process = fetching(server, tmp_path)
    deadline = time.monotonic() + 30
    while not any(path.stat().st_size for path in tmp_path.glob(".download-*/*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".download-")
    server.behaviour = "well"
    fetch(published(server), tmp_path, force=True)
    assert {path.name for path in tmp_path.iterdir()} == {"file.zip", left.name}  # it might still be going on
    for path in (*left.iterdir(), left):
        os.utime(path, (0, time.time() - download.ABANDONED - 1))
    fetch(published(server), tmp_path, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["file.zip"]
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


def test_fault_08_a_disk_that_takes_no_more_is_one_error_and_leaves_the_old_file(server, tmp_path):
    (tmp_path / "file.zip").write_bytes(b"old")
    errors = fetching(server, tmp_path, largest_file=1000).communicate()[1]
    assert errors.count("\n") == 2  # that the old file is another one, and why it stays
    assert f"cannot write {tmp_path / 'file.zip'}: File too large; choose another folder with" in errors
    assert "--data-dir" in errors
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_fault_05_a_damaged_note_of_the_hash_means_another_file(server, tmp_path):
    for note in (b"", b"\xff\x00", b"\n\n", b"x" * 100_000):
        (tmp_path / "file.zip").write_bytes(b"altered")
        (tmp_path / "file.zip.sha256").write_bytes(note)
        assert fetch(published(server), tmp_path).read_bytes() == CONTENT


def test_redirects_are_followed_and_a_mirror_taken(server, tmp_path):
    server.behaviour = "redirects"
    assert fetch(published(server), tmp_path / "a").read_bytes() == CONTENT
    nowhere = Published("bikes", "http://127.0.0.1:9/file.zip", published(server).sha256, "file.zip", len(CONTENT))
    assert fetch(nowhere, tmp_path / "b", url=server.url("mirror")).read_bytes() == CONTENT


@pytest.mark.parametrize("behaviour", ["html", "other", "truncates", "ends early"])
def test_fault_03_other_bytes_are_refused_and_nothing_is_left(server, tmp_path, behaviour):
    server.behaviour = behaviour
    with pytest.raises(ProjectError):
        fetch(published(server), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_fault_03_refusal_of_other_bytes_names_both_hashes(server, tmp_path):
    for behaviour, body in (("html", b"<html>Please log in</html>"), ("ends early", CONTENT[: len(CONTENT) // 2])):
        server.behaviour = behaviour
        with pytest.raises(ProjectError) as refusal:
            fetch(published(server), tmp_path)
        assert published(server).sha256 in str(refusal.value)
        assert hashlib.sha256(body).hexdigest() in str(refusal.value)


def test_fault_02_404_is_an_error_at_once(server, tmp_path):
    server.behaviour = "404"
    with pytest.raises(ProjectError, match=r"file.zip answered with status 404: fetch it by hand and pass it with"):
        fetch(published(server), tmp_path)
    assert server.requests == 1


def test_fault_01_a_failing_server_is_asked_three_times(server, tmp_path):
    server.behaviour = "503"
    with pytest.raises(FailingServerError, match="status 503"):
        fetch(published(server), tmp_path)
    assert server.requests == 3
    server.behaviour, server.requests = "fails once", 0
    assert fetch(published(server), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("behaviour", ["says nothing", "stalls"])
def test_fault_01_an_answer_that_stalls_or_breaks_off_is_given_up_after_three_times(
    server, tmp_path, behaviour, short_timeouts
):
    server.behaviour = behaviour
    with pytest.raises(FailingServerError, match=rf"{server.url()}.* download --from FILE"):
        fetch(published(server), tmp_path)
    assert server.requests == 3
    assert list(tmp_path.iterdir()) == []


def test_fault_01_nothing_is_tried_again_once_patience_is_used_up(server, tmp_path, short_timeouts, monkeypatch):
    server.behaviour = "says nothing"
    monkeypatch.setattr(download, "PATIENCE", 0.1)
    with pytest.raises(FailingServerError):
        fetch(published(server), tmp_path)
    assert server.requests == 1


def test_fault_01_a_server_that_says_nothing_takes_less_than_15_seconds():  # the last try, begun in time
    assert download.PATIENCE + max(download.PAUSES) + max(sum(download.TIMEOUT), download.WINDOW) < 15


def test_fault_01_no_connection_names_the_address_and_the_way_by_hand(tmp_path):
    closed = Published("bikes", "http://127.0.0.1:9/file.zip", "0" * 64, "file.zip", 9)
    with pytest.raises(NoConnectionError, match=r"cannot reach http://127.0.0.1:9/file.zip: .* download --from FILE"):
        fetch(closed, tmp_path)


def test_fault_05_an_altered_file_is_noticed_and_replaced_only_by_a_whole_one(server, tmp_path, capsys):
    (tmp_path / "file.zip").write_bytes(b"altered")
    server.behaviour = "other"
    with pytest.raises(ProjectError):
        fetch(published(server), tmp_path)
    assert (tmp_path / "file.zip").read_bytes() == b"altered"
    server.behaviour = "well"
    fetch(published(server), tmp_path)
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    assert "is not the file that was downloaded" in capsys.readouterr().err


def test_fault_06_two_downloads_at_once_both_succeed(server, tmp_path):
    errors = []

    def one():
        try:
            fetch(published(server), tmp_path)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["file.zip"]


def test_a_local_copy_is_checked_kept_and_then_recognised(server, tmp_path, capsys):
    packed_anew = tmp_path / "mine.zip"
    packed_anew.write_bytes(b"the same content, packed anew")

    def unreadable(path):
        raise ProjectError("not readable")

    folder = tmp_path / "data"
    with pytest.raises(ProjectError, match="not readable"):
        adopt(published(server), packed_anew, folder, unreadable)
    assert not folder.exists()
    path = adopt(published(server), packed_anew, folder, lambda path: None)
    assert "not byte for byte the published file" in capsys.readouterr().err
    assert fetch(published(server), folder) == path
    assert server.requests == 0
    path.write_bytes(b"altered afterwards")
    assert fetch(published(server), folder).read_bytes() == CONTENT
    with pytest.raises(ProjectError, match="no file at"):
        adopt(published(server), tmp_path / "nowhere", folder, lambda path: None)


def test_simulated_data_stand_in_only_when_asked_and_only_offline(server, tmp_path, capsys):
    simulated = Simulated("SIMULATED.csv", lambda: "simulated\n1\n")

    def command(source=None, sample=False, sample_if_offline=False):
        return download_command(
            published(server), simulated, lambda path: None, tmp_path, source, sample, sample_if_offline, False
        )

    nowhere = "http://127.0.0.1:9/file.zip"
    with pytest.raises(NoConnectionError):
        command(nowhere)
    assert command(nowhere, sample_if_offline=True).read_text() == "simulated\n1\n"
    assert capsys.readouterr().err.count("SIMULATED") == 1
    server.behaviour = "404"
    with pytest.raises(ProjectError, match="404"):
        command(sample_if_offline=True)
    server.behaviour = "well"
    assert command(sample_if_offline=True).name == "file.zip"
    assert command(sample=True).name == "SIMULATED.csv"


def test_fault_08_a_folder_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ProjectError, match=r"cannot write .*--data-dir"):
        fetch(published(server), tmp_path / "file")


@pytest.mark.parametrize("behaviour", ["drips", "drips headers"])
def test_fault_40_a_server_that_drips_is_given_up(server, tmp_path, behaviour, short_timeouts):
    server.behaviour = behaviour
    with pytest.raises(FailingServerError, match=r"sends less than 4,096 bytes in 0.5 s: try again"):
        fetch(published(server), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("behaviour", ["never ends", "swells"])
def test_fault_40_no_more_bytes_are_taken_than_the_published_file_has(server, tmp_path, behaviour):
    server.behaviour = behaviour
    with pytest.raises(ProjectError, match=r"more than the 19,000 bytes|did not give the published file"):
        fetch(published(server), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert server.poured < 1000 * len(CONTENT)


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("loops", "redirects more than 5 times"),
        ("redirects to a file", "is, or redirects to, no http address"),
        ("talks nonsense", "is no HTTP"),
        ("503", "answered with status 503"),
    ],
)
def test_fault_41_a_server_that_answers_badly_is_no_lack_of_a_connection(server, tmp_path, behaviour, words):
    server.behaviour = behaviour
    simulated = Simulated("SIMULATED.csv", lambda: "simulated\n1\n")
    with pytest.raises(ProjectError, match=words) as refusal:
        download_command(published(server), simulated, print, tmp_path, None, False, True, False)
    assert not isinstance(refusal.value, NoConnectionError)
    assert "no internet" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_fault_41_an_address_of_a_file_is_a_path(server, tmp_path):
    copied = tmp_path / "a copy.zip"
    copied.write_bytes(CONTENT)
    simulated = Simulated("SIMULATED.csv", lambda: "")
    address = copied.as_uri()
    assert "%20" in address
    path = download_command(
        published(server), simulated, lambda path: None, tmp_path / "data", address, False, False, False
    )
    assert path.read_bytes() == CONTENT
    assert server.requests == 0


def test_passwords_in_addresses_are_not_shown(server, tmp_path):
    assert without_password("http://a:b@host/c@d?e") == "http://host/c@d?e"
    for behaviour in ("404", "talks nonsense", "loops", "html"):
        server.behaviour = behaviour
        url = server.url().replace("http://", "http://me:secret@")
        with pytest.raises(ProjectError) as refusal:
            fetch(published(server), tmp_path, url)
        assert "secret" not in str(refusal.value)
    with pytest.raises(NoConnectionError) as refusal:
        fetch(published(server), tmp_path, "http://me:secret@127.0.0.1:9/x")
    assert "secret" not in str(refusal.value)
