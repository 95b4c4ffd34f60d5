/* Each kind: what is read of it, and what is wrong with it. */
#include "tests/unit/table.h"

#include "tests/unit/kube/decode_help.h"

#define IN(spec) "{" META ", \"spec\": " spec "}"

static const struct decode_row rows[] = {
    /* Ingress. */
    { "ingress: everything", KUBE_INGRESS,
      "{" META ", \"spec\": {\"ingressClassName\": \"c\", "
      "\"defaultBackend\": {\"service\": {\"name\": \"d\", \"port\": "
      "{\"number\": 80}}}, \"rules\": [{\"host\": \"h\", \"http\": "
      "{\"paths\": [{\"path\": \"/\", \"pathType\": \"Prefix\", \"backend\": "
      "{\"service\": {\"name\": \"s\", \"port\": {\"name\": \"http\"}}}}, "
      "{\"path\": \"/e\", \"pathType\": \"Exact\", \"backend\": {\"resource\": "
      "{\"apiGroup\": \"g\", \"kind\": \"K\", \"name\": \"r\"}}}, "
      "{\"pathType\": \"ImplementationSpecific\"}, {\"pathType\": "
      "\"exact\"}]}}, {}], \"tls\": [{\"hosts\": [\"h\", \"i\"], "
      "\"secretName\": \"t\"}, {}]}, \"status\": {\"loadBalancer\": "
      "{\"ingress\": [{\"ip\": \"192.0.2.1\"}, {\"hostname\": \"lb\"}]}}}",
      "n/a class=c default=d:80 rule(h / prefix s:http /e exact K/r - "
      "implementation - - unknown -) rule(-) tls(h i t) tls(-) 192.0.2.1 "
      "lb" },
    { "ingress: empty spec", KUBE_INGRESS, IN("{}"), "n/a" },
    { "ingress: null spec", KUBE_INGRESS, IN("null"), "n/a" },
    { "ingress: empty default backend", KUBE_INGRESS,
      IN("{\"defaultBackend\": {}}"), "n/a default=-" },
    { "ingress: port by name and number is by name", KUBE_INGRESS,
      IN("{\"defaultBackend\": {\"service\": {\"name\": \"s\", \"port\": "
         "{\"name\": \"p\", \"number\": 80}}}}"),
      "n/a default=s:p" },
    { "ingress: an empty port name is none", KUBE_INGRESS,
      IN("{\"defaultBackend\": {\"service\": {\"name\": \"s\", \"port\": "
         "{\"name\": \"\", \"number\": 80}}}}"),
      "n/a default=s:80" },
    { "ingress: a port out of range is kept for the rules", KUBE_INGRESS,
      IN("{\"defaultBackend\": {\"service\": {\"name\": \"s\", \"port\": "
         "{\"number\": 70000}}}}"),
      "n/a default=s:70000" },
    { "ingress: a port over 32 bits", KUBE_INGRESS,
      IN("{\"defaultBackend\": {\"service\": {\"name\": \"s\", \"port\": "
         "{\"number\": 2147483648}}}}"),
      "spec.defaultBackend.service.port.number: must be a whole number from "
      "-2147483648 to 2147483647" },
    { "ingress: a port as text", KUBE_INGRESS,
      IN("{\"rules\": [{\"http\": {\"paths\": [{\"backend\": {\"service\": "
         "{\"port\": {\"number\": \"80\"}}}}]}}]}"),
      "spec.rules[0].http.paths[0].backend.service.port.number: must be a "
      "whole number from -2147483648 to 2147483647" },
    { "ingress: rules as an object", KUBE_INGRESS, IN("{\"rules\": {}}"),
      "spec.rules: must be an array" },
    { "ingress: a rule as text", KUBE_INGRESS, IN("{\"rules\": [{}, \"\"]}"),
      "spec.rules[1]: must be an object" },
    { "ingress: a null path", KUBE_INGRESS,
      IN("{\"rules\": [{\"http\": {\"paths\": [null]}}]}"),
      "spec.rules[0].http.paths[0]: must be an object" },
    { "ingress: a host as number", KUBE_INGRESS,
      IN("{\"rules\": [{\"host\": 1}]}"),
      "spec.rules[0].host: must be a string" },
    { "ingress: a TLS host as number", KUBE_INGRESS,
      IN("{\"tls\": [{\"hosts\": [\"a\", 1]}]}"),
      "spec.tls[0].hosts[1]: must be a string" },
    { "ingress: the first error is told", KUBE_INGRESS,
      IN("{\"ingressClassName\": 1, \"rules\": 2}"),
      "spec.ingressClassName: must be a string" },
    { "ingress: status of wrong type", KUBE_INGRESS,
      "{" META ", \"status\": {\"loadBalancer\": {\"ingress\": [{\"ip\": "
      "1}]}}}",
      "status.loadBalancer.ingress[0].ip: must be a string" },

    /* IngressClass. */
    { "class: default", KUBE_INGRESS_CLASS,
      "{\"metadata\": {\"name\": \"a\", \"annotations\": "
      "{\"ingressclass.kubernetes.io/is-default-class\": \"true\"}}, "
      "\"spec\": {\"controller\": \"x/y\"}}",
      "a @ingressclass.kubernetes.io/is-default-class=true controller=x/y "
      "default" },
    { "class: only \"true\" makes it default", KUBE_INGRESS_CLASS,
      NAMED(", \"annotations\": "
            "{\"ingressclass.kubernetes.io/is-default-class\": \"True\"}"),
      "a @ingressclass.kubernetes.io/is-default-class=True controller=-" },

    /* Service. */
    { "service: everything", KUBE_SERVICE,
      "{" META ", \"spec\": {\"type\": \"LoadBalancer\", \"clusterIP\": "
      "\"10.0.0.1\", \"externalIPs\": [\"192.0.2.7\"], \"ports\": [{\"name\": "
      "\"http\", \"port\": 80, \"targetPort\": \"web\", \"appProtocol\": "
      "\"kubernetes.io/h2c\"}, {\"port\": 53, \"protocol\": \"UDP\"}, "
      "{\"port\": 443, \"targetPort\": 8443, \"protocol\": \"TCP\"}]}, "
      "\"status\": {\"loadBalancer\": {\"ingress\": [{\"hostname\": "
      "\"lb\"}]}}}",
      "n/a LoadBalancer ip=10.0.0.1 192.0.2.7 port(http 80>web tcp "
      "kubernetes.io/h2c) port(- 53>53 -) port(- 443>8443 tcp) lb" },
    { "service: external name", KUBE_SERVICE,
      IN("{\"type\": \"ExternalName\", \"externalName\": \"x.test\"}"),
      "n/a ExternalName external=x.test" },
    { "service: node port", KUBE_SERVICE, IN("{\"type\": \"NodePort\"}"),
      "n/a NodePort" },
    { "service: unknown type", KUBE_SERVICE, IN("{\"type\": \"Nodeport\"}"),
      "spec.type: \"Nodeport\" is not ClusterIP, NodePort, LoadBalancer or "
      "ExternalName" },
    { "service: port zero", KUBE_SERVICE, IN("{\"ports\": [{\"port\": 0}]}"),
      "spec.ports[0].port: must be a whole number from 1 to 65535" },
    { "service: port too high", KUBE_SERVICE,
      IN("{\"ports\": [{\"port\": 65536}]}"),
      "spec.ports[0].port: must be a whole number from 1 to 65535" },
    { "service: no port", KUBE_SERVICE, IN("{\"ports\": [{}]}"),
      "spec.ports[0].port: is missing" },
    { "service: target zero is the port", KUBE_SERVICE,
      IN("{\"ports\": [{\"port\": 80, \"targetPort\": 0}]}"),
      "n/a ClusterIP port(- 80>80 tcp)" },
    { "service: target of wrong type", KUBE_SERVICE,
      IN("{\"ports\": [{\"port\": 80, \"targetPort\": 1.5}]}"),
      "spec.ports[0].targetPort: must be a number or a string" },
    { "service: target too high", KUBE_SERVICE,
      IN("{\"ports\": [{\"port\": 80, \"targetPort\": 65536}]}"),
      "spec.ports[0].targetPort: must be a whole number from 0 to 65535" },

    /* EndpointSlice. */
    { "slice: everything", KUBE_ENDPOINT_SLICE,
      "{\"metadata\": {\"name\": \"a\", \"namespace\": \"n\", \"labels\": "
      "{\"kubernetes.io/service-name\": \"s\"}}, \"addressType\": \"IPv4\", "
      "\"endpoints\": [{\"addresses\": [\"10.0.0.1\", \"10.0.0.2\"]}, "
      "{\"addresses\": [\"10.0.0.3\"], \"conditions\": {\"ready\": false, "
      "\"serving\": true, \"terminating\": true}}, {\"conditions\": "
      "{\"ready\": false}}, {\"conditions\": {\"ready\": null}}], \"ports\": "
      "[{\"name\": \"http\", \"port\": 8080, \"protocol\": \"TCP\"}, "
      "{\"port\": null, \"protocol\": \"UDP\"}]}",
      "n/a of=s (10.0.0.1 10.0.0.2 ready serving) (10.0.0.3 serving "
      "terminating) () (ready serving) port(http 8080 tcp) port(- 0 -)" },
    { "slice: FQDN", KUBE_ENDPOINT_SLICE,
      "{" META ", \"addressType\": \"FQDN\", \"endpoints\": null}",
      "n/a of=- fqdn" },
    { "slice: ready as text", KUBE_ENDPOINT_SLICE,
      "{" META ", \"endpoints\": [{\"conditions\": {\"ready\": \"true\"}}]}",
      "endpoints[0].conditions.ready: must be true or false" },
    { "slice: port too high", KUBE_ENDPOINT_SLICE,
      "{" META ", \"ports\": [{\"port\": 65536}]}",
      "ports[0].port: must be a whole number from 0 to 65535" },
    { "slice: an address as number", KUBE_ENDPOINT_SLICE,
      "{" META ", \"endpoints\": [{\"addresses\": [1]}]}",
      "endpoints[0].addresses[0]: must be a string" },

    /* Secret. */
    { "secret: data", KUBE_SECRET,
      "{" META ", \"type\": \"kubernetes.io/tls\", \"data\": {\"tls.key\": "
      "\"a2V5\", \"tls.crt\": \"Y2VydA==\"}}",
      "n/a type=kubernetes.io/tls tls.crt=4:cert tls.key=3:key" },
    { "secret: bytes with NUL", KUBE_SECRET,
      "{" META ", \"data\": {\"x\": \"AGE=\"}}", "n/a type=- x=2:" },
    { "secret: line feeds in base64", KUBE_SECRET,
      "{" META ", \"data\": {\"x\": \"a2\\nV5\\n\"}}", "n/a type=- x=3:key" },
    { "secret: stringData wins", KUBE_SECRET,
      "{" META ", \"type\": \"Opaque\", \"data\": {\"b\": \"!\", \"c\": "
      "\"YQ==\"}, \"stringData\": {\"b\": \"plain\", \"a\": null}}",
      "n/a type=Opaque a=0: b=5:plain c=1:a" },
    { "secret: null data", KUBE_SECRET, "{" META ", \"data\": {\"x\": null}}",
      "n/a type=- x=0:" },
    { "secret: not base64", KUBE_SECRET,
      "{" META ", \"data\": {\"x\": \"***\"}}",
      "data: the value of \"x\" is not base64" },
    { "secret: base64 cut off", KUBE_SECRET,
      "{" META ", \"data\": {\"x\": \"a2V\"}}",
      "data: the value of \"x\" is not base64" },
    { "secret: data as number", KUBE_SECRET,
      "{" META ", \"data\": {\"x\": 1}}",
      "data: the value of \"x\" must be a string: write \"1\", with quotes" },
    { "secret: stringData as number", KUBE_SECRET,
      "{" META ", \"stringData\": {\"x\": 1}}",
      "stringData: the value of \"x\" must be a string: write \"1\", with "
      "quotes" },
    { "secret: data as list", KUBE_SECRET, "{" META ", \"data\": []}",
      "data: must be an object" },
    { "secret: a token is not kept", KUBE_SECRET,
      "{" META ", \"type\": \"kubernetes.io/service-account-token\", "
      "\"data\": {\"token\": \"a2V5\"}}",
      "n/a type=kubernetes.io/service-account-token" },

    /* The rest. */
    { "namespace: active", KUBE_NAMESPACE,
      "{\"metadata\": {\"name\": \"a\"}, \"status\": {\"phase\": "
      "\"Active\"}}",
      "a" },
    { "namespace: terminating", KUBE_NAMESPACE,
      "{\"metadata\": {\"name\": \"a\"}, \"status\": {\"phase\": "
      "\"Terminating\"}}",
      "a deleting" },
    { "pod: ready", KUBE_POD,
      "{" META ", \"status\": {\"phase\": \"Running\", \"hostIP\": "
      "\"192.0.2.1\", \"conditions\": [{\"type\": \"Initialized\", "
      "\"status\": \"False\"}, {\"type\": \"Ready\", \"status\": "
      "\"True\"}]}}",
      "n/a 192.0.2.1 ready" },
    { "pod: not ready", KUBE_POD,
      "{" META ", \"status\": {\"phase\": \"Running\", \"hostIP\": "
      "\"192.0.2.1\", \"conditions\": [{\"type\": \"Ready\", "
      "\"status\": \"False\"}, {\"type\": \"Initialized\", "
      "\"status\": \"True\"}]}}",
      "n/a 192.0.2.1" },
    { "pod: over", KUBE_POD,
      "{" META ", \"status\": {\"phase\": \"Failed\", \"conditions\": "
      "[{\"type\": \"Ready\", \"status\": \"True\"}]}}",
      "n/a -" },
    { "pod: on no node yet", KUBE_POD, "{" META ", \"spec\": {}}",
      "n/a -" },
    { "config map: sorted", KUBE_CONFIG_MAP,
      "{" META ", \"data\": {\"b\": \"2\", \"a\": \"1\"}, \"binaryData\": "
      "{\"c\": \"a2V5\"}}",
      "n/a a=1 b=2" },
    { "config map: a boolean", KUBE_CONFIG_MAP,
      "{" META ", \"data\": {\"b\": true}}",
      "data: the value of \"b\" must be a string: write \"true\", with "
      "quotes" },
    { "lease: everything", KUBE_LEASE,
      IN("{\"holderIdentity\": \"h\", \"leaseDurationSeconds\": 15, "
         "\"renewTime\": \"r\", \"acquireTime\": \"q\", "
         "\"leaseTransitions\": 2}"),
      "n/a h 15 r q 2" },
    { "lease: empty", KUBE_LEASE, IN("{}"), "n/a - 0 - - 0" },
    { "lease: duration below zero", KUBE_LEASE,
      IN("{\"leaseDurationSeconds\": -1}"),
      "spec.leaseDurationSeconds: must be a whole number from 0 to "
      "2147483647" },
};

TABLE_MAIN("kinds", rows, check_decode)
