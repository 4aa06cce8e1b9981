package cluster

import "time"

// profile is a set of defaults. A profile changes nothing else: whatever it
// says, the file or a flag can say otherwise.
type profile struct {
	data                    Data
	heartbeatInterval       time.Duration
	electionTimeout         time.Duration
	quotaBackendBytes       int64
	autoCompactionMode      compactionMode
	autoCompactionRetention string
	logLevel                string
	settings                map[string]string
	upkeep                  Upkeep
}

const gibibyte = 1 << 30

// Production is the profile for data that matters.
const Production = "production"

// DefaultProfile is what a Spec gets that names none.
const DefaultProfile = "dev"

// profiles holds every default that depends on what the cluster is for.
var profiles = map[string]profile{
	// For data that matters: etcd's own timing, room for the data, patience
	// with slow disks.
	Production: {
		data:                    Volume,
		heartbeatInterval:       100 * time.Millisecond,
		electionTimeout:         time.Second,
		quotaBackendBytes:       8 * gibibyte, // the most that etcd recommends
		autoCompactionMode:      periodic,
		autoCompactionRetention: "1h",
		logLevel:                "info",
		upkeep: Upkeep{
			Restart:   "unless-stopped",
			StopGrace: 30 * time.Second,
			Health: HealthCheck{
				Interval: 5 * time.Second, Timeout: 6 * time.Second, Retries: 3,
				StartPeriod: time.Minute, StartInterval: time.Second,
			},
		},
	},
	// For working on something that uses etcd.
	DefaultProfile: {
		data:                    Volume,
		heartbeatInterval:       100 * time.Millisecond,
		electionTimeout:         time.Second,
		quotaBackendBytes:       2 * gibibyte, // etcd's default
		autoCompactionMode:      periodic,
		autoCompactionRetention: "1h",
		logLevel:                "info",
		upkeep: Upkeep{
			Restart:   "unless-stopped",
			StopGrace: 20 * time.Second,
			Health: HealthCheck{
				Interval: 2 * time.Second, Timeout: 6 * time.Second, Retries: 5,
				StartPeriod: 30 * time.Second, StartInterval: 500 * time.Millisecond,
			},
		},
	},
	// For tests: elects in a tenth of a second, and keeps nothing.
	"ci": {
		data:                    Memory,
		heartbeatInterval:       10 * time.Millisecond,
		electionTimeout:         100 * time.Millisecond,
		quotaBackendBytes:       2 * gibibyte,
		autoCompactionMode:      periodic,
		autoCompactionRetention: "1h",
		logLevel:                "warn",
		settings:                map[string]string{"unsafe-no-fsync": "true"},
		upkeep: Upkeep{
			Restart:   "no",
			StopGrace: 2 * time.Second,
			Health: HealthCheck{
				Interval: time.Second, Timeout: 6 * time.Second, Retries: 10,
				StartPeriod: 30 * time.Second, StartInterval: 200 * time.Millisecond,
			},
		},
	},
}
