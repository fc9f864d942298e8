"""An nginx in the foreground, whose files are all in one folder."""

from pathlib import Path
from typing import Final

_CONFIGURATION: Final = """
daemon off;
worker_processes 1;
error_log stderr notice;
pid {folder}/nginx.pid;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {http}
}}
"""


def nginx_command(folder: Path, http: str) -> tuple[str, ...]:
    """Write a configuration with `http` in its `http` block, and return the command that runs nginx with it."""
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, http=http))
    return "nginx", "-e", "stderr", "-p", str(folder), "-c", str(configuration)
