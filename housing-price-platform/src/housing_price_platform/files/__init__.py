"""Files: writes that are complete or absent, creation that replaces nothing, and reads that name what is damaged."""

from housing_price_platform.files.atomic import OWNER_ONLY, READABLE, write_atomically
from housing_price_platform.files.create import create_file
from housing_price_platform.files.new_file import sync_file, sync_folder
from housing_price_platform.files.read import DamagedFile, FileTooLarge, read_document, read_if_exists
from housing_price_platform.files.temporary_errors import DISK_FULL, is_temporary, retry

__all__ = (
    "DISK_FULL",
    "OWNER_ONLY",
    "READABLE",
    "DamagedFile",
    "FileTooLarge",
    "create_file",
    "is_temporary",
    "read_document",
    "read_if_exists",
    "retry",
    "sync_file",
    "sync_folder",
    "write_atomically",
)
