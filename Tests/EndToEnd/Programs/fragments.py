"""fragments.py: whether this network drops what does not fit a frame of 1,500 bytes."""
import socket

receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(("127.0.0.1", 0))
receiver.settimeout(10)
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
# They would come in this order.
for size in (3000, 1000):
    sender.sendto(bytes(size), receiver.getsockname())
received = len(receiver.recv(4096))
assert received == 1000, f"a datagram of {received} bytes has arrived"
