"""An authority whose certificates name a responder of OCSP, and the responder:
an HTTP server on loopback that says what a test wants it to say."""

import base64
import datetime
import http.server
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

DAY = datetime.timedelta(days=1)


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM).decode()


class Authority:
    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.cert = self.sign(
            self.builder("Authority", self.key).add_extension(
                x509.BasicConstraints(ca=True, path_length=None), True))

    def builder(self, name, key):
        return (x509.CertificateBuilder().subject_name(named(name))
                .issuer_name(named("Authority")).public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now() - DAY).not_valid_after(now() + 30 * DAY))

    def sign(self, builder):
        return builder.sign(self.key, hashes.SHA256())

    def secret(self, name, host, url, must_staple=False, is_alone=False):
        """A Secret of the namespace default, and the certificate's serial
        number in hex as openssl prints it."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self.builder(host, key).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host)]), False)
        if url:
            builder = builder.add_extension(
                x509.AuthorityInformationAccess([x509.AccessDescription(
                    AuthorityInformationAccessOID.OCSP,
                    x509.UniformResourceIdentifier(url))]), False)
        if must_staple:
            builder = builder.add_extension(x509.TLSFeature(
                [x509.TLSFeatureType.status_request]), False)
        cert = self.sign(builder)
        data = {
            "tls.crt": pem(cert) + ("" if is_alone else pem(self.cert)),
            "tls.key": key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()).decode()}
        serial = "%X" % cert.serial_number
        return {"apiVersion": "v1", "kind": "Secret",
                "type": "kubernetes.io/tls",
                "metadata": {"name": name, "namespace": "default"},
                "data": {k: base64.b64encode(v.encode()).decode()
                         for k, v in data.items()}}, "0" * (
                             len(serial) % 2) + serial, cert


class Responder:
    """'how' is "good", "revoked", "unknown", or what is sent as it is:
    (status, headers, body).  'gate' clear holds answers back."""

    def __init__(self, authority):
        self.authority, self.how = authority, "good"
        self.certs = {}             # By serial number.
        self.asked = []             # Serial numbers, as they came.
        self.heads = []
        self.gate = threading.Event()
        self.gate.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.heads.append((self.path, dict(self.headers)))
                outer.asked.append(
                    "%X" % ocsp.load_der_ocsp_request(body).serial_number)
                outer.gate.wait(60)
                status, headers, answer = outer.answer(body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def do_GET(self):
                outer.asked.append("GET " + self.path)
                self.send_error(405)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.host = "127.0.0.1:%d" % self.port
        self.url = "http://%s/ocsp" % self.host
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def secret(self, name, host, url=None, **more):
        one, serial, cert = self.authority.secret(
            name, host, self.url if url is None else url, **more)
        self.certs[cert.serial_number] = cert
        return one, serial

    def answer(self, question):
        if not isinstance(self.how, str):
            return self.how
        asked = ocsp.load_der_ocsp_request(question)
        der = self.about(self.certs[asked.serial_number], self.how)
        return 200, {"Content-Type": "application/ocsp-response"}, der

    def about(self, cert, how="good", shift=datetime.timedelta()):
        """A response in DER, good for a week from 'shift' on."""
        status = {"good": ocsp.OCSPCertStatus.GOOD,
                  "revoked": ocsp.OCSPCertStatus.REVOKED,
                  "unknown": ocsp.OCSPCertStatus.UNKNOWN}[how]
        revoked = now() - DAY / 2 if how == "revoked" else None
        made = ocsp.OCSPResponseBuilder().add_response(
            cert=cert, issuer=self.authority.cert, algorithm=hashes.SHA1(),
            cert_status=status, this_update=now() - DAY / 24 + shift,
            next_update=now() + 7 * DAY + shift, revocation_time=revoked,
            revocation_reason=None).responder_id(
                ocsp.OCSPResponderEncoding.HASH, self.authority.cert)
        return made.sign(self.authority.key, hashes.SHA256()).public_bytes(
            serialization.Encoding.DER)

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()
