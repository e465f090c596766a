"""Sends frames into a network namespace and says which of them were delivered, and to whom.

Reads {"host", "net", "container", "packets": [...]} as JSON and prints one word per packet:
"host", "container" or "none". Frames leave by AF_PACKET, so any source address can be forged; raw
sockets on the host see what passed every input rule; a tap in the container sees what was forwarded.
"""
import ctypes
import json
import os
import select
import socket
import struct
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)


def enter(namespace):
    descriptor = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if LIBC.setns(descriptor, 0x40000000) != 0:
        raise OSError(ctypes.get_errno(), f"setns {namespace}")
    os.close(descriptor)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def transport(packet, index, source, destination):
    """The bytes after the IP header; `index` stands in them to recognise the packet."""
    kind, port, origin = packet["kind"], packet.get("port", 0), packet.get("source_port", 1024 + index % 60000)
    family = len(source)
    if kind == "tcp":
        flags = packet.get("flags", 2)
        header = struct.pack("!HHIIBBHHH", origin, port, index, 0, 5 << 4, flags, 65535, 0, 0)
        number, place = 6, 16
    elif kind == "udp":
        header = struct.pack("!HHHHI", origin, port, 12, 0, index)
        number, place = 17, 6
    elif kind == "icmp":
        header = struct.pack("!BBHI", packet["type"], 0, 0, index)
        if packet["type"] >= 130 and family == 16:
            header += bytes(40)
        number, place = (1 if family == 4 else 58), 2
    else:
        return int(kind), struct.pack("!I", index) + bytes(20)
    if family == 4 and number == 1:
        value = checksum(header)
    else:
        value = checksum(source + destination + struct.pack("!II", len(header), number) + header)
    return number, header[:place] + struct.pack("!H", value) + header[place + 2:]


def frame(packet, index, target, origin):
    six = ":" in packet["from"]
    family = socket.AF_INET6 if six else socket.AF_INET
    source, destination = socket.inet_pton(family, packet["from"]), socket.inet_pton(family, packet["to"])
    number, payload = transport(packet, index, source, destination)
    hops = packet.get("hops", 64)
    if six:
        header = struct.pack("!IHBB", 6 << 28, len(payload), number, hops) + source + destination
    else:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), index & 0xFFFF, 0, hops, number, 0) + source + destination
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return target + origin + struct.pack("!H", 0x86DD if six else 0x0800) + header + payload


def index_of(number, payload):
    if number == 6:
        return struct.unpack("!I", payload[4:8])[0]
    if number == 17:
        return struct.unpack("!I", payload[8:12])[0]
    if number in (1, 58):
        return struct.unpack("!I", payload[4:8])[0]
    return struct.unpack("!I", payload[:4])[0]


def address_of(interface):
    with open(f"/sys/class/net/{interface}/address") as file:
        return bytes.fromhex(file.read().strip().replace(":", ""))


def mac(namespace, interface):
    """/sys shows the namespace it was mounted in, so ask the interface itself."""
    request = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    import fcntl
    answer = fcntl.ioctl(request.fileno(), 0x8927, struct.pack("256s", interface.encode()))
    return answer[18:24]


def main():
    job = json.load(sys.stdin)
    packets = job["packets"]
    raw = []
    enter(job["host"])
    numbers = sorted({6, 17, 1, 58} | {int(p["kind"]) for p in packets if str(p["kind"]).isdigit()})
    for number in numbers:
        for family in (socket.AF_INET, socket.AF_INET6):
            receiver = socket.socket(family, socket.SOCK_RAW, number)
            receiver.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
            raw.append((receiver, family, number))
    targets = {name: mac(job["host"], name) for name in {p["iface"] for p in packets}}
    tap = None
    if job.get("container"):
        enter(job["container"])
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        tap.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
    enter(job["net"])
    senders = {}
    for name in targets:
        senders[name] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        senders[name].bind((f"p-{name}"[:15], 0))
    verdicts = ["none"] * len(packets)
    base = 0x20000000

    def collect(seconds):
        end = time.monotonic() + seconds
        sockets = [entry[0] for entry in raw] + ([tap] if tap else [])
        while True:
            ready, _, _ = select.select(sockets, [], [], max(0, end - time.monotonic()))
            if not ready:
                return
            for one in ready:
                data = one.recv(2048)
                try:
                    if one is tap:
                        kind = struct.unpack("!H", data[12:14])[0]
                        if kind == 0x0800:
                            number, payload, word = data[23], data[14 + (data[14] & 15) * 4:], "container"
                        elif kind == 0x86DD:
                            number, payload, word = data[20], data[54:], "container"
                        else:
                            continue
                    else:
                        _, family, number = next(entry for entry in raw if entry[0] is one)
                        payload = data[(data[0] & 15) * 4:] if family == socket.AF_INET else data
                        word = "host"
                    index = index_of(number, payload) - base
                except struct.error:
                    continue
                if 0 <= index < len(packets):
                    verdicts[index] = word

    for index, packet in enumerate(packets):
        name = packet["iface"]
        multicast = packet.get("mac")
        target = bytes.fromhex(multicast) if multicast else targets[name]
        senders[name].send(frame(packet, base + index, target, b"\x02\0\0\0\0\x01"))
        if index % 64 == 63:
            collect(0)
    collect(job.get("wait", 0.25))
    print(json.dumps(verdicts))


main()
