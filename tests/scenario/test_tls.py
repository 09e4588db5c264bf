"""TLS with and without client certificates, made on the spot with openssl."""

import shutil
import subprocess
import unittest

from program import Case, skald


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class Tls(Case):
    def openssl(self, *args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, cwd=self.folder)

    def authority(self, name):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                     f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")

    def certificate(self, name, authority):
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                     "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (self.folder / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                     "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", f"{name}.pem")

    def setUp(self):
        super().setUp()
        self.authority("ca")
        self.certificate("server", "ca")

    def tls(self, *more, **kwargs):
        return self.start("--store", "memory:", "--tls-cert", self.folder / "server.pem", "--tls-key",
                          self.folder / "server.key", *more, **kwargs)

    def health(self, server, *args):
        return skald("health", "--address", server.address, *args)

    def test_encrypted(self):
        server = self.tls()
        ca = ["--tls-ca-path", self.folder / "ca.pem"]
        self.assertEqual(self.health(server, *ca)[:2], (0, "serving\n"))
        self.assertEqual(self.health(server)[0], 1) # cleartext
        self.assertEqual(self.health(server, "--tls")[0], 1) # an authority that this machine does not know
        self.authority("other")
        self.assertEqual(self.health(server, "--tls-ca-path", self.folder / "other.pem")[0], 1)
        self.assertEqual(skald("demo", "--address", server.address, *ca, "--orders", "1")[0], 0)

    def test_client_certificates_open_the_world(self):
        self.certificate("client", "ca")
        self.authority("other")
        self.certificate("stranger", "other")
        server = self.tls("--tls-client-ca", self.folder / "ca.pem", "--ip", "0.0.0.0")
        ca = ["--tls-ca-path", self.folder / "ca.pem"]
        def shows(name):
            return ["--tls-cert-path", self.folder / f"{name}.pem", "--tls-key-path", self.folder / f"{name}.key"]
        self.assertEqual(self.health(server, *ca, *shows("client"))[:2], (0, "serving\n"))
        self.assertEqual(self.health(server, *ca)[0], 1)
        self.assertEqual(self.health(server, *ca, *shows("stranger"))[0], 1)
        # the pages stay at home, and answer a health check there
        self.assertEqual(skald("health", "--http", f"127.0.0.1:{server.ui_port}")[:2], (0, "serving\n"))
        self.assertEqual(server.stop(), 0)

    def test_certificates_that_are_none(self):
        (self.folder / "bad.pem").write_text("not a certificate\n")
        err = self.refuse("server", "start", "--store", "memory:", "--port", 0, "--ui-port", 0, "--tls-cert",
                          self.folder / "bad.pem", "--tls-key", self.folder / "server.key", code=1)
        self.assertIn("bad.pem", err)
        self.certificate("second", "ca")
        err = self.refuse("server", "start", "--store", "memory:", "--port", 0, "--ui-port", 0, "--tls-cert",
                          self.folder / "server.pem", "--tls-key", self.folder / "second.key", code=1)
        self.assertIn("second.key", err)
