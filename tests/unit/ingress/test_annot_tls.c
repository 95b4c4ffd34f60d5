/* Protocols and TLS, of clients and to endpoints. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/annot_help.h"

/* One row per boundary.  Each supported annotation has an accepted and a
 * refused one: test_annot_registry.c counts them. */
static const struct annot_row rows[] = {
    { "protocol: grpc", "backend-protocol", "grpc", "" },
    { "protocol: fcgi", "backend-protocol", "fcgi",
      "E backend-protocol: \"fcgi\" is refused: FastCGI is not spoken to "
      "endpoints: run a web server beside the application, which speaks it, "
      "and let the Service name that one" },
    { "service-upstream", "service-upstream", "true", "" },
    { "service-upstream: on", "service-upstream", "on",
      "E service-upstream: \"on\" is not a boolean: write \"true\"" },
    { "ciphers: one", "ssl-ciphers", "ECDHE-RSA-AES128-GCM-SHA256", "" },
    { "ciphers: weak", "ssl-ciphers", "AES128-SHA",
      "W ssl-ciphers: \"AES128-SHA\" lets in what Mozilla's intermediate "
      "profile leaves out: AES128-SHA" },
    { "ciphers: none", "ssl-ciphers", "RC4-MD5",
      "E ssl-ciphers: \"RC4-MD5\" leaves no cipher: write names that "
      "\"openssl ciphers\" lists" },
    { "proxy protocol", S "proxy-protocol", "v2", "" },
    { "proxy protocol: 1", S "proxy-protocol", "v1",
      "E sallyport.dev/proxy-protocol: \"v1\" is not known here: write "
      "\"v2\"" },
    { "versions: one", S "tls-protocols", "TLSv1.3", "" },
    { "versions: unknown", S "tls-protocols", "TLSv9",
      "E sallyport.dev/tls-protocols: \"TLSv9\" is no list of versions: "
      "write TLSv1.2, TLSv1.3 or both, with a blank between them" },
    { "order: the server's", "ssl-prefer-server-ciphers", "true", "" },
    { "order: on", "ssl-prefer-server-ciphers", "on",
      "E ssl-prefer-server-ciphers: \"on\" is not a boolean: write "
      "\"true\"" },
    { "order: the client's", "ssl-prefer-server-ciphers", "false",
      "W ssl-prefer-server-ciphers: it has no effect: the order of the "
      "server holds for all hosts" },
    { "ssl-name: host", "proxy-ssl-name", "inner.test", "" },
    { "ssl-name: variable", "proxy-ssl-name", "$host",
      "E proxy-ssl-name: \"$host\" is not a domain: write one such as "
      "\"example.com\"; W proxy-ssl-server-name: it has no effect without "
      "proxy-ssl-name" },
    { "ssl-server-name: on", "proxy-ssl-server-name", "on", "" },
    { "ssl-server-name: true", "proxy-ssl-server-name", "true",
      "E proxy-ssl-server-name: \"true\" is not known here: write \"on\" or "
      "\"off\"; W proxy-ssl-name: it has no effect without "
      "proxy-ssl-server-name: \"on\" or proxy-ssl-verify: \"on\"" },
    { "ssl-secret", "proxy-ssl-secret", "default/ca", "" },
    { "ssl-secret: the Ingress's namespace", "proxy-ssl-secret", "ca", "" },
    { "ssl-secret: another namespace", "proxy-ssl-secret", "other/ca",
      "E proxy-ssl-secret: \"other/ca\" is in another namespace: copy the "
      "Secret to \"default\" and write its name" },
    { "ssl-secret: no name", "proxy-ssl-secret", "a/b/c",
      "E proxy-ssl-secret: \"a/b/c\" is not a name: write the object's, with "
      "its namespace and \"/\" before it or without" },
    { "ssl-verify-depth", "proxy-ssl-verify-depth", "1",
      "W proxy-ssl-verify-depth: HAProxy sets no limit to a chain: any that "
      "leads to a certificate of ca.crt is taken" },
    { "ssl-verify-depth: too deep", "proxy-ssl-verify-depth", "101",
      "E proxy-ssl-verify-depth: \"101\" is not between 0 and 100" },
    { "ssl-ciphers: one", "proxy-ssl-ciphers", "ECDHE-RSA-AES128-GCM-SHA256",
      "" },
    { "ssl-ciphers: none", "proxy-ssl-ciphers", "RC4-MD5",
      "E proxy-ssl-ciphers: \"RC4-MD5:!aNULL:!eNULL\" leaves no cipher: "
      "write names that "
      "\"openssl ciphers\" lists" },
    { "ssl-ciphers: those that protect nobody", "proxy-ssl-ciphers",
      "ADH-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256", "" },
    { "ssl-ciphers: two words", "proxy-ssl-ciphers", "HIGH\nssl verify none",
      "E proxy-ssl-ciphers: \"HIGH\\nssl verify none\" has a line break or "
      "another control byte: write it on one line" },
    { "ssl-protocols: two", "proxy-ssl-protocols", "TLSv1.2 TLSv1.3", "" },
    { "ssl-protocols: old", "proxy-ssl-protocols", "TLSv1.1",
      "E proxy-ssl-protocols: \"TLSv1.1\" has no version that is spoken: "
      "write TLSv1.2, TLSv1.3 or both" },
    { "auth-tls-secret", "auth-tls-secret", "default/ca", "" },
    { "auth-tls-secret: the Ingress's namespace", "auth-tls-secret", "ca",
      "" },
    { "auth-tls-secret: another namespace", "auth-tls-secret", "other/ca",
      "E auth-tls-secret: \"other/ca\" is in another namespace: copy the "
      "Secret to \"default\" and write its name" },
    { "auth-tls-secret: no name", "auth-tls-secret", "a/b/c",
      "E auth-tls-secret: \"a/b/c\" is not a name: write the object's, with "
      "its namespace and \"/\" before it or without" },
    { "auth-tls-verify-client", "auth-tls-verify-client", "optional_no_ca",
      "" },
    { "auth-tls-verify-client: true", "auth-tls-verify-client", "true",
      "E auth-tls-verify-client: \"true\" is not known here: write \"on\", "
      "\"off\", \"optional\" or \"optional_no_ca\"" },
    { "auth-tls-verify-depth", "auth-tls-verify-depth", "2",
      "W auth-tls-verify-depth: HAProxy sets no limit to a chain: any that "
      "leads to a certificate of ca.crt is taken" },
    { "auth-tls-verify-depth: too deep", "auth-tls-verify-depth", "101",
      "E auth-tls-verify-depth: \"101\" is not between 0 and 100" },
    { "auth-tls-error-page", "auth-tls-error-page", "https://a.test/e?x=1",
      "" },
    { "auth-tls-error-page: a location", "auth-tls-error-page", "@page",
      "E auth-tls-error-page: \"@page\" is not an absolute URL: write one "
      "that begins with \"https://\" or \"http://\"" },
    { "auth-tls-pass", "auth-tls-pass-certificate-to-upstream", "true", "" },
    { "auth-tls-pass: yes", "auth-tls-pass-certificate-to-upstream", "yes",
      "E auth-tls-pass-certificate-to-upstream: \"yes\" is not a boolean: "
      "write \"true\"" },
    { "auth-tls-match-cn", "auth-tls-match-cn", "CN=a.*b", "" },
    { "auth-tls-match-cn: a name alone", "auth-tls-match-cn", "alice",
      "E auth-tls-match-cn: \"alice\" is not a subject: write \"CN=\" and a "
      "regular expression" },
    { "ssl-verify: a protection that is off", "proxy-ssl-verify", "off", "" },
    { "ssl-verify: on", "proxy-ssl-verify", "on", "" },
    { "ssl-verify: true", "proxy-ssl-verify", "true",
      "E proxy-ssl-verify: \"true\" is not known here: write \"on\" or "
      "\"off\"" },
};

TABLE_MAIN("annot: TLS", rows, annot_check_row)
