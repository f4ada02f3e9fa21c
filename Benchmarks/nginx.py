"""nginx as the ceiling: static files with sendfile, DAV PUT (not synced), and `return 200`."""

import subprocess

from measuring import find
from programs import free_port, wait_until

CONFIGURATION = """
user root;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; keepalive_timeout 300s;
  client_max_body_size 0; client_body_buffer_size 64k; client_body_temp_path {folder}/bodies;
  server {{
    listen 127.0.0.1:{port}; root {folder}/www; dav_methods PUT DELETE; create_full_put_path on;
    listen unix:{folder}/p.sock;
    location = /invocations {{ default_type text/csv; return 200 "{answer}"; }}
    location = /many {{ default_type text/csv; return 200 "{long_answer}"; }}
  }}
}}
"""


class Nginx:
    """Answers presigned targets too: it ignores signatures. A bucket is a folder."""

    name = "nginx"

    def __init__(self, folder, workers=2, answer="0.0123", long_answer=""):
        self.folder, self.port = folder, free_port()
        (folder / "www").mkdir(parents=True)
        (folder / "bodies").mkdir()
        (folder / "nginx.conf").write_text(
            CONFIGURATION.format(
                folder=folder, port=self.port, workers=workers, answer=answer, long_answer=long_answer or answer))
        self.socket = folder / "p.sock"

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self.process = subprocess.Popen(
            [find("nginx"), "-g", "daemon off;", "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log"])
        wait_until("nginx has a pid file", lambda: (self.folder / "nginx.pid").exists())
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait()
