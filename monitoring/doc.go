// Package monitoring says how a cluster is watched by the programs that people have
// for that: what Prometheus scrapes, which of its rules and alerts are right for the
// release that runs, what a Grafana dashboard shows, what an OpenTelemetry collector
// receives.
//
// Which metrics a release exports is a table, releases/, read from the real programs
// by `make metrics`. Alerts and panels name metrics, and a test holds them to the
// tables: none asks for what a release does not have, which Prometheus answers with
// silence.
package monitoring
