/* Rows: timeouts, sizes, retries. */
#include "lib/ingress/annot_priv.h"

static const char *const on_off[] = { "on", "off", NULL };
static const char *const http_versions[] = { "1.1", NULL };
static const char *const connection_headers[] = {
    "keep-alive", "close", NULL,
};
/* In the order of enum settings_next. */
static const char *const retry_words[] = {
    "error", "timeout", "invalid_header", "http_403", "http_404",
    "http_500", "http_502", "http_503", "http_504", "non_idempotent", "off",
    NULL,
};

static const struct annot_def proxy_rows[] = {
    {
        .name = "proxy-connect-timeout",
        .key = "proxy-connect-timeout",
        .kind = ANNOT_SECONDS,
        .range = { 1, 3600 },
        .dflt = "5",
        .scope = ANNOT_SCOPE_BACKEND,
        .effect = ANNOT_EFFECT_CLASS,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.connect_timeout_s),
        .apply = annot_apply_number,
        .doc = "How long to wait for a connection to an endpoint. Where "
               "Ingresses that share a Service differ, each has its own "
               "slot.",
    },
    {
        .name = "proxy-read-timeout",
        .key = "proxy-read-timeout",
        .kind = ANNOT_SECONDS,
        .range = { 1, SETTINGS_MAX_TIMEOUT_S },
        .dflt = "60",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .at = ANNOT_AT(s.read_timeout_s),
        .apply = annot_apply_number,
        .doc = "How long an endpoint may be silent, a WebSocket too.",
    },
    {
        .name = "proxy-send-timeout",
        .key = "proxy-send-timeout",
        .kind = ANNOT_SECONDS,
        .range = { 1, SETTINGS_MAX_TIMEOUT_S },
        .dflt = "60",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.send_timeout_s),
        .apply = annot_apply_number,
        .doc = "How long an endpoint may take nothing. HAProxy has one "
               "timeout for both directions: proxy-read-timeout where it is "
               "given, else this.",
    },
    {
        .name = "proxy-body-size",
        .key = "proxy-body-size",
        .kind = ANNOT_SIZE,
        .dflt = "0",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.body_size),
        .apply = annot_apply_number,
        .doc = "Largest request body, more gets 413; 0: no limit, which is "
               "the default here (ingress-nginx: 1m). A body "
               "without Content-Length is awaited and measured as far as it "
               "fits a buffer of HAProxy (12 KiB with the headers); a larger "
               "one gets 411. Streams of GRPC are not measured.",
    },
    {
        .name = "proxy-next-upstream",
        .key = "proxy-next-upstream",
        .kind = ANNOT_WORDS,
        .choices = retry_words,
        .dflt = "error",
        .scope = ANNOT_SCOPE_BACKEND,
        .effect = ANNOT_EFFECT_CLASS,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.next_on),
        .apply = annot_apply_number,
        .doc = "On what failures another endpoint is tried: error (no "
               "connection, or no answer on it), timeout (of the answer), "
               "invalid_header, http_500 and so on; non_idempotent: POST, "
               "PATCH and LOCK, too; off: none. Only a request that fits a "
               "buffer is sent again. Not set, it is error alone, so that "
               "a request some endpoint still works on is not sent twice. "
               "http_429 is refused, as HAProxy knows it only since 3.1.",
    },
    {
        .name = "proxy-next-upstream-timeout",
        .key = "proxy-next-upstream-timeout",
        .kind = ANNOT_SECONDS,
        .range = { 0, SETTINGS_MAX_TIMEOUT_S },
        .dflt = "0",
        .scope = ANNOT_SCOPE_BACKEND,
        .effect = ANNOT_EFFECT_CLASS,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.next_timeout_s),
        .apply = annot_apply_number,
        .doc = "How many seconds all tries may take together; 0: any. "
               "HAProxy counts tries, so there are only as many as fit, "
               "each of proxy-connect-timeout (and proxy-read-timeout, "
               "where timeout is among proxy-next-upstream).",
    },
    {
        .name = "proxy-next-upstream-tries",
        .key = "proxy-next-upstream-tries",
        .kind = ANNOT_INT,
        .range = { 0, 10 },
        .dflt = "3",
        .scope = ANNOT_SCOPE_BACKEND,
        .effect = ANNOT_EFFECT_CLASS,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.next_tries),
        .apply = annot_apply_number,
        .doc = "How often a request is tried in all; 0 is 10 here.",
    },
    {
        .name = "proxy-request-buffering",
        .key = "proxy-request-buffering",
        .kind = ANNOT_CHOICE,
        .choices = on_off,
        .dflt = "off",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.buffer_request),
        .apply = annot_apply_on,
        .doc = "on: a body is awaited before an endpoint is asked, as far "
               "as it fits one buffer of HAProxy (16 KiB with the "
               "headers). off, the default here: it is sent on as it "
               "comes.",
    },
    {
        .name = "proxy-buffering",
        .key = "proxy-buffering",
        .kind = ANNOT_CHOICE,
        .choices = on_off,
        .dflt = "off",
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .check = annot_check_buffering,
        .apply = annot_apply_nothing,
        .doc = "Responses are sent on as they come, which is \"off\". on "
               "is taken with a warning: a slow client holds its endpoint "
               "a little longer than with nginx.",
    },
    {
        .name = "proxy-buffer-size",
        .key = "proxy-buffer-size",
        .kind = ANNOT_SIZE,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .check = annot_check_buffer_size,
        .apply = annot_apply_nothing,
        .doc = "Room for response headers is that of --header-size of "
               "sallyport-reconciler, 15 KiB for all alike if not set: a "
               "smaller value is more than kept, a larger one is told.",
    },
    {
        .name = "proxy-buffers-number",
        .key = "proxy-buffers-number",
        .kind = ANNOT_INT,
        .range = { 1, 1000000 },
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .apply = annot_apply_nothing,
        .doc = "Responses of any size pass through one buffer of HAProxy, "
               "whatever the number.",
    },
    {
        .name = "proxy-busy-buffers-size",
        .key = "proxy-busy-buffers-size",
        .kind = ANNOT_SIZE,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .apply = annot_apply_nothing,
        .doc = "Responses of any size pass through one buffer of HAProxy, "
               "whatever this size.",
    },
    {
        .name = "proxy-max-temp-file-size",
        .key = "proxy-max-temp-file-size",
        .kind = ANNOT_SIZE,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .apply = annot_apply_nothing,
        .doc = "Nothing is written to files, which is \"0\"; larger values "
               "mean nothing here.",
    },
    {
        .name = "client-body-buffer-size",
        .key = "client-body-buffer-size",
        .kind = ANNOT_SIZE,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .apply = annot_apply_nothing,
        .doc = "Bodies of any size pass through one buffer of HAProxy and "
               "never touch a file, whatever this size.",
    },
    {
        .name = "proxy-http-version",
        .key = "proxy-http-version",
        .kind = ANNOT_CHOICE,
        .choices = http_versions,
        .dflt = "1.1",
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .apply = annot_apply_nothing,
        .doc = "Endpoints are spoken to in HTTP/1.1, or in HTTP/2 by "
               "backend-protocol. 1.0 is refused.",
    },
    {
        .name = "proxy-cookie-path",
        .key = "proxy-cookie-path",
        .kind = ANNOT_PAIR,
        .set = &annot_set_path,
        .dflt = "off",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.cookie_paths),
        .apply = annot_apply_list,
        .doc = "Replaces what the Path of the Service's cookies begins with. "
               "Expressions and variables are refused.",
    },
    {
        .name = "proxy-cookie-domain",
        .key = "proxy-cookie-domain",
        .kind = ANNOT_PAIR,
        .set = &annot_set_domain,
        .dflt = "off",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.cookie_domains),
        .apply = annot_apply_list,
        .doc = "Replaces the Domain of the Service's cookies, a leading dot "
               "left aside. Expressions and variables are refused.",
    },
    {
        .name = "proxy-redirect-from",
        .key = "proxy-redirect-from",
        .kind = ANNOT_TEXT,
        .set = &annot_set_url,
        .dflt = "off",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.location_from),
        .apply = annot_apply_unless_off,
        .doc = "What the Service's Location must begin with to be changed. "
               "off and default: nothing is; Refresh headers stay.",
    },
    {
        .name = "proxy-redirect-to",
        .key = "proxy-redirect-to",
        .kind = ANNOT_TEXT,
        .set = &annot_set_url,
        .dflt = "off",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.location_to),
        .apply = annot_apply_unless_off,
        .doc = "What it begins with then.",
    },
    {
        .name = "connection-proxy-header",
        .kind = ANNOT_CHOICE,
        .choices = connection_headers,
        .dflt = "keep-alive",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .apply = annot_apply_close,
        .doc = "close: an endpoint gets one request on each connection, "
               "and no WebSocket. keep-alive: connections are kept and "
               "upgraded as requests need it.",
    },
    {
        .name = "custom-http-errors",
        .key = "custom-http-errors",
        .kind = ANNOT_CODES,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.error_codes),
        .apply = annot_apply_list,
        .doc = "Statuses of the Service, 400 to 599, that default-backend "
               "(or --default-backend-service) answers instead, asked for "
               "\"/\" with X-Code, the other headers, and those that the "
               "Service got (8 KiB at most, without conditions and ranges). "
               "Its answer counts, status and all, if it has 12 KiB at most. "
               "Refusals of this "
               "controller itself stay as they are, and so does its 502, 503 "
               "or 504 for an endpoint that gives no answer.",
    },
    {
        .name = "disable-proxy-intercept-errors",
        .key = "disable-proxy-intercept-errors",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .at = ANNOT_AT(s.keep_errors),
        .apply = annot_apply_flag,
        .doc = "Takes the paths out of custom-http-errors.",
    },
    {
        .name = "custom-headers",
        .kind = ANNOT_TEXT,
        .set = &annot_set_object,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.custom_headers),
        .apply = annot_apply_text,
        .doc = "A ConfigMap of the namespace, name or namespace/name, with "
               "headers for the answers of the Service. A name must be "
               "among those of the ConfigMap key "
               "global-allowed-response-headers; where one is not, or the "
               "ConfigMap is not there, the routes answer 503. Answers of "
               "this controller itself are without them.",
    },
    {
        .name = "mirror-target",
        .kind = ANNOT_TEXT,
        .set = &annot_set_target,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_HIGH,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.copy_to),
        .check = annot_check_copy,
        .apply = annot_apply_text,
        .doc = "A Service of the namespace that gets a copy of each "
               "request, whose answers nobody sees: "
               "http(s)://SERVICE.NAMESPACE.svc.cluster.local:PORT, then a "
               "path, $request_uri, or both. GET, HEAD, POST, PUT and DELETE "
               "are copied, 32 at one time for each thread, more are left "
               "out. Other targets are refused: give them an ExternalName "
               "Service.",
    },
    {
        .name = "mirror-host",
        .kind = ANNOT_HOST,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_HIGH,
        .support = ANNOT_PARTIAL,
        .needs = { "mirror-target" },
        .at = ANNOT_AT(s.copy_host),
        .apply = annot_apply_text,
        .doc = "The Host header of the copies, the host of mirror-target "
               "if not set.",
    },
    {
        .name = "mirror-request-body",
        .kind = ANNOT_CHOICE,
        .choices = on_off,
        .dflt = "on",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .needs = { "mirror-target" },
        .at = ANNOT_AT(s.copy_body),
        .apply = annot_apply_on,
        .doc = "Whether copies have a body. Larger ones than fit a buffer "
               "of HAProxy (16 KiB with the headers) are not copied at "
               "all.",
    },
    {
        .name = "fastcgi-index",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_REFUSED,
        .instead = "FastCGI is not spoken to endpoints: run a web server "
               "beside the application, which speaks it, and let the "
               "Service name that one",
        .doc = "The index file of a FastCGI service.",
    },
    {
        .name = "fastcgi-params-configmap",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_REFUSED,
        .instead = "FastCGI is not spoken to endpoints: run a web server "
               "beside the application, which speaks it, and set its "
               "parameters there",
        .doc = "A ConfigMap with FastCGI parameters.",
    },
    {
        .name = "http2-push-preload",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .apply = annot_apply_nothing,
        .doc = "The Link header of a response reaches the browser, which "
               "preloads by it; nothing is pushed, as browsers no longer "
               "take it.",
    },
};

const struct annot_group annot_group_proxy = {
    .heading = "Proxying",
    .defs = proxy_rows,
    .n = ARRAY_SIZE(proxy_rows),
};
