// Package engine finds the Docker Engine where the docker command would find it,
// and tells why one does not answer.
//
// Where that is stands in the environment and in Docker's own folder: DOCKER_HOST
// comes before DOCKER_CONTEXT, and this before the context that was chosen with
// `docker context use`. This package reads both, as Docker's own tools do; whoever
// wants neither makes a client by other means. An engine on another machine is
// reached by ssh or TLS.
//
// What keeps an engine from answering is a *SilentError with one Reason. Most
// reasons have lost their type on the way here, so that this is the one place that
// looks at what was said.
package engine
