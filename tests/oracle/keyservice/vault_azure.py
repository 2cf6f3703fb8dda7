"""Stands before the Azure stand-in as https://team.vault.azure.net, which the real sops insists on.

    vault_azure.py PORT STAND_IN_PORT CERTIFICATE KEY

A proxy for HTTPS: it answers CONNECT, speaks TLS itself, challenges a request without a token as Key
Vault does, and passes the others on in clear.
"""

import socket
import ssl
import sys
import threading

port, behind = int(sys.argv[1]), int(sys.argv[2])
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(sys.argv[3], sys.argv[4])
CHALLENGE = (
    b'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\nWWW-Authenticate: Bearer '
    b'authorization="https://login.microsoftonline.com/tenant", resource="https://vault.azure.net"\r\n\r\n'
)


def request(connection):
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(65536)
    head, body = text.split(b"\r\n\r\n", 1)
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                body += connection.recv(65536)
    return head, body


def serve(connection):
    request(connection)
    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    with tls.wrap_socket(connection, server_side=True) as secure:
        head, body = request(secure)
        if b"\r\nauthorization:" not in head.lower():
            secure.sendall(CHALLENGE)
            return
        with socket.create_connection(("127.0.0.1", behind)) as server:
            server.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
            while part := server.recv(65536):
                secure.sendall(part)


listener = socket.create_server(("127.0.0.1", port))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
