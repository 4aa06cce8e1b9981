# The project's own image: one program that is etcd, etcdctl and etcdutl by the
# name it is called by. It is the image that `etcdctr image build` makes without
# a builder; a test compares the two (e2e, TestDockerfile…).
#
#     make build && docker build --tag etcdctr .
#
# For several platforms, from what `make cross` leaves in dist:
#
#     docker buildx build --platform linux/amd64,linux/arm64 --build-arg BIN= .

FROM scratch

# Users, root certificates, the data directory and the links to etcd, a name each that it
# answers to (images/source_self.go: multicallNames). Written by `go test ./images -run Root -update`.
ADD images/rootfs.tar /

ARG BIN=bin
ARG TARGETARCH
COPY ${BIN:-dist/linux-${TARGETARCH}}/etcd /usr/local/bin/etcd

LABEL org.opencontainers.image.title="etcd" \
      org.opencontainers.image.version="v3.7.3" \
      org.opencontainers.image.revision="v3.7.3" \
      org.opencontainers.image.source="https://github.com/etcd-io/etcd" \
      org.opencontainers.image.licenses="Apache-2.0"

ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
USER 65532:65532
WORKDIR /var/lib/etcd
EXPOSE 2379/tcp 2380/tcp
CMD ["/usr/local/bin/etcd"]
