"""A function that speaks to the Runtime API itself, as custom runtimes do, and streams its responses.

AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming. It is the module of a Python
function: what it serves, it serves while the module is imported.
"""

SOURCE = r"""
import base64, http.client, json, os, sys, time

HOST, PORT = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
ROOT = "/2018-06-01/runtime/invocation/"
TYPE, BODY = "Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"

def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)

def say_error(connection, request_id):
    head = {"Lambda-Runtime-Function-Response-Mode": "streaming", TYPE: "Mine"}
    document = [json.dumps({"errorType": "Mine", "errorMessage": "no more"}).encode()]
    connection.request("POST", f"{ROOT}{request_id}/error", iter(document), head, encode_chunked=True)
    connection.getresponse().read()

def respond(connection, request_id, event):
    if event.get("do") == "say error":
        say_error(connection, request_id)
        return
    head = [
        f"POST {ROOT}{request_id}/response HTTP/1.1", "Host: x", "Lambda-Runtime-Function-Response-Mode: streaming",
        "Transfer-Encoding: chunked", f"Trailer: {TYPE}, {BODY}",
    ]
    if "content_type" in event:
        head.append("Content-Type: " + event["content_type"])
    connection.send("\r\n".join([*head, "", ""]).encode())
    for piece in event.get("pieces", ()):
        connection.send(chunk(piece.encode()))
    block = b"x" * 65536
    for _ in range(event.get("megabytes", 0) * 16):
        connection.send(chunk(block))
    do = event.get("do")
    if do == "exit":
        sys.exit(3)
    elif do == "interrupt":
        for method, path in ("POST", request_id + "/error"), ("POST", request_id + "/response"), ("GET", "next"):
            other = http.client.HTTPConnection(HOST, int(PORT))
            other.request(method, ROOT + path, b"{}" if method == "POST" else None)
            print(path.rpartition("/")[2], "refused", other.getresponse().status)
    elif do == "hang up":
        connection.close()
        time.sleep(3600)
    elif do == "sleep":
        time.sleep(3600)
    trailers = b""
    if do == "fail":
        document = base64.b64encode(json.dumps({"errorType": "Mine", "errorMessage": "no more"}).encode()).decode()
        trailers = f"{TYPE}: Mine\r\n{BODY}: {document}\r\n".encode()
    elif do == "flood":
        trailers = b"X: " + b"x" * (1 << 20) + b"\r\n"
    connection.send(b"0\r\n" + trailers + b"\r\n")
    response = connection.sock.makefile("rb")
    status = response.readline()
    length = 0
    while (line := response.readline().strip()):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    response.read(length)
    response.close()
    print("answered", status.split()[1].decode())
    if do == "work on":
        time.sleep(3600)

connection = http.client.HTTPConnection(HOST, int(PORT))
while True:
    connection.request("GET", ROOT + "next")
    answer = connection.getresponse()
    event = json.loads(answer.read())
    respond(connection, answer.headers["Lambda-Runtime-Aws-Request-Id"], event)
"""
