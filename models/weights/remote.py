"""One published file at the other end of the network: its size, its version, its bytes.

Two kinds: an object of a public S3 bucket (boto3, unsigned) and an HTTPS address (requests).
Both turn what can go wrong into four errors; trying again is the transfer's business.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from models.errors import WeightsError

__all__ = [
    "ChangedError",
    "HttpRemote",
    "NotThereError",
    "Remote",
    "RemoteFile",
    "S3Remote",
    "Sources",
    "TemporaryError",
    "UnreachableError",
    "error_of_status",
]

#: Small, because what a broken connection brought of a piece is lost.
_CHUNK_BYTES = 64 * 1024


class TemporaryError(WeightsError):
    """The transfer broke; trying again may help."""


class UnreachableError(TemporaryError):
    """No connection at all."""


class NotThereError(WeightsError):
    """The server says that the file is not there, or not for us."""


class ChangedError(WeightsError):
    """The file is no longer the version whose first part is here."""


@dataclass(frozen=True)
class RemoteFile:
    """What the server says of a file before it is fetched.

    Parameters
    ----------
    size : int
        Bytes.
    etag : str
        The server's mark of this version, without quotes; empty where it gives none.
    sha256 : str
        Hash that the publisher states; it may be the first letters only, or empty.
    git_sha1 : str
        Git's hash of a small file on the hub; empty elsewhere.
    md5 : str
        Of an S3 object that was uploaded in one piece; empty elsewhere.
    """

    size: int
    etag: str = ""
    sha256: str = ""
    git_sha1: str = ""
    md5: str = ""


@dataclass(frozen=True)
class Sources:
    """Addresses of the publishers.

    The defaults are read from the environment at every call of :meth:`from_environment`:
    ``AWS_ENDPOINT_URL_S3``, ``HF_ENDPOINT``, ``BOLDCAST_TORCH_URL``, ``BOLDCAST_ATLAS_URL``.

    Parameters
    ----------
    s3_endpoint : str
        Empty for Amazon's own.
    bucket, region : str
        BERG's public bucket.
    hub : str
        The Hugging Face Hub.
    torch : str
        Folder of torchvision's checkpoints.
    atlas : str
        Folder of the Schaefer 2018 files; empty for nilearn's own choice.
    connect_s, read_s : float
        Longest wait for a connection, and between two pieces of data.
    """

    s3_endpoint: str = ""
    bucket: str = "brain-encoding-response-generator"
    region: str = "us-west-2"
    hub: str = "https://huggingface.co"
    torch: str = "https://download.pytorch.org/models"
    atlas: str = ""
    connect_s: float = 10.0
    read_s: float = 20.0

    @classmethod
    def from_environment(cls) -> Sources:
        """Addresses as the environment names them."""
        return cls(
            s3_endpoint=os.environ.get("AWS_ENDPOINT_URL_S3", ""),
            hub=os.environ.get("HF_ENDPOINT", "") or cls.hub,
            torch=os.environ.get("BOLDCAST_TORCH_URL", "") or cls.torch,
            atlas=os.environ.get("BOLDCAST_ATLAS_URL", ""),
        )


class Remote(ABC):
    """A file at the other end.

    Attributes
    ----------
    address : str
        For messages and records.
    """

    address: str

    @abstractmethod
    def describe(self) -> RemoteFile:
        """Ask for size and version.

        Raises
        ------
        NotThereError, TemporaryError, WeightsError
        """

    @abstractmethod
    def read(self, start: int, etag: str) -> Iterator[bytes]:
        """Bytes from ``start`` on, of the version ``etag``.

        Raises
        ------
        ChangedError
            There is another version now, or the server cannot start in the middle.
        NotThereError, TemporaryError, WeightsError
        """


def error_of_status(status: int, address: str) -> WeightsError:
    """Our error for an HTTP status."""
    if status in (404, 410):
        return NotThereError(f"{address} is not there (answer {status}).")
    if status in (401, 403):
        return NotThereError(f"{address} is not open to the public (answer {status}).")
    if status in (412, 416):
        return ChangedError(f"{address} changed while it was fetched.")
    if status in (408, 429) or status >= 500:
        return TemporaryError(f"The server of {address} is in trouble (answer {status}).")
    return WeightsError(f"{address} cannot be fetched (answer {status}).")


# -- S3 -------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _s3_client(sources: Sources) -> Any:
    """Client without credentials; making one takes a third of a second, so it is kept."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(
        signature_version=UNSIGNED,
        region_name=sources.region,
        connect_timeout=sources.connect_s,
        read_timeout=sources.read_s,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    # A session of its own: the user's AWS profile has no say in a public download.
    session = boto3.session.Session(region_name=sources.region)
    return session.client("s3", endpoint_url=sources.s3_endpoint or None, config=config)


class S3Remote(Remote):
    """An object of a public bucket."""

    def __init__(self, key: str, sources: Sources) -> None:
        self.key = key
        self.address = f"s3://{sources.bucket}/{key}"
        self._sources = sources

    def describe(self) -> RemoteFile:
        """Ask for size and version (HEAD)."""
        answer = self._ask("head_object")
        etag = str(answer["ETag"]).strip('"')
        # Uploaded in parts, the mark is no hash of the file and says so by a hyphen.
        return RemoteFile(int(answer["ContentLength"]), etag, md5="" if "-" in etag else etag)

    def read(self, start: int, etag: str) -> Iterator[bytes]:
        """Bytes from ``start`` on, of the version ``etag``."""
        from botocore.exceptions import BotoCoreError

        asked = {"Range": f"bytes={start}-"} if start else {}
        if etag:
            asked["IfMatch"] = f'"{etag}"'
        body = self._ask("get_object", **asked)["Body"]
        try:
            while chunk := body.read(_CHUNK_BYTES):
                yield chunk
        except BotoCoreError as error:
            raise TemporaryError(f"The connection to {self.address} broke: {error}.") from error
        finally:
            body.close()

    def _ask(self, operation: str, **asked: str) -> Any:
        """Call S3, its errors in our words."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            client = _s3_client(self._sources)
            return getattr(client, operation)(Bucket=self._sources.bucket, Key=self.key, **asked)
        except ClientError as error:
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            raise error_of_status(status, self.address) from error
        except BotoCoreError as error:
            raise _error_of_botocore(error, self.address) from error


def _error_of_botocore(error: Any, address: str) -> WeightsError:
    """Tell a server that cannot be reached from one that broke off and from a refusal."""
    from botocore.exceptions import (
        ConnectTimeoutError,
        EndpointConnectionError,
        HTTPClientError,
        ProxyConnectionError,
    )

    if isinstance(error, EndpointConnectionError | ConnectTimeoutError | ProxyConnectionError):
        return UnreachableError(f"There is no connection to {address}.")
    if isinstance(error, HTTPClientError):
        return TemporaryError(f"The connection to {address} broke: {error}.")
    return WeightsError(f"{address} cannot be fetched: {error}.")


# -- HTTPS ----------------------------------------------------------------------------------


class HttpRemote(Remote):
    """A file at an HTTPS address.

    Parameters
    ----------
    address : str
    sources : Sources
        For the waiting times.
    known : RemoteFile, optional
        What another list already says of it; then nothing is asked.
    sha256_start : str
        First letters of the hash, where the publisher puts them into the name.
    """

    def __init__(
        self,
        address: str,
        sources: Sources,
        known: RemoteFile | None = None,
        sha256_start: str = "",
    ) -> None:
        self.address = address
        self._wait = (sources.connect_s, sources.read_s)
        self._known = known
        self._sha256_start = sha256_start

    def describe(self) -> RemoteFile:
        """Ask for size and version (HEAD)."""
        if self._known is not None:
            return self._known
        answer = self._ask("HEAD", {})
        answer.close()
        if "Content-Length" not in answer.headers:
            raise WeightsError(f"{self.address} does not say how large it is.")
        etag = answer.headers.get("ETag", "")
        strong = "" if etag.startswith("W/") else etag.strip('"')
        return RemoteFile(int(answer.headers["Content-Length"]), strong, self._sha256_start)

    def read(self, start: int, etag: str) -> Iterator[bytes]:
        """Bytes from ``start`` on, of the version ``etag``."""
        import requests

        headers = {"Range": f"bytes={start}-"} if start else {}
        if start and etag and self._known is None:
            headers["If-Range"] = f'"{etag}"'  # the hub's addresses name a commit instead
        answer = self._ask("GET", headers)
        try:
            begins = answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
            if start and not (answer.status_code == 206 and begins):
                raise ChangedError(f"{self.address} cannot be continued in the middle.")
            now = answer.headers.get("ETag", "").strip('"')
            if etag and now and now != etag:
                raise ChangedError(f"{self.address} changed while it was fetched.")
            yield from answer.iter_content(_CHUNK_BYTES)
        except requests.RequestException as error:
            raise TemporaryError(f"The connection to {self.address} broke: {error}.") from error
        finally:
            answer.close()

    def _ask(self, method: str, headers: dict[str, str]) -> Any:
        """Send a request, its errors in our words."""
        import requests

        try:
            answer = requests.request(
                method,
                self.address,
                headers={"Accept-Encoding": "identity", **headers},
                stream=True,
                timeout=self._wait,
                allow_redirects=True,
            )
        except (requests.ConnectTimeout, requests.exceptions.ProxyError) as error:
            raise UnreachableError(f"There is no connection to {self.address}.") from error
        except requests.ConnectionError as error:
            if _has_reached(error):
                raise TemporaryError(f"The connection to {self.address} broke.") from error
            raise UnreachableError(f"There is no connection to {self.address}.") from error
        except requests.Timeout as error:
            raise TemporaryError(f"{self.address} does not answer.") from error
        except requests.RequestException as error:
            raise WeightsError(f"{self.address} cannot be fetched: {error}.") from error
        if answer.status_code >= 400:
            answer.close()
            raise error_of_status(answer.status_code, self.address)
        return answer


def _has_reached(error: Any) -> bool:
    """Whether the server was reached before the connection broke."""
    from urllib3.exceptions import ProtocolError

    return any(isinstance(cause, ProtocolError) for cause in error.args)
