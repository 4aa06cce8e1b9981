// Package stack runs a Compose project on a Docker Engine.
//
// Everything it does goes the same way:
//
//	Observe ──▶ State ──┐
//	                    ├─▶ Plan ──▶ Execute
//	the wanted project ─┘
//
// Observe asks the engine what it holds. The engine's labels are the only
// memory: there is no state file, and what `docker compose` made is as good as
// what this package made. A Plan is a list of small operations, each with its
// cause and with the operations that come before it; Plan.String is what the
// tests compare. PlanApply and PlanPrepare bring services to what is wanted,
// PlanBegin, PlanEnd and PlanRemove do as they are told with what is there. An
// Execution carries a plan out, as much of it at the same time as the order
// allows, and decides nothing.
//
// Names, labels and configuration hashes are those of Docker Compose v5, so
// that either program finds nothing to do where the other one has been.
//
// The package knows nothing of etcd and asks no member. Which services come next,
// which of them has to answer before, and whether what failed is taken back, is
// decided above it: by package converge, through runtime/docker.
package stack
