package health

import (
	"crypto/x509"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// What a real cluster does not do on demand is judged from made-up answers.

var noon = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// healthy are the answers of a cluster with nothing wrong.
func healthy() []answer {
	members := []*etcdserverpb.Member{{ID: 0x11, Name: "etcd1"}, {ID: 0x12, Name: "etcd2"}, {ID: 0x13, Name: "etcd3"}}
	var answers []answer
	for _, m := range members {
		answers = append(answers, answer{
			member: Member{Name: m.Name},
			status: &clientv3.StatusResponse{
				Header: &etcdserverpb.ResponseHeader{ClusterId: 0xc1, MemberId: m.ID},
				Leader: 0x11, Version: "3.7.3", RaftIndex: 5000, RaftAppliedIndex: 5000,
			},
			members: members,
		})
	}
	return answers
}

func TestJudgement(t *testing.T) {
	tests := map[string]struct {
		change             func(a []answer)
		failures, warnings []string
	}{
		"nothing wrong": {change: func([]answer) {}},
		"two leaders": {
			change:   func(a []answer) { a[2].status.Leader = 0x13 },
			failures: []string{"2 leaders instead of one: etcd1 according to etcd1, etcd2; etcd3 according to etcd3"},
		},
		"members in between plain text and TLS": {
			change: func(a []answer) { a[0].member.Bridges, a[2].member.Bridges = true, true },
			warnings: []string{
				"etcd1, etcd3: answers clients without TLS, too, whoever they are: `etcdctr up --clients moved` ends what is in between, once all clients have moved",
			},
		},
		"one member in another cluster": {
			change:   func(a []answer) { a[1].status.Header.ClusterId = 0xc2 },
			failures: []string{"2 clusters instead of one (etcd1, etcd3 in c1; etcd2 in c2): find out which is meant; keep the data of all until then"},
		},
		"a member that is not where the others reach it": {
			change: func(a []answer) {
				for i := range a {
					name := a[i].member.Name
					a[i].member.PeerURL = "https://" + name + ":2380"
					a[0].members[i] = &etcdserverpb.Member{ID: a[0].members[i].ID, Name: name, PeerURLs: []string{a[i].member.PeerURL}}
				}
				a[1].member.PeerURL += ",http://etcd2:2380"
				a[0].members[2].PeerURLs = []string{"https://127.0.0.1:1"}
			},
			warnings: []string{"etcd1, etcd2, etcd3: reaches etcd3 at https://127.0.0.1:1, as etcd has it, and it is at https://etcd3:2380: `etcdctr up` puts that right"},
		},
		"a server that is no member any more": {
			change: func(a []answer) {
				members := a[0].members[:2]
				for i := range a {
					a[i].members = members
					a[i].member.PeerURL = "https://" + a[i].member.Name + ":2380"
					if i < 2 {
						members[i].PeerURLs = []string{a[i].member.PeerURL}
					}
				}
				a[2] = answer{member: Member{Name: "etcd3@192.0.2.3", PeerURL: "https://192.0.2.3:2380", Unwanted: true}, err: errors.New("no route to host")}
			},
			failures: []string{"etcd3@192.0.2.3: is no member any more, and the description does not have it: `etcdctr up` takes it away"},
		},
		"a member that is to leave and does not answer": {
			change: func(a []answer) {
				a[2].members[2].PeerURLs = []string{"https://192.0.2.3:2380"}
				a[2] = answer{member: Member{Name: "etcd3@192.0.2.3", PeerURL: "https://192.0.2.3:2380", Unwanted: true}, err: errors.New("no route to host")}
			},
			failures: []string{
				"etcd1, etcd2: knows a member etcd3 that is not here: `etcdctr up` has it run again, or takes it out of the cluster where the description names the others alone",
				"etcd3@192.0.2.3: does not answer: no route to host",
			},
		},
		"a member added and never started": {
			change: func(a []answer) {
				for i := range a {
					a[i].members = append(a[i].members, &etcdserverpb.Member{ID: 0x14, PeerURLs: []string{"http://etcd4:2380"}})
				}
			},
			failures: []string{"etcd1, etcd2, etcd3: knows a member at http://etcd4:2380 as added and never started: `etcdctr up` starts it, or takes it out of the cluster where the description does not name it"},
		},
		"a member added that others don't count": {
			change: func(a []answer) {
				a[1].member.ClientURL = "https://etcd2:2379"
				a[1].members = append(slices.Clone(a[1].members), &etcdserverpb.Member{ID: 0x14, PeerURLs: []string{"http://etcd4:2380"}})
			},
			failures: []string{"etcd2: knows a member at http://etcd4:2380 as added and never started, and others don't know it, as where max-learners has differed: " +
				"`etcdctr etcdctl --endpoints https://etcd2:2379 member remove 14` takes it out"},
		},
		"a member added that others have not heard of yet": {
			change: func(a []answer) {
				a[1].status.RaftAppliedIndex++
				a[1].members = append(slices.Clone(a[1].members), &etcdserverpb.Member{ID: 0x14, PeerURLs: []string{"http://etcd4:2380"}})
			},
			failures: []string{"etcd2: knows a member at http://etcd4:2380 as added and never started: `etcdctr up` starts it, or takes it out of the cluster where the description does not name it"},
		},
		"a member added and expected that never started": {
			change: func(a []answer) {
				for i := range a {
					a[i].members = []*etcdserverpb.Member{a[i].members[0], a[i].members[1], {ID: 0x14, PeerURLs: []string{"http://etcd3:2380"}}}
				}
				a[2].member.PeerURL, a[2].err = "http://etcd3:2380", errSilent
			},
			failures: []string{
				"etcd1, etcd2: knows etcd3 as added and never started: `etcdctr up` starts it, or takes it out of the cluster where the description does not name it",
				"etcd3: does not answer: " + errSilent.Error(),
			},
		},
		"data that differs": {
			change: func(a []answer) {
				for i := range a {
					a[i].digest = digest{asked: true, hash: 0xaa}
				}
				a[2].digest.hash = 0xbb
			},
			failures: []string{"members of one cluster hold different data (etcd1, etcd2 have 000000aa; etcd3 have 000000bb): save a snapshot of each, and keep all of it until it is known which is right"},
		},
		"data that can't be compared yet": {
			change: func(a []answer) {
				a[0].digest, a[1].digest = digest{asked: true, hash: 0xaa, of: span{5, 7}}, digest{asked: true, hash: 0xbb, of: span{0, 7}}
			},
			failures: []string{"the data was not compared, because they have not all carried out the same compaction, or are written to all the time: ask again"},
		},
		"data that a member does not hash": {
			change: func(a []answer) {
				a[0].digest, a[1].digest, a[2].digest = digest{asked: true, hash: 0xaa}, digest{asked: true, hash: 0xaa}, digest{asked: true, err: errSilent}
			},
			failures: []string{"etcd3: its data was not compared: " + errSilent.Error()},
		},
		"a member that lags": {
			change:   func(a []answer) { a[2].status.RaftAppliedIndex = 3500 },
			failures: []string{"etcd3: is 1500 raft entries behind: its disk or its network is too slow"},
		},
		"a clock that is ahead": {
			change: func(a []answer) {
				a[0].clock = clock{known: true, earliest: -time.Second, latest: 0}
				a[1].clock = clock{known: true, earliest: 4 * time.Second, latest: 5 * time.Second}
			},
			failures: []string{"etcd2: its clock is 4s ahead of that of etcd1: synchronize the machines' clocks"},
		},
		"clocks that may be the same": {
			change: func(a []answer) {
				a[0].clock = clock{known: true, earliest: -time.Second, latest: 0}
				a[1].clock = clock{known: true, earliest: time.Second, latest: 2 * time.Second}
			},
		},
		"certificates": {
			change: func(a []answer) {
				a[0].certificates = []shown{certificate("server", -365*day, 0), certificate("client", -300*day, 65*day)}
				a[1].certificates = []shown{certificate("peer", -day, 364*day), certificate("client", -300*day, 65*day)}
			},
			failures: []string{"etcd1: server certificate expired 2030-06-01 12:00 UTC: renew it, with `etcdctr certs renew` where its authority is here, or `etcdctr certs rotate-ca` where it ends with that"},
			warnings: []string{"client certificate ends in 65 days: renew it, with `etcdctr certs renew` where its authority is here, or `etcdctr certs rotate-ca` where it ends with that"},
		},
		"certificates that live for hours": {
			change: func(a []answer) {
				a[0].certificates = []shown{certificate("server", -10*time.Hour, 2*time.Hour), certificate("peer", -11*time.Hour, 35*time.Minute)}
				a[1].certificates = []shown{certificate("server", -300*day, -40*day)}
			},
			failures: []string{"etcd2: server certificate expired 2030-04-22: renew it, with `etcdctr certs renew` where its authority is here, or `etcdctr certs rotate-ca` where it ends with that"},
			warnings: []string{"etcd1: server certificate ends in 2 hours: renew it, with `etcdctr certs renew` where its authority is here, or `etcdctr certs rotate-ca` where it ends with that", "etcd1: peer certificate ends in 35 minutes: renew it, with `etcdctr certs renew` where its authority is here, or `etcdctr certs rotate-ca` where it ends with that"},
		},
		"alarms": {
			change: func(a []answer) {
				a[1].status.Errors = []string{"memberID:18  alarm:CORRUPT", "etcdserver: no leader"}
			},
			failures: []string{"etcd2: alarm CORRUPT: its data differs from the others', and no member takes a write or lets a lease end: `etcdctr doctor` tells whether they can replace it"},
		},
		"a database nearly full": {
			change:   func(a []answer) { a[0].status.DbSize, a[0].status.DbSizeQuota = 90, 100 },
			warnings: []string{"etcd1: its database takes 90 % of its quota: `etcdctr compact --recover` makes room before etcd refuses all writes"},
		},
		"a database beyond its quota, of which etcd has not said so yet": {
			change: func(a []answer) { a[0].status.DbSize, a[0].status.DbSizeQuota = 190, 100 },
			failures: []string{"etcd1: its database takes 190 % of its quota, and etcd refuses the next write: `etcdctr compact --recover` makes room " +
				"where old revisions take it, else a larger quota-backend-bytes does"},
		},
		"an upgrade under way": {
			change:   func(a []answer) { a[0].status.Version = "3.6.16" },
			warnings: []string{"the members are on their way from 3.6.16 to 3.7.3, 2 of 3: `etcdctr up` finishes that, with --etcd 3.7.3 where the cluster file says another"},
		},
		"a way back under way": {
			change: func(a []answer) {
				for i := range a {
					a[i].status.DowngradeInfo = &etcdserverpb.DowngradeInfo{Enabled: true, TargetVersion: "3.6.0"}
				}
				a[0].status.Version = "3.6.9"
			},
			warnings: []string{"the members are on their way from 3.7.3 to 3.6.9, 1 of 3: `etcdctr up` finishes that, with --etcd 3.6.9 where the cluster file says another"},
		},
		"a way back that has not begun": {
			change: func(a []answer) {
				a[1].status.DowngradeInfo = &etcdserverpb.DowngradeInfo{Enabled: true, TargetVersion: "3.6.0"}
			},
			warnings: []string{"a downgrade to 3.6 is enabled, and no member runs it yet: `etcdctr up --etcd 3.6` goes on, `etcdctr up` takes it back"},
		},
		"patches of one minor": {
			change:   func(a []answer) { a[0].status.Version = "3.7.10" },
			warnings: []string{"the members are on their way from 3.7.3 to 3.7.10, 1 of 3: `etcdctr up` finishes that, with --etcd 3.7.10 where the cluster file says another"},
		},
		"a member that joins": {
			change: func(a []answer) {
				a[2].status.IsLearner, a[2].status.RaftAppliedIndex, a[2].members = true, 3150, nil
			},
			warnings: []string{"etcd3: is joining, 63 % in step: `etcdctr up` gives it its vote once it is"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			answers := healthy()
			tt.change(answers)
			r := judge(answers, noon)
			if diff := cmp.Diff(append([]string{}, tt.failures...), r.Failures); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(append([]string{}, tt.warnings...), r.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if r.Healthy != (len(tt.failures) == 0) {
				t.Errorf("healthy is %v", r.Healthy)
			}
		})
	}
}

func certificate(use string, from, to time.Duration) shown {
	return shown{use: use, cert: &x509.Certificate{NotBefore: noon.Add(from), NotAfter: noon.Add(to)}}
}

// kine's status is without the ID of a member.
func TestWhatHasNoIDIsNoMember(t *testing.T) {
	all := healthy()
	if err := standIn(&all[0]); err != nil {
		t.Errorf("a member is none: %v", err)
	}
	all[0].status.Header.MemberId = 0
	if err := standIn(&all[0]); !errors.Is(err, errNoMember) {
		t.Errorf("what has no ID: %v, want %v", err, errNoMember)
	}
}

func TestNobodyIsNotHealthy(t *testing.T) {
	if r := judge(nil, time.Now()); r.Healthy || len(r.Failures) == 0 {
		t.Errorf("of a cluster without members it says %+v", r)
	}
}

func TestALargeDatabaseIsToldFromAMemberThatIsAway(t *testing.T) {
	c := Cluster{Timeout: time.Nanosecond}.withDefaults()
	if d := c.digest(t.Context(), Member{Name: "etcd1", ClientURL: "http://127.0.0.1:1"}, 1); !errors.Is(d.err, errNotHashed) {
		t.Errorf("the error is %v, want %v", d.err, errNotHashed)
	}
}

// What is left of a member is none that is missed.
func TestWhatIsLeftOfAMemberDoesNotCount(t *testing.T) {
	a := append(healthy(), answer{member: Member{Name: "etcd3@192.0.2.3", Unwanted: true}, err: errors.New("no route to host")})
	r := judge(a, noon)
	if diff := cmp.Diff([]string{"etcd3@192.0.2.3"}, r.Left()); diff != "" || r.Size() != 3 {
		t.Errorf("of %d members are left %s", r.Size(), diff)
	}
}
