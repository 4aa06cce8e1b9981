// Package health puts questions to a running cluster and judges the answers.
//
// A member that answers is not yet a cluster: three members that each formed a
// cluster of their own are three healthy members and one broken cluster, and
// etcd itself doesn't notice. So every member is asked separately, for itself,
// and the answers are compared:
//
//	Cluster ──▶ ask each member ──▶ answers ──▶ judge ──▶ Report
//
// Asking needs a way to the members (Cluster.Dial) and nothing else: the
// package knows neither Docker nor files. Judging is a pure function of the
// answers and the time.
//
// Package health/exposure asks the opposite question: who else can reach the
// members, and with what. Package health/doctor reads the logs of members that
// don't answer.
package health
