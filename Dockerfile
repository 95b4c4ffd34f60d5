# The image of all daemons, the tool and HAProxy.  Debian only; the HAProxy of
# the release (3.0 in trixie), or of another suite by build argument.
#   docker build -t sallyport .
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends \
        gcc make pkg-config libc6-dev libmicrohttpd-dev libgnutls28-dev \
        libssl-dev libjansson-dev libcurl4-openssl-dev libyaml-dev \
        libpcre2-dev libcrypt-dev ca-certificates && \
    rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN make -j2

FROM ${BASE}
ARG HAPROXY_SUITE=
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends \
        ${HAPROXY_SUITE:+-t ${HAPROXY_SUITE}} haproxy \
        ca-certificates libmicrohttpd12t64 libjansson4 libcurl4t64 \
        libyaml-0-2 libpcre2-8-0 libssl3t64 libcrypt1 && \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /src/build/sallyport-reconciler \
    /src/build/sallyport-webhook /src/build/sallyport \
    /src/build/sallyport-proxy /src/build/sallyport-auth /usr/local/bin/
LABEL org.opencontainers.image.title="sallyport" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.description="Kubernetes Ingress controller in C on HAProxy"
USER 65532:65532
ENTRYPOINT []
CMD ["sallyport-reconciler"]
