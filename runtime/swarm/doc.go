// Package swarm runs clusters as services of a Docker Swarm.
//
// A member is a service of one replica, bound to its node: the volume with its data
// is there. All members are on one internal overlay network, where a service's only
// task has the member's name as host name and alias, so that the certificates and
// URLs of members in containers serve here, too.
//
//	cluster.Cluster ──▶ service specs ──▶ services, secrets, configs ──▶ tasks on nodes
//	       ▲                                                               │
//	       └── settings of what runs ◀── services + tasks + nodes ◀────────┘
//
// What Swarm makes different from one engine:
//
//   - A secret or a config never changes. Certificates are called by what is in them
//     and a renewed one is another object, which a service is updated to.
//   - A service has no health check. Swarm gives a task no name before its check
//     passes, and a member that others don't find has no quorum to be healthy with.
//   - A manager lists no volumes of other nodes. What data there is, and where, is
//     noted in a config of the cluster's (see note), together with what the cluster
//     was started with; so both outlive the services.
//   - A service that is stopped keeps its replica and is bound to a node that there is
//     not, so that Swarm keeps what it has said.
//
// Only managers know services, and only while most of them see each other.
package swarm
