"""What stands for a deployment's process: it answers requests on a unix socket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass
class Model:
    """Stands for a deployment's process: answers each request with what it is told to."""

    status: int = 200
    chunks: tuple[bytes, ...] = (b"[1.5]",)
    wait: asyncio.Event | None = None
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    breaks: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            self.seen.append((head[0], headers, await self._body(reader, headers)))
            if self.wait is not None:
                await self.wait.wait()
            if self.breaks:
                return
            told = f"HTTP/1.1 {self.status} X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            writer.write(told.encode())
            for chunk in self.chunks:
                writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                await writer.drain()
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _body(self, reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return await reader.readexactly(int(headers["content-length"]))
        body = b""
        while headers.get("transfer-encoding") == "chunked":
            length = int(await reader.readline(), 16)
            body += (await reader.readexactly(length + 2))[:-2]
            if not length:
                break
        return body
